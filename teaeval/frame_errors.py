"""Errors frame by frame: what every score is reduced from.

A frame's numbers depend on that frame alone, and the reduction over frames is one fixed sum.
So a score is the same to the last digit however the frames were cut into pieces, and by
whatever number of workers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from teadata import Frames
from teaeval.metrics import Errors, quantities

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEP = 2048
"""Frames that are compared at a time."""


@dataclass(frozen=True)
class FrameErrors:
    """Errors of one quantity, and its reference values, frame by frame.

    All arrays are (N,), in the unit of the quantity.  All frames have equally many values, so
    that means over frames are means over values.

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
        """Those of values (N, …) in the same unit."""
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

    def errors(self, *, relative: bool = False) -> Errors:
        """Over all frames, what :func:`~teaeval.metrics.errors` is of their values.

        Parameters
        ----------
        relative
            Whether the mean of the reference is taken relative to its lowest value, as for
            total energies.
        """
        largest = float(self.max.max())
        magnitude = self.magnitude
        if relative:
            magnitude = self.mean - self.lowest.min()
        return Errors(
            mae=float(self.mae.mean()),
            rmse=largest * float(np.sqrt(np.mean((self.rmse / (largest or 1.0)) ** 2))),
            max=largest,
            mean_reference=float(magnitude.mean()),
            std_reference=float(np.sqrt(np.mean(self.spread**2) + self.mean.var())),
            count=self.values * len(self.mae),
        )


def frame_table(
    predicted_energies: Floats,
    predicted_forces: Floats,
    test: Frames,
    groups: dict[str, list[list[int]]] | None = None,
    order: Ints | None = None,
    step: int = STEP,
) -> dict[str, FrameErrors]:
    """Errors of every quantity of the tables, frame by frame in the order of the test set.

    Parameters
    ----------
    predicted_energies
        (N,) in kcal/mol.
    predicted_forces
        (N, A, 3) in kcal/mol/Å.
    test
        The N frames of the test set.
    groups
        For each name, the atom indices of each of its molecules.
    order
        (N,) row of the prediction for each frame of the test set; by default the same.
    step
        Frames that are compared at a time.  Changes no digit of the result.
    """
    tables = []
    for start in range(0, len(test), step):
        part = test[start : start + step]
        rows = slice(start, start + step) if order is None else order[start : start + step]
        found = quantities(
            predicted_energies[rows],
            predicted_forces[rows],
            part.energies,
            part.forces,
            test.numbers,
            groups,
        )
        tables.append({name: FrameErrors.of(p, r) for name, p, r in found})
    return {name: FrameErrors.joined(table[name] for table in tables) for name in tables[0]}
