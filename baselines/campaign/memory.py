"""Amounts of memory in the files of campaigns."""

from __future__ import annotations

import re

UNITS = {"MiB": 1, "GiB": 1024}
"""Units of memory, in MiB."""

MEBIBYTE = 2**20
"""Bytes of a MiB."""


def mebibytes(text: str) -> float:
    """Read an amount of memory, e.g. ``4 GiB`` or ``500 MiB``, in MiB.

    Raises
    ------
    ValueError
        If the text is no amount of memory.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(\w+)", text.strip())
    if found is None or found[2] not in UNITS or not float(found[1]):
        raise ValueError(f"expected an amount of memory such as 4 GiB or 500 MiB, found {text!r}")
    return float(found[1]) * UNITS[found[2]]
