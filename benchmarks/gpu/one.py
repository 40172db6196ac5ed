"""One piece, in this process: ``python -m benchmarks.gpu.one PIECE FOLDER SECONDS [--smoke]``.

Started by ``python -m benchmarks.gpu``, which gives it a limit and keeps what it finds.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path

from benchmarks.gpu.pieces import BY_NAME, Context
from teadata.files import write_text


def main() -> None:
    name, folder, seconds, *rest = sys.argv[1:]
    context = Context("--smoke" in rest, Path(folder), float(seconds))
    if context.smoke:  # compiling is most of what a small piece does
        os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
    found = BY_NAME[name].do(context)
    write_text(context.folder / "found.json", json.dumps(dataclasses.asdict(found)))


if __name__ == "__main__":
    main()
