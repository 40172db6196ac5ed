"""The command: ``python -m benchmarks.gpu [PIECE …] [--smoke]``, or ``make gpu``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from benchmarks.gpu.document import rewrite
from benchmarks.gpu.pieces import BY_NAME, PIECES, Piece
from benchmarks.gpu.running import ROOT, Results, carry_out
from teadata.errors import TeaError, UsageError, unknown_name

RESULTS, SMOKE = "gpu.json", "gpu-smoke.json"

NVIDIA = ("/dev/nvidiactl", "/dev/dxg")
"""What a machine with a GPU has, the second of them in Windows' subsystem for Linux."""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu",
        description="Do what is to be done on a GPU, piece by piece. What is done is not done "
        "again; what failed is.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "piece", nargs="*", help="Pieces, in this order; default: all (--list names them)."
    )
    parser.add_argument("--list", action="store_true", help="List the pieces and end.")
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="On the CPU and at reduced size, to see that the pieces work; kept apart.",
    )
    parser.add_argument(
        "--again",
        action="append",
        default=[],
        metavar="PIECE",
        help="Do this piece though it is done; repeatable.",
    )
    parser.add_argument(
        "--limit", type=float, metavar="SECONDS", help="Limit of each piece, if below its own."
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=ROOT / "benchmarks",
        metavar="FOLDER",
        help=f"Folder of {RESULTS} and {SMOKE}; default: benchmarks.",
    )
    parser.add_argument(
        "--document",
        type=Path,
        default=ROOT / "docs" / "gpu.md",
        metavar="FILE",
        help="Document whose table is written; default: docs/gpu.md.",
    )
    parser.add_argument(
        "--scratch",
        type=Path,
        default=ROOT / "runs" / "gpu",
        metavar="FOLDER",
        help="Folder for what pieces make, and their logs; default: runs/gpu.",
    )
    return parser.parse_args()


def _pieces(names: list[str]) -> list[Piece]:
    for name in names:
        if name not in BY_NAME:
            raise unknown_name("piece", name, BY_NAME)
    return [BY_NAME[name] for name in names]


def _list(results: dict[str, Any]) -> None:
    for piece in PIECES:
        status = results.get(piece.name, {}).get("status", "not run")
        print(f"{piece.name:16} {status:8} up to {piece.minutes:g} min  {piece.title}")


def _check_gpu() -> None:
    if not any(Path(device).exists() for device in NVIDIA):
        raise UsageError(
            "this machine has no NVIDIA GPU; to try the pieces on the CPU at reduced size: "
            "python -m benchmarks.gpu --smoke"
        )


def work(options: argparse.Namespace) -> int:
    """Do the pieces that are asked for, and return how many failed."""
    again = _pieces(options.again)
    chosen = _pieces(options.piece) or again or list(PIECES)
    real, smoke = Results(options.results / RESULTS), Results(options.results / SMOKE)
    results = smoke if options.smoke else real
    if options.list:
        _list(results.read())
        return 0
    if options.limit is not None and not options.limit > 0:
        raise UsageError(f"--limit {options.limit:g}: expected more than 0 seconds")
    if not options.smoke:
        _check_gpu()
    rewrite(options.document, real.read(), smoke.read())
    scratch = options.scratch.resolve() / ("smoke" if options.smoke else "gpu")
    failed = 0
    for piece in chosen + [each for each in again if each not in chosen]:
        if results.done(piece) and piece not in again:
            print(f"{piece.name}: done before")
            continue
        limit = min(60 * piece.minutes, options.limit or float("inf"))
        print(f"{piece.name}: at most {limit:g} s …", flush=True)
        status = carry_out(piece, results, scratch, options.smoke, limit)
        rewrite(options.document, real.read(), smoke.read())
        record = results.read()[piece.name]
        print(f"{piece.name}: {status} after {record['seconds']:g} s", flush=True)
        print(f"  {record.get('said') or record['why']}")
        if status != "done":
            failed += 1
            print(f"  log: {scratch / piece.name / 'piece.log'}", flush=True)
    return failed


def main() -> None:
    try:
        failed = work(_options())
    except TeaError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\ninterrupted; what is done is kept, the same command goes on", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
