"""Compare geometries, also where atoms are wrapped into the cell or frames shifted as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from teadata.arrays import StoredArray
from teadata.arrays.stored_array import rows_taken
from teadata.stored_frames import AnyFrames
from teadata.typing import Floats, Ints
from teaeval.checks.sample import evenly
from teaeval.engines import Engine, slices

Flags = NDArray[np.bool_]

POSITION_TOLERANCE = 1e-3
"""Two geometries are the same if no coordinate differs by more than this, in Å."""

STRIDE = 1024
"""Number of frames that are looked up at a time."""

SOUGHT = 64
"""Number of frames that are looked up in the whole test set before all are."""


@dataclass(frozen=True, eq=False)
class Match:
    """Where each of N frames has its geometry in the test set.

    Parameters
    ----------
    rows
        (N,) row of the test set; −1 where there is none.
    moved
        (N,) whether the frame there has the same geometry, but not the same coordinates.
    finite
        (N,) whether all positions are finite.
    """

    rows: Ints
    moved: Flags
    finite: Flags


def same_geometry(
    positions: Floats,
    reference: Floats,
    cell: Floats | None,
    pbc: Flags,
    tolerance: float = POSITION_TOLERANCE,
) -> Flags:
    """Whether frames differ by a shift of the whole and lattice vectors of each atom only, (n,).

    Parameters
    ----------
    positions, reference
        (n, A, 3) in Å, with the atoms in the same order.
    cell
        (n, 3, 3) cell vectors as rows, in Å, or None.
    pbc
        (3,) whether each of them is periodic.
    tolerance
        Largest difference of a coordinate, in Å.
    """
    shift = positions - reference
    shift = shift - shift[:, :1]
    if cell is not None and pbc.any():
        vectors = np.where(pbc[:, None], cell, 0.0)
        shift = shift - np.round(shift @ np.linalg.pinv(vectors)) @ vectors
    spread = shift.max(axis=1) - shift.min(axis=1)
    return np.asarray((spread <= 2 * tolerance).all(axis=1))


class _Piece(NamedTuple):
    """Geometries, those they are compared with, and the cells of these."""

    positions: Floats | StoredArray
    reference: Floats | StoredArray
    cell: Floats | StoredArray | None
    pbc: Flags


def _compare(piece: _Piece) -> tuple[Flags, Flags, Flags]:
    """Whether each frame is the same as its reference, is it but for a move, and is finite."""
    positions, reference = piece.positions[:], piece.reference[:]
    finite = np.asarray(np.isfinite(positions).reshape(len(positions), -1).all(axis=1))
    with np.errstate(invalid="ignore"):
        close = np.abs(positions - reference) <= POSITION_TOLERANCE
    same = np.asarray(close.reshape(len(positions), -1).all(axis=1))
    moved = np.zeros_like(same)
    rest = np.flatnonzero(finite & ~same)
    if len(rest):
        cell = None if piece.cell is None else piece.cell[:][rest]
        moved[rest] = same_geometry(positions[rest], reference[rest], cell, piece.pbc)
    return same, moved, finite


def compare(positions: Floats | StoredArray, test: AnyFrames, rows: Ints, engine: Engine) -> Match:
    """Compare each frame with the test frame at its row.

    Parameters
    ----------
    positions
        (N, A, 3) in Å, with the atoms in the test set's order.
    test
        The test set.
    rows
        (N,) row of the test set for each frame; −1 where there is none.
    engine
        What works on the pieces.

    Returns
    -------
    match
        Its rows are −1 where the geometry is another one.
    """
    pieces = [
        _Piece(
            rows_taken(positions, np.arange(part.start, part.stop)),
            rows_taken(test.positions, rows[part]),
            None if test.cell is None else rows_taken(test.cell, rows[part]),
            test.pbc,
        )
        for part in slices(len(positions), positions.shape[1])
    ]
    results = list(engine.map(_compare, pieces))
    same, moved, finite = (np.concatenate(column) for column in zip(*results, strict=True))
    moved &= rows >= 0
    return Match(np.where(same | moved, rows, -1), moved, finite)


def match(positions: Floats | StoredArray, test: AnyFrames, engine: Engine) -> Match:
    """Find the test frame with the geometry of each frame.

    Each frame is compared with the test frame at its own row first, and with all others only if
    it is not that one.  A frame that is wrapped is found at its own row only, and one that is
    shifted anywhere.

    Parameters
    ----------
    positions
        (N, A, 3) in Å, with the atoms in the test set's order.
    test
        The test set.
    engine
        What works on the pieces.
    """
    count = len(positions)
    if count == 0:
        none = np.empty(0, dtype=np.bool_)
        return Match(np.empty(0, dtype=np.int64), none, none)
    own = compare(
        positions, test, np.where(np.arange(count) < len(test), np.arange(count), -1), engine
    )
    rows, moved = np.where(own.moved, -1, own.rows), np.zeros(count, dtype=np.bool_)
    _search(positions, test.positions, rows, own.finite, shifted=False)
    here = own.moved & (rows < 0)
    rows[here], moved[here] = own.rows[here], True
    lost = rows < 0
    _search(positions, test.positions, rows, own.finite, shifted=True)
    moved |= lost & (rows >= 0)
    return Match(rows, moved, own.finite)


def _search(
    positions: Floats | StoredArray,
    reference: Floats | StoredArray,
    rows: Ints,
    finite: Flags,
    *,
    shifted: bool,
) -> None:
    """Look for the frames without a row in the whole test set, and set their rows.

    If none of a few is found (another unit?), the others are not looked up.
    """
    lost = np.flatnonzero((rows < 0) & finite)
    if len(lost) == 0:
        return
    form = centred if shifted else as_it_is
    some = lost[evenly(len(lost), SOUGHT)]
    rows[some] = look_for(positions[some], reference, form)
    if (rows[some] >= 0).any():
        for start in range(0, len(lost), STRIDE):
            part = lost[start : start + STRIDE]
            rows[part] = look_for(positions[part], reference, form)


def look_for(
    positions: Floats, reference: Floats | StoredArray, form: Callable[[Floats], Floats]
) -> Ints:
    """Find each frame among all reference frames by products of matrices; −1 where it is none.

    Parameters
    ----------
    positions, reference
        (n, A, 3) and (M, A, 3) in Å.
    form
        What is compared of geometries, in their shape.
    """
    flat = form(positions).reshape(len(positions), -1)
    best, rows = np.full(len(flat), np.inf), np.full(len(flat), -1)
    for part in slices(len(reference), reference.shape[1]):
        known = form(reference[part]).reshape(-1, flat.shape[1])
        gap = 0.5 * np.einsum("ij,ij->i", known, known) - flat @ known.T
        nearest = gap.argmin(axis=1)
        value = gap[np.arange(len(flat)), nearest]
        better = value < best
        better[better] = (
            np.abs(known[nearest[better]] - flat[better]).max(axis=1, initial=0.0)
            <= POSITION_TOLERANCE
        )
        best[better], rows[better] = value[better], part.start + nearest[better]
    return rows


def as_it_is(positions: Floats) -> Floats:
    """Positions (n, A, 3)."""
    return positions


def centred(positions: Floats) -> Floats:
    """Positions (n, A, 3) about the centre of their frame."""
    about: Floats = positions - positions.mean(axis=1, keepdims=True)
    return about


def in_any_order(positions: Floats) -> Floats:
    """Coordinates (n, A, 3), each of the three in ascending order, whatever that of the atoms."""
    return np.sort(positions, axis=1)
