"""Checksum of energies and forces: are they still those that a file's units were stated for?

A file that this package wrote states units.  Whoever puts other energies and forces in their place
seldom corrects that, and a program that copies what it does not know keeps it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np

from teadata.typing import Array

KEY = "labels_crc32"
"""Name under which a file has the checksum."""


def label_checksum(pieces: Iterable[tuple[Array, Array]]) -> str:
    """CRC-32 of energies and of forces, as eight hexadecimal digits each.

    Parameters
    ----------
    pieces
        Energies (n,) and forces (n, A, 3) of all frames, some at a time, in the file's units and
        in any precision that holds them exactly.
    """
    energy = force = 0
    for energies, forces in pieces:
        energy = zlib.crc32(_bytes(energies), energy)
        force = zlib.crc32(_bytes(forces), force)
    return f"{energy:08x} {force:08x}"


def _bytes(values: Array) -> bytes:
    return np.ascontiguousarray(values, "<f8").tobytes()
