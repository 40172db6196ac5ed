"""Errors frame by frame: what every score is reduced from.

A frame's numbers depend on that frame alone, and the reduction over frames is one fixed sum.
So a score is the same to the last digit however the frames were cut into pieces, and by
whatever number of workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from teadata.elements import SYMBOLS
from teadata.typing import Floats, Ints
from teaeval.metrics.definitions import Errors, net_forces
from teaeval.metrics.digests import Digests
from teaeval.metrics.force_sums import ForceSums

Groups = Mapping[str, Sequence[Sequence[int]]]
"""For each name, the atom indices of each of its molecules."""


@dataclass(frozen=True)
class FrameErrors:
    """Errors of one quantity, and its reference values, by frame or by block of frames.

    All arrays are (N,), in the unit of the quantity.  All frames have equally many values, so
    that means over frames are means over values.  Of a frame without a finite prediction the
    errors are not finite; its reference values are there all the same.

    Parameters
    ----------
    mae, rmse, max
        Errors over the values of a frame.
    magnitude, mean, lowest
        Mean absolute value, mean and lowest of the reference values of a frame; NaN for the lowest
        of forces, which are relative to nothing.
    spread
        Their standard deviation about the frame's mean.
    values
        Values of a frame.
    frames, predicted
        Frames of each row, and how many of them have a finite prediction: 1 and 1 or 0 for rows
        that are frames.
    """

    mae: Floats
    rmse: Floats
    max: Floats
    magnitude: Floats
    mean: Floats
    lowest: Floats
    spread: Floats
    values: int
    frames: Floats
    predicted: Floats

    @classmethod
    def of(cls, predicted: Floats, reference: Floats) -> Self:
        """Compare values (N, …) in the same unit; non-finite input gives non-finite errors."""
        with np.errstate(over="ignore", invalid="ignore"):
            return cls._of(predicted, reference)

    @classmethod
    def _of(cls, predicted: Floats, reference: Floats) -> Self:
        r = np.ascontiguousarray(reference).reshape(len(reference), -1)
        gap = np.abs(np.ascontiguousarray(predicted).reshape(r.shape) - r)
        largest = gap.max(axis=1)
        # Scaled, so that squares of any finite error stay finite.
        scaled = gap / np.where(largest == 0, 1.0, largest)[:, None]
        mean = r.mean(axis=1)
        return cls(
            mae=gap.mean(axis=1),
            rmse=largest * np.sqrt((scaled**2).mean(axis=1)),
            max=largest,
            magnitude=np.abs(r).mean(axis=1),
            mean=mean,
            lowest=r.min(axis=1),
            spread=np.sqrt(((r - mean[:, None]) ** 2).mean(axis=1)),
            values=r.shape[1],
            frames=np.ones(len(r)),
            predicted=np.isfinite(largest).astype(np.float64),
        )

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """Join the errors of several pieces, in order."""
        pieces = list(parts)
        arrays = {
            f.name: np.concatenate([getattr(piece, f.name) for piece in pieces])
            for f in fields(cls)
            if f.name != "values"
        }
        return cls(**arrays, values=pieces[0].values)

    @classmethod
    def of_rows(cls, rows: int, values: int) -> Self:
        """Rows that are to be filled by :meth:`put`."""
        arrays = {f.name: np.empty(rows) for f in fields(cls) if f.name != "values"}
        return cls(**arrays, values=values)

    def put(self, start: int, errors: FrameErrors) -> None:
        """Fill some rows with errors, from one on."""
        rows = slice(start, start + len(errors.mae))
        for f in fields(self):
            if f.name != "values":
                getattr(self, f.name)[rows] = getattr(errors, f.name)

    @classmethod
    def absent(cls, rows: int) -> Self:
        """Rows of frames that lack the quantity: they count for nothing."""
        nan, zero = np.full(rows, np.nan), np.zeros(rows)
        return cls(nan, nan, nan, zero, zero, np.full(rows, np.inf), zero, 1, zero, zero)

    def by_value(self) -> FrameErrors:
        """Weigh every value alike, to be joined with frames that have another number of values."""
        return replace(
            self,
            values=1,
            frames=self.frames * self.values,
            predicted=self.predicted * self.values,
        )

    def relative_to(self, zero: float) -> FrameErrors:
        """Subtract a constant from the reference values, and from the predicted ones with them."""
        return replace(self, mean=self.mean - zero, lowest=self.lowest - zero)

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which rows have a finite prediction, (N,)."""
        return self.predicted > 0

    def only(self, scored: NDArray[np.bool_]) -> FrameErrors:
        """Drop the prediction of all frames but these (N,)."""
        if scored.all():
            return self
        return replace(
            self,
            mae=np.where(scored, self.mae, np.nan),
            rmse=np.where(scored, self.rmse, np.nan),
            max=np.where(scored, self.max, np.nan),
            predicted=np.where(scored, self.predicted, 0.0),
        )

    def merged(self, block: int) -> FrameErrors:
        """Merge every `block` consecutive rows into one, with the errors over all their frames."""
        if block == 1:
            return self
        starts = np.arange(0, len(self.mae), block)
        scored = self.scored
        frames = np.add.reduceat(self.frames, starts)
        predicted = np.add.reduceat(self.predicted, starts)
        known = np.where(predicted > 0, predicted, np.nan)
        scale = float(self.max[scored].max(initial=0.0)) or 1.0
        mean = np.add.reduceat(self.frames * self.mean, starts) / frames
        about = self.mean - np.repeat(mean, block)[: len(self.mean)]

        def errors(values: Floats) -> Floats:
            weighted = np.where(scored, self.predicted * values, 0.0)
            means: Floats = np.add.reduceat(weighted, starts) / known
            return means

        return FrameErrors(
            mae=errors(self.mae),
            rmse=scale * np.sqrt(errors((self.rmse / scale) ** 2)),
            max=np.maximum.reduceat(np.where(scored, self.max, -np.inf), starts) * (known / known),
            magnitude=np.add.reduceat(self.frames * self.magnitude, starts) / frames,
            mean=mean,
            lowest=np.minimum.reduceat(self.lowest, starts),
            spread=np.sqrt(
                np.add.reduceat(self.frames * (self.spread**2 + about**2), starts) / frames
            ),
            values=self.values,
            frames=frames,
            predicted=predicted,
        )

    def errors(self, *, relative: bool = False) -> Errors:
        """Reduce to what :func:`~teaeval.metrics.definitions.errors` has for all frames at once.

        Errors are of the frames that have a prediction; what normalises them is of all.

        Parameters
        ----------
        relative
            Whether the mean of the reference is taken relative to its lowest value, as for
            total energies.
        """
        scored = self.scored
        weights, total = self.predicted[scored], self.predicted.sum()
        largest = float(self.max[scored].max())
        scaled = self.rmse[scored] / (largest or 1.0)
        magnitude = self.magnitude
        if relative:
            magnitude = self.mean - self.lowest.min()
        frames = self.frames.sum()
        centre = (self.frames * self.mean).sum() / frames
        variance = (self.frames * (self.spread**2 + (self.mean - centre) ** 2)).sum() / frames
        with np.errstate(over="ignore"):  # an error that is infinite is said by the score
            mae = float((weights * self.mae[scored]).sum() / total)
        return Errors(
            mae=mae,
            rmse=largest * float(np.sqrt((weights * scaled**2).sum() / total)),
            max=largest,
            mean_reference=float((self.frames * magnitude).sum() / frames),
            std_reference=float(np.sqrt(variance)),
            count=self.values * int(total),
        )


def joined_tables(
    tables: Sequence[Mapping[str, FrameErrors]], zeros: Sequence[float]
) -> dict[str, FrameErrors]:
    """Join the errors of several systems: every value counts alike.

    A quantity that a system lacks has rows there that count for nothing.

    Parameters
    ----------
    tables
        Errors of each quantity of each system.
    zeros
        Energy of each system that its reference energies are taken relative to.
    """
    if len(tables) == 1:
        return dict(tables[0])
    joined = {}
    for name in dict.fromkeys(name for table in tables for name in table):
        parts = []
        for table, zero in zip(tables, zeros, strict=True):
            if name not in table:
                parts.append(FrameErrors.absent(len(table["E"].mae)))
            elif name == "E":
                parts.append(table[name].relative_to(zero))
            else:
                parts.append(table[name].by_value())
        joined[name] = FrameErrors.joined(parts)
    return joined


@dataclass(frozen=True)
class Quantities:
    """Which quantities the published tables have for a system, and the atoms of each.

    Parameters
    ----------
    names
        ``F(X)`` of each element X by atomic number.
    atoms
        (A,) all atoms, those of an element together.
    starts
        Place in `atoms` at which each element begins.
    groups
        Molecules of each group.
    """

    names: tuple[str, ...]
    atoms: Ints
    starts: Ints
    groups: Groups

    @classmethod
    def of(cls, numbers: Ints, groups: Groups | None = None) -> Self:
        """Find the quantities of a system with these atomic numbers (A,) and groups."""
        atoms = np.argsort(numbers, kind="stable")
        elements, starts = np.unique(numbers[atoms], return_index=True)
        return cls(tuple(f"F({SYMBOLS[z]})" for z in elements), atoms, starts, groups or {})


def force_errors(
    predicted: Floats, reference: Floats, quantities: Quantities, block: int = 1
) -> tuple[dict[str, FrameErrors], Digests]:
    """Compute the errors of every quantity of the forces, frame by frame.

    Where every frame of the prediction is finite, they can be those of blocks of frames.

    ``F`` (all atoms), ``F(X)`` for each element X, and ``F(name)`` for each group: the net
    forces of its molecules, pooled.

    Parameters
    ----------
    predicted, reference
        (N, A, 3) in kcal/mol/Å.
    quantities
        Of the system.
    block
        Consecutive frames that are merged into one row if all of them are finite.

    Returns
    -------
    table
        Errors of each quantity: of all frames, or of all blocks.
    digests
        (N,) a number for each frame that depends on every bit of its predicted forces.
    """
    sums = ForceSums.of(predicted, reference, quantities)
    with np.errstate(over="ignore", invalid="ignore"):
        merging = block if block > 1 and sums.finite else 1
        if np.isfinite(sums.square[np.isfinite(sums.largest)]).all():
            table = _table(sums.merged(merging) if merging > 1 else sums, quantities.names)
        else:  # squares overflow
            table = _one_by_one(predicted, reference, quantities)
        for name, molecules in quantities.groups.items():
            net = [net_forces(forces, molecules) for forces in (predicted, reference)]
            table[f"F({name})"] = FrameErrors.of(*net).merged(merging)
    return table, sums.digests


def _table(sums: ForceSums, names: Sequence[str]) -> dict[str, FrameErrors]:
    """Errors of ``F`` and of every element."""
    every = {"F": slice(None)}
    each = {name: slice(i, i + 1) for i, name in enumerate(names)}
    return {name: _of(sums, elements) for name, elements in (every | each).items()}


def _of(sums: ForceSums, elements: slice) -> FrameErrors:
    """Errors over the values of some elements together."""
    values = sums.values[elements]
    size = values.sum() * sums.frames

    def mean(of_elements: Floats) -> Floats:
        means: Floats = of_elements[elements].sum(axis=0) / size
        return means

    centre = mean(sums.reference)
    # About the mean of all, of what was summed about the mean of each element.
    between = (sums.reference[elements] / (values[:, None] * sums.frames) - centre) ** 2
    largest = sums.largest[elements].max(axis=0)
    return FrameErrors(
        mae=mean(sums.absolute),
        rmse=np.sqrt(mean(sums.square)),
        max=largest,
        magnitude=mean(sums.magnitude),
        mean=centre,
        lowest=np.full(len(centre), np.nan),
        spread=np.sqrt(mean(sums.spread) + (values[:, None] * between).sum(axis=0) / values.sum()),
        values=int(values.sum()),
        frames=sums.frames.astype(np.float64),
        predicted=np.where(np.isfinite(largest), sums.frames, 0.0),
    )


def _one_by_one(
    predicted: Floats, reference: Floats, quantities: Quantities
) -> dict[str, FrameErrors]:
    """Compute the same where squares of errors overflow."""
    parts = np.split(quantities.atoms, quantities.starts[1:])
    table = {"F": FrameErrors.of(predicted, reference)}
    for name, atoms in zip(quantities.names, parts, strict=True):
        table[name] = FrameErrors.of(predicted[:, atoms], reference[:, atoms])
    return table
