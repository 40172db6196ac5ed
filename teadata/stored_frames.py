"""Frames that stay in their file, for test sets larger than memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teadata.arrays import SeekableFile, StoredArray, StoredInts, open_arrays
from teadata.arrays.stored_array import as_range
from teadata.elements import SYMBOLS, formula
from teadata.formats.layout import check_layout, present, stated_units
from teadata.frames import Frames
from teadata.lookup import Consecutive, as_array, find_rows, picked, rows_of
from teadata.typing import Floats, Ints


@dataclass(frozen=True, eq=False, repr=False)
class StoredFrames:
    """N frames of one system of A atoms; indexing reads what there is of each.

    What :class:`~teadata.frames.Frames` holds under these names, in the same units; stress and
    temperatures are left out.
    """

    numbers: Ints
    positions: StoredArray
    energies: Floats | StoredArray
    forces: StoredArray
    cell: Floats | StoredArray | None
    pbc: NDArray[np.bool_]
    ids: Ints | StoredInts | Consecutive
    trajectories: Ints | None

    def __len__(self) -> int:
        return len(self.energies)

    def __repr__(self) -> str:
        return (
            f"StoredFrames({len(self)} frames of {formula(self.numbers)}, {self.n_atoms} atoms, "
            "in their file; a slice reads some)"
        )

    def __getitem__(self, index: int | slice | ArrayLike) -> Frames:
        """Read frames by slice, integer array or mask; one integer gives one frame."""
        rows = index if isinstance(index, slice) else np.atleast_1d(picked(index, len(self)))
        return Frames(
            numbers=self.numbers,
            positions=self.positions[rows],
            energies=self.energies[rows],
            forces=self.forces[rows],
            cell=None if self.cell is None else self.cell[rows],
            pbc=self.pbc,
            ids=self.ids[rows],
            trajectories=None if self.trajectories is None else self.trajectories[rows],
        )

    @property
    def n_atoms(self) -> int:
        """Number of atoms, A."""
        return len(self.numbers)

    @property
    def symbols(self) -> list[str]:
        """Chemical symbol of each atom."""
        return [SYMBOLS[z] for z in self.numbers]

    def find(self, ids: Ints) -> Ints:
        """Row of each id, (n,); −1 where there is no such frame."""
        return as_array(find_rows(self.ids, ids))


AnyFrames = Frames | StoredFrames
"""Frames in memory, or in their file."""


def open_frames(path: Path, ids: ArrayLike | Consecutive) -> StoredFrames:
    """Open frames that :mod:`teadata.formats` wrote as HDF5 or Zarr, without reading them.

    Parameters
    ----------
    path
        The file.
    ids
        (N,) ids of the frames, in the order wanted.

    Raises
    ------
    UsageError
        If the file's suffix is of no known format.
    DataError
        If the file cannot be read, or only from its beginning; if it has no frame of one of
        these ids.
    """
    file = open_arrays(path)
    if not isinstance(file, SeekableFile):
        raise file.error("frames are read in pieces from HDF5 or Zarr; export them to one of those")
    check_layout(path, file.attributes.get("layout"))
    names = present(path, file.names)
    factors = stated_units(path, file.attributes).factors
    wanted = ids if isinstance(ids, Consecutive) else np.atleast_1d(np.asarray(ids, np.int64))
    found = rows_of(StoredInts.of(file, "ids"), wanted)
    if not isinstance(found, range):
        found = as_range(as_array(found))
    rows = slice(found.start, found.stop) if isinstance(found, range) else found

    def stored(name: str) -> StoredArray:
        return StoredArray.of(file, name).take(rows) * factors[name]

    energies: Floats | StoredArray = stored("energies")
    known: Ints | StoredInts = StoredInts.of(file, "ids").take(rows)
    if not isinstance(rows, slice):  # one by one they would be read slowly
        energies = (StoredArray.of(file, "energies") * factors["energies"])[:][rows]
        known = wanted[:]
    trajectories = None
    if "trajectories" in names:
        trajectories = file.whole("trajectories")[rows].astype(np.int64, copy=False)
    return StoredFrames(
        numbers=file.whole("numbers").astype(np.int64),
        positions=stored("positions"),
        energies=energies,
        forces=stored("forces"),
        cell=stored("cell") if "cell" in names else None,
        pbc=file.whole("pbc").astype(np.bool_),
        ids=known,
        trajectories=trajectories,
    )
