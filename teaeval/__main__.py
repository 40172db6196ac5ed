"""``python -m teaeval``."""

from teaeval.cli import main

if __name__ == "__main__":
    main()
