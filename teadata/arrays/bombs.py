"""Archives that claim to hold more than is plausible."""

from __future__ import annotations

from pathlib import Path

from teadata.errors import DataError

HARMLESS = 1 << 30
"""So many bytes may come out of any archive."""

RATIO = 100
"""More may if they are less than so many times the archive's size: floats compress to half,
zeros to a thousandth."""


def guard(path: Path, size: int, label: str) -> None:
    """Refuse an archive from which more would come than is plausible.

    Raises
    ------
    DataError
        If the archive claims to hold more than :data:`HARMLESS` bytes and more than
        :data:`RATIO` times its own size.
    """
    packed = path.stat().st_size
    if size > max(HARMLESS, RATIO * packed):
        raise DataError(
            f"{label}: {packed} bytes that claim to hold {size}, over {RATIO} times as much; "
            "no data of this kind compress so well, so it is not unpacked"
        )
