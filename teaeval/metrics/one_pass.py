"""One pass over the forces of a prediction and its test set, a piece of the frames at a time.

The pieces do not depend on how many workers there are, and their results are added in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from teadata.arrays import StoredArray
from teadata.arrays.stored_array import rows_taken
from teadata.stored_frames import AnyFrames
from teadata.typing import Floats, Ints
from teaeval.engines import Engine, piece_length, slices
from teaeval.metrics import compiled
from teaeval.metrics.force_distribution import ForceDistribution
from teaeval.metrics.force_sums import Digests
from teaeval.metrics.frame_errors import FrameErrors, Groups, Quantities, force_errors
from teaeval.predictions.prediction import Prediction


@dataclass(frozen=True, eq=False)
class Piece:
    """What was predicted for n frames, and their reference, in memory or in their files.

    Parameters
    ----------
    energies, reference_energies
        (n,) in kcal/mol; NaN where nothing was predicted.
    forces
        (m, A, 3) in kcal/mol/Å, of the frames that were predicted.
    there
        (n,) which of the frames those are.
    reference_forces
        (n, A, 3) in kcal/mol/Å.
    quantities
        Of the system.
    block
        Frames that are merged into one row of the result.
    details
        Whether more than the tables' errors are wanted.
    """

    energies: Floats
    reference_energies: Floats
    forces: Floats | StoredArray
    there: NDArray[np.bool_]
    reference_forces: Floats | StoredArray
    quantities: Quantities
    block: int
    details: bool


ZERO = 0.01
"""Forces of zero are right where no component of the reference is larger, in kcal/mol/Å."""


@dataclass(frozen=True, eq=False)
class Compared:
    """Errors in the order of the test set.

    Parameters
    ----------
    table
        Of every quantity, by block of frames; a frame that lacks one quantity has none.
    scored
        (N,) which frames have a finite prediction of everything.
    block
        Frames of a block.
    zero
        (N,) which frames have forces of exactly zero where the reference has not.
    digests
        (N,) a number for each frame that depends on every bit of its forces.
    forces
        More about forces, if that was wanted.
    """

    table: dict[str, FrameErrors]
    scored: NDArray[np.bool_]
    block: int
    zero: NDArray[np.bool_]
    digests: Digests
    forces: ForceDistribution | None

    def checked(self) -> Compared:
        """The same without `zero` and `digests`, which checks alone need."""
        return replace(self, zero=self.zero[:0].copy(), digests=self.digests[:0].copy())


@dataclass(frozen=True, eq=False)
class _Pieces(Sequence[Piece]):
    """The pieces of a comparison, each cut when its turn has come.

    Parameters
    ----------
    prediction, test
        What is compared.
    order
        (N,) row of the prediction for each frame of the test set; −1 where there is none.
    parts
        The frames of each piece.
    options
        Further fields of the pieces.
    """

    prediction: Prediction
    test: AnyFrames
    order: Ints
    parts: Sequence[slice]
    options: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.parts)

    @overload
    def __getitem__(self, index: int) -> Piece: ...

    @overload
    def __getitem__(self, index: slice) -> list[Piece]: ...

    def __getitem__(self, index: int | slice) -> Piece | list[Piece]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        part = self.parts[index]
        rows = self.order[part]
        there = rows >= 0
        forces = self.test.forces
        return Piece(
            energies=np.where(there, self.prediction.energies[rows], np.nan),
            reference_energies=self.test.energies[part],
            forces=rows_taken(self.prediction.forces, rows[there]),
            there=there,
            reference_forces=forces.take(part) if isinstance(forces, StoredArray) else forces[part],
            **self.options,
        )


def _zero(predicted: Floats, reference: Floats, digests: Digests) -> NDArray[np.bool_]:
    """Which frames (n,) have forces of exactly zero, all of them, where the reference has not."""
    zero: NDArray[np.bool_] = digests == 0
    rows = np.flatnonzero(zero)  # few others have that number
    zero[rows] = ~predicted[rows].any(axis=(1, 2))
    zero[rows] &= np.abs(reference[rows]).max(axis=(1, 2)) > ZERO
    return zero


@dataclass(frozen=True, eq=False)
class _Result:
    """What a worker finds out about a piece."""

    table: dict[str, FrameErrors]
    scored: NDArray[np.bool_]
    zero: NDArray[np.bool_]
    digests: Digests
    details: ForceDistribution | None


def _work(piece: Piece) -> _Result:
    """Compare one piece, as a worker does."""
    reference, predicted = piece.reference_forces[:], piece.forces[:]
    if not piece.there.all():
        filled = np.full(reference.shape, np.nan)
        filled[piece.there] = predicted
        predicted = filled
    energy = FrameErrors.of(piece.energies, piece.reference_energies)
    scored = energy.scored
    block = piece.block if scored.all() else 1
    table, digests = force_errors(predicted, reference, piece.quantities, block)
    if len(table["F"].mae) == len(scored):  # of single frames, some of which may have failed
        scored = scored & table["F"].scored
        table = {name: each.only(scored).merged(piece.block) for name, each in table.items()}
    return _Result(
        table={"E": energy.only(scored).merged(piece.block)} | table,
        scored=scored,
        zero=_zero(predicted, reference, digests),
        digests=digests,
        details=ForceDistribution.of(predicted, reference, scored) if piece.details else None,
    )


def frame_errors_of(
    prediction: Prediction,
    test: AnyFrames,
    order: Ints,
    groups: Groups,
    engine: Engine,
    *,
    block: int = 1,
    details: bool = False,
) -> Compared:
    """Compare a prediction with its test set, in one pass over its forces.

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
    block
        Frames that are merged into one row of the result, a power of two; a piece at most.
    details
        Whether more than the tables' errors are wanted.
    """
    block = min(block, piece_length(test.n_atoms))
    options = {
        "quantities": Quantities.of(test.numbers, groups),
        "block": block,
        "details": details,
    }
    parts = slices(len(test), test.n_atoms)
    pieces = _Pieces(prediction, test, order, parts, options)
    count = len(test)
    scored, zero = np.empty(count, np.bool_), np.empty(count, np.bool_)
    digests = np.empty(count, np.uint64)
    tables = []
    more: ForceDistribution | None = None
    for part, each in zip(parts, engine.map(_work, pieces), strict=True):
        if each.details is not None:
            more = each.details if more is None else more + each.details
        tables.append(each.table)
        scored[part], zero[part], digests[part] = each.scored, each.zero, each.digests
    compiled.compared(3 * count * test.n_atoms)
    return Compared(
        table={name: FrameErrors.joined(table[name] for table in tables) for name in tables[0]},
        scored=scored,
        block=block,
        zero=zero,
        digests=digests,
        forces=more,
    )
