"""What each extra takes on the disk, beside the core: python benchmarks/extras.py.

Sums the files of the installed distributions that an extra brings with all they need.  Nothing is
downloaded: extras that are not installed here are left out.
"""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

NAME = "tea-benchmark"


def needed(name: str, extras: frozenset[str], seen: dict[str, frozenset[str]]) -> None:
    """Collect the distributions that one needs, itself included."""
    if extras <= seen.get(name, frozenset()) and name in seen:
        return
    seen[name] = seen.get(name, frozenset()) | extras
    for text in distribution(name).requires or []:
        item = Requirement(text)
        wanted = [e for e in (*extras, "") if not item.marker or item.marker.evaluate({"extra": e})]
        if wanted:
            needed(item.name.lower().replace("_", "-"), frozenset(item.extras), seen)


def size(found: Distribution) -> int:
    """Bytes of a distribution's files."""
    files = (Path(str(file.locate())) for file in found.files or [])
    return sum(file.stat().st_size for file in files if file.is_file())


def main() -> None:
    """Print a line for the core and for each extra: name, packages, MiB."""
    core: dict[str, frozenset[str]] = {}
    needed(NAME, frozenset(), core)
    for extra in ["", *sorted(distribution(NAME).metadata.get_all("Provides-Extra") or [])]:
        seen: dict[str, frozenset[str]] = {}
        try:
            needed(NAME, frozenset({extra} - {""}), seen)
        except PackageNotFoundError as error:
            print(f"{extra:12} not installed: {error}")
            continue
        more = set(seen) - (set(core) if extra else {NAME})
        total = sum(size(distribution(name)) for name in more)
        print(f"{extra or 'core':12} {len(more):4} packages {total / 2**20:7.0f} MiB")


if __name__ == "__main__":
    main()
