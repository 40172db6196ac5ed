"""Check the arrays that observables take: positions, velocities, cells, times."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from teadata.elements import SYMBOLS
from teadata.errors import DataError, UsageError
from teadata.frames import cell_volumes
from teadata.typing import Floats, Ints

CHUNK = 1 << 22
"""Numbers of a chunk of frames that are worked on at a time: some 30 MB an array."""


def checked_positions(values: ArrayLike, what: str = "positions") -> Floats:
    """Check positions (Å) or velocities (Å/fs): a float array (N, A, 3).

    Raises
    ------
    DataError
        If they have another shape, there are none, or one is not finite.
    """
    found = numbers_of(values, what)
    if found.ndim != 3 or found.shape[2] != 3 or not found.size:
        raise DataError(f"{what} have shape {found.shape}; expected (frames, atoms, 3)")
    finite = np.isfinite(found).all(axis=(1, 2))
    if not finite.all():
        raise DataError(
            f"{what} of {int((~finite).sum())} of {len(found)} frames are not finite, the first "
            f"is {int(np.argmin(finite))}; leave out what comes after a simulation broke"
        )
    return found


def checked_numbers(values: ArrayLike, positions: Floats) -> Ints:
    """Check atomic numbers: one for each atom of the positions, (A,).

    Raises
    ------
    DataError
        If there is not one for each atom, or one is of no element.
    """
    given = np.asarray(values)
    whole = given.dtype.kind == "f" and bool((given == np.rint(given)).all())
    if given.dtype.kind not in "iu" and not whole:
        raise DataError(
            f"atomic numbers are of {given.dtype}; expected integers, such as 8 for O: "
            "ase.Atoms(symbols).numbers has them"
        )
    found: Ints = given.astype(np.int64)
    if found.size and not (found.min() >= 0 and found.max() < len(SYMBOLS)):
        raise DataError(
            f"atomic numbers from {found.min()} to {found.max()}; expected 0 to {len(SYMBOLS) - 1}"
        )
    if found.shape != positions.shape[1:2]:
        raise DataError(
            f"atomic numbers have shape {found.shape}; expected ({positions.shape[1]},), one for "
            "each atom of the positions"
        )
    return found


def numbers_of(values: ArrayLike, what: str) -> Floats:
    """Values as an array of floats.

    Raises
    ------
    DataError
        If they are no numbers.
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} are no numbers ({error})") from None


def checked_masses(values: ArrayLike, atoms: int) -> Floats:
    """Check masses: one for each atom, (A,) in u.

    Raises
    ------
    DataError
        If there is not one for each atom, or one is not positive.
    """
    found = numbers_of(values, "masses")
    if found.shape != (atoms,) or not (np.isfinite(found) & (found > 0)).all():
        raise DataError(f"masses have shape {found.shape}; expected ({atoms},) in u, all positive")
    return found


def checked_cells(values: ArrayLike, frames: int) -> Floats:
    """Check cells, one for all frames or one for each: vectors as rows, (N, 3, 3) in Å.

    Raises
    ------
    DataError
        If the shape is another one, or a cell has no volume.
    """
    found: Floats = np.asarray(values, dtype=np.float64)
    if found.shape not in ((3, 3), (frames, 3, 3)):
        raise DataError(f"cell has shape {found.shape}; expected (3, 3) or ({frames}, 3, 3), in Å")
    found = np.broadcast_to(found, (frames, 3, 3))
    volumes = cell_volumes(found)
    if not (np.isfinite(volumes) & (volumes > 0)).all():
        raise DataError(
            "a cell has no finite volume; all three cell vectors are needed, in Å: give no cell "
            "for a molecule"
        )
    return found


def checked_step(spacing: float) -> float:
    """Time between two frames, in fs.

    Raises
    ------
    UsageError
        If it is not positive.
    """
    if not (np.isfinite(spacing) and spacing > 0):
        raise UsageError(f"time between frames {spacing:g} fs; expected a positive number")
    return float(spacing)


def chunks(frames: int, size: int, most: int = CHUNK) -> Iterator[slice]:
    """Slices of the frames, each of about `most` numbers if a frame has `size` of them."""
    step = max(1, most // max(1, size))
    for start in range(0, frames, step):
        yield slice(start, min(start + step, frames))
