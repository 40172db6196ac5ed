"""One pass over the forces of a prediction and its test set, a piece of the frames at a time.

The pieces do not depend on how many workers there are, and their results are added in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from teadata.arrays import StoredArray
from teadata.arrays.stored_array import InSpans, rows_taken
from teadata.stored_frames import AnyFrames
from teadata.typing import Floats, Ints, Mask
from teaeval.engines import Engine, Pieces, piece_length, slices
from teaeval.metrics import compiled
from teaeval.metrics.digests import Digests, FrameDigests
from teaeval.metrics.force_distribution import ForceDistribution
from teaeval.metrics.frame_errors import FrameErrors, Groups, Quantities, force_errors
from teaeval.predictions.places import Places
from teaeval.predictions.prediction import Prediction


@dataclass(frozen=True, eq=False)
class Piece:
    """What was predicted for n frames, and their reference, in memory or in their files.

    Parameters
    ----------
    energies, forces
        (m,) in kcal/mol and (m, A, 3) in kcal/mol/Å, of the frames that were predicted.
    there
        (n,) which of the frames those are; None if all were predicted.
    reference_energies, reference_forces
        (n,) and (n, A, 3) in the same units.
    quantities
        Of the system.
    block
        Frames that are merged into one row of the result.
    details
        Whether more than the tables' errors are wanted.
    """

    energies: Floats
    forces: Floats | StoredArray
    there: Mask | None
    reference_energies: Floats
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
        (Z,) frames that have forces of exactly zero where the reference has not.
    digests
        Of every frame, a number that depends on every bit of its forces.
    forces
        More about forces, if that was wanted.
    """

    table: dict[str, FrameErrors]
    scored: Mask
    block: int
    zero: Ints
    digests: FrameDigests
    forces: ForceDistribution | None

    def checked(self) -> Compared:
        """The same without `zero` and `digests`, which checks alone need."""
        return replace(self, zero=np.empty(0, np.int64), digests=FrameDigests())


@dataclass(frozen=True, eq=False)
class _Pieces(Pieces[Piece]):
    """The pieces of a comparison, each cut when its turn has come.

    Parameters
    ----------
    prediction, test
        What is compared.
    energies, reference_energies
        Their energies.
    places
        Which frame of the test set is predicted where.
    parts
        The frames of each piece.
    options
        Further fields of the pieces.
    """

    prediction: Prediction
    test: AnyFrames
    energies: Floats | InSpans
    reference_energies: InSpans
    places: Places
    parts: Sequence[slice]
    options: Mapping[str, Any]

    def cut(self, part: slice) -> Piece:
        there = None
        if isinstance(self.energies, InSpans):
            energies, forces = self.energies[part], rows_taken(self.prediction.forces, part)
        else:
            rows = self.places.sources(part)
            there = rows >= 0
            rows, there = (rows, None) if there.all() else (rows[there], there)
            energies, forces = self.energies[rows], rows_taken(self.prediction.forces, rows)
        return Piece(
            energies=energies,
            forces=forces,
            there=there,
            reference_energies=self.reference_energies[part],
            reference_forces=rows_taken(self.test.forces, part),
            **self.options,
        )


def _zero(predicted: Floats, reference: Floats, digests: Digests) -> Ints:
    """Frames that have forces of exactly zero, all of them, where the reference has not."""
    rows = np.flatnonzero(digests == 0)  # few others have that number
    rows = rows[~predicted[rows].any(axis=(1, 2))]
    wrong: Ints = rows[np.abs(reference[rows]).max(axis=(1, 2)) > ZERO]
    return wrong


@dataclass(frozen=True, eq=False)
class _Result:
    """What a worker finds out about a piece."""

    table: dict[str, FrameErrors]
    scored: Mask
    zero: Ints
    digests: Digests
    details: ForceDistribution | None


def _work(piece: Piece) -> _Result:
    """Compare one piece, as a worker does."""
    reference, predicted = piece.reference_forces[:], piece.forces[:]
    energies = piece.energies
    if piece.there is not None:
        energies, predicted = (_filled(values, piece.there) for values in (energies, predicted))
    energy = FrameErrors.of(energies, piece.reference_energies)
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


def _filled(values: Floats, there: Mask) -> Floats:
    """Values (m, …) of the frames that are there, NaN for the others, (n, …)."""
    filled = np.full((len(there), *values.shape[1:]), np.nan)
    filled[there] = values
    return filled


def frame_errors_of(
    prediction: Prediction,
    test: AnyFrames,
    places: Places,
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
    places
        Which frame of the test set is predicted where.
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
    energies, reference_energies = prediction.energies, InSpans(test.energies)
    # In another order they would be read one by one, and are in memory.
    ordered = InSpans(energies) if places.in_order else energies[:]
    pieces = _Pieces(prediction, test, ordered, reference_energies, places, parts, options)
    scored, zero, digests = np.empty(len(test), np.bool_), [np.empty(0, np.int64)], FrameDigests()
    table: dict[str, FrameErrors] = {}
    more: ForceDistribution | None = None
    for part, each in zip(parts, engine.map(_work, pieces), strict=True):
        if each.details is not None:
            more = each.details if more is None else more + each.details
        for name, errors in each.table.items():
            if name not in table:
                table[name] = FrameErrors.of_rows(-(-len(test) // block), errors.values)
            table[name].put(part.start // block, errors)
        scored[part] = each.scored
        zero.append(part.start + each.zero)
        digests.add(each.digests)
    compiled.compared(3 * len(test) * test.n_atoms)
    return Compared(
        table=table,
        scored=scored,
        block=block,
        zero=np.concatenate(zero),
        digests=digests,
        forces=more,
    )
