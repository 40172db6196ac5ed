"""One pass over the forces of a prediction and its test set, a piece of the frames at a time.

Pieces are cut alike whatever works on them, and what they add up to is added in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teadata.arrays import StoredArray
from teadata.stored import AnyFrames
from teaeval.engines import Engine
from teaeval.force_details import ForceDetails
from teaeval.frame_errors import Floats, FrameErrors, Groups, Ints, Quantities, force_errors
from teaeval.prediction import Prediction

PIECE = 1 << 20
"""Force components of a piece, at most: 8 MB."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Predicted and reference forces of n frames, in memory or in their files.

    Parameters
    ----------
    predicted
        (m, A, 3) in kcal/mol/Å, of the frames that were predicted.
    there
        (n,) which of the frames those are.
    reference
        (n, A, 3) in kcal/mol/Å.
    quantities
        Of the system.
    details
        Whether more than the tables' errors are wanted.
    """

    predicted: Floats | StoredArray
    there: NDArray[np.bool_]
    reference: Floats | StoredArray
    quantities: Quantities
    details: bool


@dataclass(frozen=True, eq=False)
class Compared:
    """Errors frame by frame, in the order of the test set.

    Parameters
    ----------
    table
        Of every quantity.
    energy_errors
        (N,) predicted minus reference, kcal/mol; NaN where nothing was predicted.
    forces
        More about forces, if that was wanted.
    """

    table: dict[str, FrameErrors]
    energy_errors: Floats
    forces: ForceDetails | None

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which frames have a finite prediction of everything, (N,)."""
        return self.table["E"].scored & self.table["F"].scored

    def of_scored(self) -> dict[str, FrameErrors]:
        """The table, in which a frame that lacks one quantity has none."""
        return {name: found.only(self.scored) for name, found in self.table.items()}


def slices(count: int, atoms: int) -> list[slice]:
    """How many frames of some atoms are cut into pieces: a power of two each."""
    step = 1 << max(0, (PIECE // max(1, 3 * atoms)).bit_length() - 1)
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def rows_taken(array: Floats | StoredArray, rows: Ints) -> Floats | StoredArray:
    """Some rows of an array: a view where it can be, or still in the file."""
    if isinstance(array, StoredArray):
        return array.take(rows)
    if len(rows) and (np.diff(rows) == 1).all():
        return array[int(rows[0]) : int(rows[-1]) + 1]
    return array[rows]


def _cut(
    prediction: Prediction, test: AnyFrames, order: Ints, quantities: Quantities, details: bool
) -> Iterator[Piece]:
    for part in slices(len(test), test.n_atoms):
        there = order[part] >= 0
        forces = test.forces
        yield Piece(
            predicted=rows_taken(prediction.forces, order[part][there]),
            there=there,
            reference=forces.take(part) if isinstance(forces, StoredArray) else forces[part],
            quantities=quantities,
            details=details,
        )


def _work(piece: Piece) -> tuple[dict[str, FrameErrors], ForceDetails | None]:
    """Errors of a piece; this is what a worker does."""
    reference, predicted = piece.reference[:], piece.predicted[:]
    if not piece.there.all():
        filled = np.full(reference.shape, np.nan)
        filled[piece.there] = predicted
        predicted = filled
    table = force_errors(predicted, reference, piece.quantities)
    details = None
    if piece.details:
        details = ForceDetails.of(predicted, reference, table["F"].scored)
    return table, details


def compare_forces(
    prediction: Prediction,
    test: AnyFrames,
    order: Ints,
    groups: Groups,
    engine: Engine,
    *,
    details: bool = False,
) -> Compared:
    """Compare a prediction with its test set, frame by frame, in one pass.

    Parameters
    ----------
    prediction, test
        What was predicted, and the N frames of the test set.
    order
        (N,) row of the prediction for each frame of the test set; −1 where there is none.
    groups
        For each name, the atom indices of each of its molecules.
    engine
        What works on the pieces.
    details
        Whether more than the tables' errors are wanted.
    """
    quantities = Quantities.of(test.numbers, groups)
    pieces = list(_cut(prediction, test, order, quantities, details))
    tables, more = [], None
    for table, part in engine.map(_work, pieces):
        tables.append(table)
        if part is not None:
            more = part if more is None else more + part
    energies = np.where(order >= 0, prediction.energies[order], np.nan)
    joined = {"E": FrameErrors.of(energies, test.energies)}
    joined |= {name: FrameErrors.joined(table[name] for table in tables) for name in tables[0]}
    return Compared(joined, energies - test.energies, more)
