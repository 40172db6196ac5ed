"""What every model asks of structures before it evaluates them, and the stress of their cells."""

from __future__ import annotations

import numpy as np

from teadata import Frames
from teadata.errors import DataError
from teadata.structure.neighbours import arms, periodic_vectors
from teadata.typing import Floats, Ints

COINCIDENT = 1e-4
"""Distance in Å below which two atoms are at the same place."""

SHORTEST = 0.1
"""Length in Å below which a cell vector is none."""

FLAT = 1e-6
"""Cell vectors that span less than this part of the product of their lengths are dependent."""

DIRECTION = np.array([0.61, 0.53, 0.59])
"""Direction, of length below 1, along which few atoms of a crystal have the same coordinate."""


def check_structures(frames: Frames) -> None:
    """Refuse frames that no model has an energy of.

    Raises
    ------
    DataError
        If there are no atoms, an atom is at NaN or infinity, a direction is periodic without a
        cell vector of its own, or two atoms are at the same place; the first frame is named.
    """
    if not frames.n_atoms:
        raise DataError("these frames have no atoms; expected at least one")
    _check_places(frames)
    if frames.periodic:
        _check_cells(frames)
    _check_distances(frames)


def _check_places(frames: Frames) -> None:
    lost = ~np.isfinite(frames.positions)
    if lost.any():
        row, atom = divmod(int(np.argmax(lost.any(axis=2))), frames.n_atoms)
        raise DataError(
            f"frame {frames.ids[row]}: the position of atom {atom} has NaN or infinity; leave "
            "this frame out"
        )


def _check_cells(frames: Frames) -> None:
    """Refuse directions that are periodic without a cell vector, and dependent vectors."""
    along = ", ".join(name for name, axis in zip("abc", frames.pbc, strict=True) if axis)
    advice = (
        "give the atoms a cell (in ASE atoms.set_cell), or say in which directions they are not "
        "periodic (in ASE atoms.pbc)"
    )
    if frames.cell is None:
        if len(frames):
            raise DataError(
                f"frame {frames.ids[0]}: periodic along {along}, and without a cell; {advice}"
            )
        return
    lengths = np.sqrt((frames.cell**2).sum(axis=2))
    missing = ~(lengths >= SHORTEST) & frames.pbc  # NaN is missing, too
    if missing.any():
        row, axis = divmod(int(np.argmax(missing)), 3)
        raise DataError(
            f"frame {frames.ids[row]}: periodic along {along}, and the cell vector {'abc'[axis]} "
            f"is {frames.cell[row, axis].tolist()} Å; {advice}"
        )
    spanned = _spanned(frames.cell, lengths)
    if not (spanned > FLAT).all():
        row = int(np.argmin(spanned > FLAT))
        raise DataError(
            f"frame {frames.ids[row]}: periodic along {along}, and the cell vectors "
            f"{frames.cell[row].tolist()} Å lie in one plane or along one line; {advice}"
        )


def _spanned(cell: Floats, lengths: Floats) -> Floats:
    """The part (N,) of the product of their lengths that the vectors of a cell span.

    Vectors of length zero, of directions that are not periodic, are left out.
    """
    if lengths.all():
        return np.asarray(np.abs(np.linalg.det(cell)) / lengths.prod(axis=1))
    units = cell / np.where(lengths > 0, lengths, 1.0)[:, :, None]
    products = units @ units.transpose(0, 2, 1)
    products += (lengths == 0)[:, :, None] * np.eye(3)
    return np.asarray(np.sqrt(np.maximum(np.linalg.det(products), 0.0)))


def _check_distances(frames: Frames) -> None:
    """Refuse atoms at the same place, or at that of an image.

    Every atom gets a mark, a number that differs by less than `window` between places that are
    nearer than :data:`COINCIDENT`; only the few atoms with such marks are measured.
    """
    marks, window = _marks(frames)
    order = np.argsort(marks, axis=1)
    ranked = np.take_along_axis(marks, order, axis=1)
    near = ranked[:, 1:] - ranked[:, :-1] < window
    for row in np.flatnonzero(near.any(axis=1)):
        pair = _coincident(frames[row], order[row], ranked[row], window)
        if pair is not None:
            raise DataError(
                f"frame {frames.ids[row]}: atoms {pair[0]} and {pair[1]} are at the same place; "
                "leave this frame out"
            )


def _marks(frames: Frames) -> tuple[Floats, float]:
    """Marks (N, A) in Å of the atoms, and what those of atoms at one place differ by at most.

    The coordinate along a direction; where frames are periodic, a sum of cosines, which images
    have in common.
    """
    if not frames.periodic:
        return frames.positions @ DIRECTION, COINCIDENT
    vectors = periodic_vectors(frames)
    inverse = np.linalg.inv(vectors) if frames.pbc.all() else np.linalg.pinv(vectors)
    fractions = frames.positions @ inverse
    # no wave rises by more than 1 per Å
    waves = 1 / (2 * np.pi * np.sqrt((inverse**2).sum(axis=1)))
    phases = np.arange(1, 1 + fractions.shape[2]) * 0.7
    marks = (np.cos(2 * np.pi * fractions + phases) * waves[:, None]).sum(axis=2)
    if not frames.pbc.all():
        marks += (frames.positions - fractions @ vectors) @ DIRECTION
    return marks, (1 + fractions.shape[2]) * COINCIDENT


def _coincident(
    frame: Frames, order: Ints, ranked: Floats, window: float
) -> tuple[int, int] | None:
    """Find two atoms of a frame at the same place, by their marks in rising order."""
    for apart in range(1, len(order)):
        near = np.flatnonzero(ranked[apart:] - ranked[:-apart] < window)
        if not len(near):
            return None
        first, second = order[near], order[near + apart]
        short = (arms(frame, first, second)[0] ** 2).sum(axis=1) < COINCIDENT**2
        if short.any():
            place = int(np.argmax(short))
            i, j = sorted((int(first[place]), int(second[place])))
            return i, j
    return None


def volumes(frames: Frames) -> Floats | None:
    """Compute the cells' volumes (N,) in Å³; None where a cell has none, and so no stress."""
    if frames.cell is None:
        return None
    lengths = np.sqrt((frames.cell**2).sum(axis=2))
    found = frames.volumes
    return found if (found > FLAT * lengths.prod(axis=1)).all() else None


def stress_of(virials: Floats, frames: Frames) -> Floats | None:
    """Divide virials by the cells' volumes; None where a cell has none.

    Parameters
    ----------
    virials
        (N, 3, 3) derivatives of the energies by strain, in kcal/mol.
    frames
        The frames.

    Returns
    -------
    (N, 3, 3) in kcal/mol/Å³.
    """
    volume = volumes(frames)
    return None if volume is None else virials / volume[:, None, None]
