"""Errors frame by frame: what every score is reduced from.

A frame's numbers depend on that frame alone, and the reduction over frames is one fixed sum.
So a score is the same to the last digit however the frames were cut into pieces, and by
whatever number of workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from teadata.elements import SYMBOLS
from teaeval.metrics import Errors, net_forces

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CACHE = 1 << 15
"""Force components that are compared at a time: arrays of them stay in a core's cache."""

Groups = Mapping[str, Sequence[Sequence[int]]]
"""For each name, the atom indices of each of its molecules."""


@dataclass(frozen=True)
class FrameErrors:
    """Errors of one quantity, and its reference values, frame by frame.

    All arrays are (N,), in the unit of the quantity.  All frames have equally many values, so
    that means over frames are means over values.  Of a frame without a finite prediction the
    errors are not finite; its reference values are there all the same.

    Parameters
    ----------
    mae, rmse, max
        Errors over the values of a frame.
    magnitude, mean, lowest
        Mean absolute value, mean and lowest of the reference values of a frame.
    spread
        Their standard deviation about the frame's mean.
    values
        Values of a frame.
    """

    mae: Floats
    rmse: Floats
    max: Floats
    magnitude: Floats
    mean: Floats
    lowest: Floats
    spread: Floats
    values: int

    @classmethod
    def of(cls, predicted: Floats, reference: Floats) -> Self:
        """Those of values (N, …) in the same unit; what is no number makes errors that are none."""
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
        )

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """Those of several pieces, in order."""
        pieces = list(parts)
        arrays = {
            f.name: np.concatenate([getattr(piece, f.name) for piece in pieces])
            for f in fields(cls)
            if f.name != "values"
        }
        return cls(**arrays, values=pieces[0].values)

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which frames have a finite prediction, (N,)."""
        return np.isfinite(self.max)

    def only(self, scored: NDArray[np.bool_]) -> FrameErrors:
        """The same, in which other frames than these (N,) have no prediction."""
        if scored.all():
            return self
        kept = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in ("mae", "rmse", "max"):
            kept[name] = np.where(scored, kept[name], np.nan)
        return FrameErrors(**kept)

    def errors(self, *, relative: bool = False) -> Errors:
        """Over all frames, what :func:`~teaeval.metrics.errors` is of their values.

        Errors are of the frames that have a prediction; what normalises them is of all.

        Parameters
        ----------
        relative
            Whether the mean of the reference is taken relative to its lowest value, as for
            total energies.
        """
        scored = self.scored
        largest = float(self.max[scored].max())
        magnitude = self.magnitude
        if relative:
            magnitude = self.mean - self.lowest.min()
        return Errors(
            mae=float(self.mae[scored].mean()),
            rmse=largest * float(np.sqrt(np.mean((self.rmse[scored] / (largest or 1.0)) ** 2))),
            max=largest,
            mean_reference=float(magnitude.mean()),
            std_reference=float(np.sqrt(np.mean(self.spread**2) + self.mean.var())),
            count=self.values * int(scored.sum()),
        )


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
        """Those of a system with these atomic numbers (A,) and groups."""
        atoms = np.argsort(numbers, kind="stable")
        elements, starts = np.unique(numbers[atoms], return_index=True)
        return cls(tuple(f"F({SYMBOLS[z]})" for z in elements), atoms, starts, groups or {})


def force_errors(
    predicted: Floats, reference: Floats, quantities: Quantities
) -> dict[str, FrameErrors]:
    """Errors of every quantity that forces make, frame by frame.

    ``F`` (all atoms), ``F(X)`` for each element X, and ``F(name)`` for each group: the net
    forces of its molecules, pooled.

    Parameters
    ----------
    predicted, reference
        (N, A, 3) in kcal/mol/Å.
    quantities
        Of the system.
    """
    step = max(1, CACHE // max(1, predicted[:1].size))
    tables = [
        _by_element(predicted[i : i + step], reference[i : i + step], quantities)
        for i in range(0, len(predicted), step)
    ]
    table = {name: FrameErrors.joined(part[name] for part in tables) for name in tables[0]}
    for name, molecules in quantities.groups.items():
        with np.errstate(over="ignore", invalid="ignore"):
            net = [net_forces(forces, molecules) for forces in (predicted, reference)]
        table[f"F({name})"] = FrameErrors.of(*net)
    return table


def _by_element(
    predicted: Floats, reference: Floats, quantities: Quantities
) -> dict[str, FrameErrors]:
    """``F`` and ``F(X)``: sums over the atoms of each element, which are those of all together."""
    count = len(predicted)
    p, r = (
        np.take(forces, quantities.atoms, axis=1).reshape(count, -1)
        for forces in (predicted, reference)
    )
    starts = 3 * quantities.starts
    values = np.diff(starts, append=r.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        np.subtract(p, r, out=p)
        gap = np.abs(p, out=p)
        sums = {"mae": np.add.reduceat(gap, starts, axis=1)}
        largest = np.maximum.reduceat(gap, starts, axis=1)
        np.multiply(gap, gap, out=gap)
        sums["square"] = np.add.reduceat(gap, starts, axis=1)
    sums["mean"] = np.add.reduceat(r, starts, axis=1)
    lowest = np.minimum.reduceat(r, starts, axis=1)
    sums["magnitude"] = np.add.reduceat(np.abs(r, out=gap), starts, axis=1)
    means = sums["mean"] / values
    np.subtract(r, np.repeat(means, values, axis=1), out=r)
    sums["spread"] = np.add.reduceat(np.multiply(r, r, out=r), starts, axis=1)
    if not np.isfinite(sums["square"][np.isfinite(largest)]).all():  # squares overflow
        return _one_by_one(predicted, reference, quantities)

    def table(pick: slice) -> FrameErrors:
        size = int(values[pick].sum())
        total = {name: found[:, pick].sum(axis=1) / size for name, found in sums.items()}
        # About the mean of all, of what was summed about the mean of each.
        between = values[pick] * (means[:, pick] - total["mean"][:, None]) ** 2
        return FrameErrors(
            mae=total["mae"],
            rmse=np.sqrt(total["square"]),
            max=largest[:, pick].max(axis=1),
            magnitude=total["magnitude"],
            mean=total["mean"],
            lowest=lowest[:, pick].min(axis=1),
            spread=np.sqrt(total["spread"] + between.sum(axis=1) / size),
            values=size,
        )

    found = {"F": table(slice(None))}
    return found | {name: table(slice(i, i + 1)) for i, name in enumerate(quantities.names)}


def _one_by_one(
    predicted: Floats, reference: Floats, quantities: Quantities
) -> dict[str, FrameErrors]:
    """The same for errors whose squares are beyond the largest number."""
    parts = np.split(quantities.atoms, quantities.starts[1:])
    found = {"F": FrameErrors.of(predicted, reference)}
    for name, atoms in zip(quantities.names, parts, strict=True):
        found[name] = FrameErrors.of(predicted[:, atoms], reference[:, atoms])
    return found
