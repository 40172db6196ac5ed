"""Files of labelled frames, read a piece at a time.

What is looked at on opening is small: names, shapes, types, units, energies.  Positions and
forces stay in the file until they are asked for, and never are all in memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teadata.arrays import Array, open_arrays, suffix_of, text
from teadata.arrays.images import ImageFile
from teadata.elements import NUMBERS, formula
from teadata.errors import DataError
from teadata.ingest.archives import FRAMES, Found
from teadata.typing import Ints

ALIASES = {
    "positions": ("R", "positions", "pos", "coordinates", "coords"),
    "energies": ("E", "energies", "energy", "REF_energy"),
    "forces": ("F", "forces", "force", "REF_forces"),
    "numbers": ("z", "numbers", "atomic_numbers", "species", "nuclear_charges"),
    "cell": ("cell", "cells"),
    "lattice": ("lattice",),
    "pbc": ("pbc",),
    "stress": ("stress", "stresses"),
    "temperatures": ("temperatures", "temperature"),
    "energy_unit": ("e_unit", "energy_unit"),
    "length_unit": ("r_unit", "length_unit"),
    "force_unit": ("force_unit",),
}
"""Names of each field: sGDML's, ours, and others that are common."""

PER_FRAME = ("positions", "energies", "forces", "cell", "stress", "temperatures")

PIECE = 16 << 20
"""Bytes of positions that are read at a time."""


@dataclass(frozen=True)
class Header:
    """What all frames of a file have in common.

    ``numbers`` (A,); ``energies`` (N,), in the file's unit; ``single`` if they are float32;
    ``pbc`` (3,) or None where there is no cell; ``optional`` names the fields beyond positions,
    energies and forces; units None where not declared.
    """

    numbers: Ints
    energies: NDArray[np.float64]
    single: bool
    pbc: tuple[bool, ...] | None
    optional: frozenset[str]
    energy_unit: str | None
    length_unit: str | None
    force_unit: str | None

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self.energies)

    @property
    def formula(self) -> str:
        """Hill formula."""
        return formula(self.numbers)


class NotFramesError(DataError):
    """A file that can be read, and holds no labels."""


class Source:
    """A file of labelled frames.

    Parameters
    ----------
    file
        Where the file lies, and how the user knows it.

    Raises
    ------
    NotFramesError
        If it has neither energies nor forces.
    DataError
        On opening, or while it is read: if it is damaged or is not frames of one system.
    """

    def __init__(self, file: Found) -> None:
        self.label, self.given = file.label, file.given
        self.file = open_arrays(file.path, FRAMES[suffix_of(file.path)], file.label)
        self._names = self._known()
        self.header = self._header()
        self._lattice: Array | None = None
        if "lattice" in self._names:
            self._lattice = self.file.whole(self._names["lattice"])
            if self._lattice.shape != (3, 3):
                raise self._fail(f"its lattice has shape {self._lattice.shape}, expected (3, 3)")

    def _known(self) -> dict[str, str]:
        """Map each field that the file has to its name in the file."""
        names, missing = {}, []
        for field, aliases in ALIASES.items():
            there = [alias for alias in aliases if alias in self.file.names]
            if field == "energies" and len(there) > 1:  # those of each atom are no other energy
                there = [name for name in there if math.prod(self.file.shape(name)[1:]) == 1]
            if len(there) > 1:
                raise self._fail(f"holds {field} twice, as {' and '.join(there)}; keep one")
            if there:
                names[field] = there[0]
            elif field in ("positions", "energies", "forces", "numbers"):
                missing.append(f"{field} under one of {', '.join(aliases)}")
        if missing:
            kind = DataError if {"energies", "forces"} & names.keys() else NotFramesError
            raise kind(
                f"{self.label}: expected {' and '.join(missing)}; found "
                f"{', '.join(sorted(self.file.names)) or 'nothing'}"
            )
        if {"cell", "lattice"} <= names.keys():
            raise self._fail("holds both a lattice and cells; keep one")
        return names

    def _header(self) -> Header:
        numbers, energies = self._numbers(), self.file.whole(self._names["energies"])
        texts = isinstance(self.file, ImageFile)  # where -5 may stand for -5.0
        if energies.dtype.kind != "f" and not (texts and energies.dtype.kind in "iu"):
            raise self._fail(f"energies are {energies.dtype}, expected floating-point numbers")
        if energies.size == 0:
            raise self._fail(
                "holds no frames; leave it out, with --map FILE=- if it is in a folder"
            )
        self._check_shapes(energies.size, numbers.size)
        optional = {"cell" if field == "lattice" else field for field in self._names}
        pbc: tuple[bool, ...] | None = None
        if "cell" in optional:
            pbc = (True, True, True)
        if "pbc" in self._names:
            pbc = self._flags(np.asarray(self.file.whole(self._names["pbc"])))
        return Header(
            numbers=numbers,
            energies=energies.reshape(-1).astype(np.float64),
            single=energies.dtype.kind == "f" and energies.dtype.itemsize < 8,
            pbc=pbc,
            optional=frozenset(optional) & {"cell", "stress", "temperatures"},
            energy_unit=self.file.stated(ALIASES["energy_unit"]),
            length_unit=self.file.stated(ALIASES["length_unit"]),
            force_unit=self.file.stated(ALIASES["force_unit"]),
        )

    def _flags(self, stated: Array) -> tuple[bool, ...]:
        """Whether it is periodic along each axis: one flag for all, three, or three a frame."""
        if stated.dtype.kind not in "biuf" or (stated.size != 1 and stated.shape[-1:] != (3,)):
            raise self._fail(
                f"pbc is {stated.dtype} of shape {stated.shape}, expected true or false for each "
                "of three axes"
            )
        flags = np.broadcast_to(stated, 3) if stated.size == 1 else stated.reshape(-1, 3)
        flags = flags.reshape(-1, 3)
        if not (flags == flags[:1]).all():
            raise self._fail("its frames differ in pbc")
        return tuple(map(bool, flags[0]))

    def _numbers(self) -> Ints:
        numbers = self.file.whole(self._names["numbers"])
        if numbers.ndim == 2:
            if not (numbers == numbers[:1]).all():
                raise self._fail("its frames have different atoms, or orders; split it by system")
            numbers = numbers[0]
        if numbers.dtype.kind in "SUO":
            numbers = np.array([NUMBERS.get(text(symbol), 0) for symbol in numbers])
        known = np.isin(numbers, list(NUMBERS.values()))
        if not known.all():
            raise self._fail(f"holds atoms of no known element: {self._names['numbers']} has "
                             f"{numbers[~known].flat[0]}")  # fmt: skip
        integers: Ints = numbers.astype(np.int64)
        return integers

    def _check_shapes(self, count: int, atoms: int) -> None:
        expected: dict[str, tuple[int, ...]] = {
            "positions": (count, atoms, 3),
            "forces": (count, atoms, 3),
            "cell": (count, 3, 3),
            "stress": (count, 3, 3),
            "temperatures": (count,),
        }
        wrong = [
            f"{name} has shape {self.file.shape(name)}, expected {shape}"
            for field, shape in expected.items()
            if (name := self._names.get(field)) and self.file.shape(name) != shape
        ]
        if wrong:
            raise self._fail(f"{count} energies of {atoms} atoms do not fit: {'; '.join(wrong)}")

    def _fail(self, message: str) -> DataError:
        return DataError(f"{self.label}: {message}")

    def pieces(self) -> Iterator[dict[str, Array]]:
        """Read the fields of :data:`PER_FRAME` that it has piece by piece, in its own units."""
        fields = {field: name for field, name in self._names.items() if field in PER_FRAME}
        rows = max(1, PIECE // (24 * len(self.header.numbers)))
        for arrays in self.file.pieces(list(fields.values()), rows):
            piece = {field: arrays[name] for field, name in fields.items()}
            if self._lattice is not None:  # sGDML keeps lattice vectors as columns
                piece["cell"] = np.broadcast_to(self._lattice.T, (len(piece["energies"]), 3, 3))
            yield piece
