"""Compare geometries, also where atoms are wrapped into the cell or frames shifted as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from teadata.arrays import StoredArray
from teadata.arrays.stored_array import rows_taken
from teadata.stored_frames import AnyFrames
from teadata.typing import Floats, Ints
from teaeval.checks.sample import evenly
from teaeval.engines import Engine, Pieces, slices
from teaeval.predictions.places import Places

Flags = NDArray[np.bool_]

POSITION_TOLERANCE = 1e-3
"""Two geometries are the same if no coordinate differs by more than this, in Å."""

STRIDE = 1024
"""Number of frames that are looked up at a time."""

SOUGHT = 64
"""Number of frames that are looked up in the whole test set before all are."""

MOST_WRAPPED = 15_000_000
"""Wrapped frames are looked up if their number times that of the test set's is not larger."""


@dataclass(frozen=True, eq=False)
class Match:
    """Where each predicted frame has its geometry in the test set.

    Parameters
    ----------
    places
        Which frame of the test set each is.
    elsewhere
        (n,) frames that have a place, but another geometry than the frame there.
    moved
        (n,) frames with the geometry of the frame there, but not the same coordinates.
    infinite
        (n,) frames with positions that are not finite.
    """

    places: Places
    elsewhere: Ints
    moved: Ints
    infinite: Ints


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


@dataclass(frozen=True, eq=False)
class _Pieces(Pieces[_Piece]):
    """The pieces of a comparison, each cut when its turn has come."""

    positions: Floats | StoredArray
    test: AnyFrames
    places: Places
    parts: Sequence[slice]

    def cut(self, part: slice) -> _Piece:
        test = self.test
        rows = part if self.places.in_order else self.places[part]
        return _Piece(
            rows_taken(self.positions, part),
            rows_taken(test.positions, rows),
            None if test.cell is None else rows_taken(test.cell, rows),
            test.pbc,
        )


def _compare(piece: _Piece) -> tuple[Ints, Ints, Ints]:
    """Frames that are not the same as their reference, are it but for a move, are not finite."""
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
    return np.flatnonzero(~same & ~moved), np.flatnonzero(moved), np.flatnonzero(~finite)


def compare(
    positions: Floats | StoredArray, test: AnyFrames, places: Places, engine: Engine
) -> Match:
    """Compare each frame with the test frame at its place.

    Parameters
    ----------
    positions
        (N, A, 3) in Å, with the atoms in the test set's order.
    test
        The test set.
    places
        Which frame of the test set each frame is.
    engine
        What works on the pieces.
    """
    parts = slices(len(positions), positions.shape[1])
    results = engine.map(_compare, _Pieces(positions, test, places, parts))
    columns = [[np.empty(0, np.int64)] for _ in range(3)]
    for part, found in zip(parts, results, strict=True):
        for column, rows in zip(columns, found, strict=True):
            column.append(part.start + rows)
    other, moved, infinite = (np.concatenate(column) for column in columns)
    if not places.in_order:  # others were compared with some frame, whose place is not theirs
        other, moved = (rows[places[rows] >= 0] for rows in (other, moved))
    return Match(places, other, moved, infinite)


def match(positions: Floats | StoredArray, test: AnyFrames, engine: Engine) -> Match:
    """Find the test frame with the geometry of each frame.

    Each frame is compared with the test frame at its own row first, and with all others only if
    it is not that one.  A frame that is shifted is found anywhere, and one that is wrapped too
    unless there are very many (:data:`MOST_WRAPPED`).

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
    own = compare(positions, test, _own(count, len(test)), engine)
    if own.places.in_order and not len(own.elsewhere) + len(own.moved):
        return own
    rows = own.places.rows.copy()
    rows[own.elsewhere] = rows[own.moved] = -1
    finite = np.ones(count, np.bool_)
    finite[own.infinite] = False
    _search(positions, test.positions, rows, finite, shifted=False)
    here = own.moved[rows[own.moved] < 0]
    rows[here] = here
    lost = np.flatnonzero(rows < 0)
    _search(positions, test.positions, rows, finite, shifted=True)
    if test.cell is not None and test.pbc.any():
        _search_wrapped(positions, test, rows, finite)
    moved = np.sort(np.concatenate([here, lost[rows[lost] >= 0]]))
    return Match(Places.of(rows, len(test)), np.empty(0, np.int64), moved, own.infinite)


def _own(count: int, known: int) -> Places:
    """The places of frames at the rows that they have in their file."""
    if count == known:
        return Places(count, count)
    rows = np.arange(count)
    rows[known:] = -1
    return Places(count, known, rows)


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


def _search_wrapped(
    positions: Floats | StoredArray, test: AnyFrames, rows: Ints, finite: Flags
) -> None:
    """Look for the frames without a row in the cell of each test frame, and set their rows."""
    lost = np.flatnonzero((rows < 0) & finite)
    some = lost[evenly(len(lost), SOUGHT)]
    for these in (some, lost):
        if len(these) * len(test) > MOST_WRAPPED:
            return
        _look_in_cells(positions, test, rows, these)
        if not (rows[some] >= 0).any():
            return


def _look_in_cells(
    positions: Floats | StoredArray, test: AnyFrames, rows: Ints, lost: Ints
) -> None:
    """Set the rows of those of the lost frames that are a test frame but for its cell's vectors."""
    assert test.cell is not None
    lost = lost[rows[lost] < 0]
    wanted = positions[lost]
    for part in slices(len(test), test.n_atoms):
        reference, cells = test.positions[part], test.cell[part]
        for row, (known, cell) in enumerate(zip(reference, cells, strict=True), part.start):
            if not len(lost):
                return
            like = np.flatnonzero(  # in two atoms
                same_geometry(wanted[:, :2], known[None, :2], cell[None], test.pbc)
            )
            like = like[same_geometry(wanted[like], known[None], cell[None], test.pbc)]
            rows[lost[like]] = row
            lost, wanted = np.delete(lost, like), np.delete(wanted, like, axis=0)


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
