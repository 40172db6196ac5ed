"""``python -m teadata``."""

from teadata.cli import main

if __name__ == "__main__":
    main()
