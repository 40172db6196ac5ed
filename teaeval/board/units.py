"""Errors of a prediction summed over what is resampled, so that any two can be compared later."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from teadata.errors import DataError
from teadata.files import atomic_write
from teaeval.defaults import REPLICATES
from teaeval.metrics.uncertainty import UnitErrors, resampling, unit_errors
from teaeval.scores.examine import Examined
from teaeval.scores.record import Score
from teaeval.scores.rows import Row

ARRAYS = ("count", "absolute", "squared", "highest")

UNREADABLE = (
    OSError, ValueError, TypeError, KeyError, IndexError, EOFError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What comes of a file that was cut, changed or is something else."""


@dataclass(frozen=True)
class Units:
    """The errors of a prediction by unit: a trajectory, a frame, or a block of frames.

    Parameters
    ----------
    kind
        What a unit is.
    frames
        Frames of the test set.
    errors
        Sums over each of the U units, of every quantity.
    """

    kind: str
    frames: int
    errors: Mapping[str, UnitErrors]

    @classmethod
    def of(cls, examined: Examined) -> Units:
        """Sum the errors of a prediction that was examined."""
        compared = examined.compared
        draws = resampling(examined.dataset, examined.test, REPLICATES, each=compared.block)
        return cls(draws.kind, len(examined.test), unit_errors(compared.table, draws))

    @property
    def count(self) -> int:
        """Number of units, U."""
        return len(next(iter(self.errors.values())).count)

    @property
    def said(self) -> str:
        """How many units there are, in words."""
        plural = "trajectories" if self.kind == "trajectory" else f"{self.kind}s"
        return f"{self.count} {self.kind if self.count == 1 else plural}"

    def write(self, path: Path) -> None:
        """Write them as an npz file, which has the same bytes for the same numbers."""
        arrays: dict[str, np.ndarray] = {
            name: np.stack([getattr(errors, name) for errors in self.errors.values()])
            for name in ARRAYS
        }
        arrays["scale"] = np.array([errors.scale for errors in self.errors.values()])
        arrays["quantities"] = np.array(list(self.errors))
        arrays["kind"], arrays["frames"] = np.array(self.kind), np.array(self.frames)
        with atomic_write(path) as partial, open(partial, "wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)

    @classmethod
    def read(cls, path: Path) -> Units:
        """Read what :meth:`write` wrote.

        Raises
        ------
        DataError
            If it is something else.
        """
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                stored = {name: file[name] for name in file.files}
            names = [str(name) for name in stored["quantities"]]
            errors = {
                name: UnitErrors(
                    count=stored["count"][n],
                    absolute=stored["absolute"][n],
                    squared=stored["squared"][n],
                    highest=stored["highest"][n],
                    scale=float(stored["scale"][n]),
                )
                for n, name in enumerate(names)
            }
            return cls(str(stored["kind"]), int(stored["frames"]), errors)
        except UNREADABLE as error:
            raise DataError(
                f"{path}: no errors by unit, as `teaeval submit` files ({error})"
            ) from None

    def check(self, score: Score) -> None:
        """Refuse errors by unit that are not those of a score.

        Raises
        ------
        DataError
            If their means are other errors, or they are of other quantities or frames.
        """
        rows = {row.quantity: row for row in score.rows}
        if self.frames != score.coverage.frames or [*rows] != [*self.errors]:
            raise DataError("the errors by unit are of other quantities or frames than the score")
        for name, errors in self.errors.items():
            if not _fits(errors, rows[name]):
                raise DataError(f"the errors by unit of {name} do not give those of the score")

    def differs(self, other: Units) -> list[str]:
        """Say of which quantities the errors are not those of another computation."""
        if (self.kind, self.frames, list(self.errors)) != (
            other.kind, other.frames, list(other.errors)
        ):  # fmt: skip
            return ["units: of other quantities or frames"]
        return [
            f"units[{name}]: other errors"
            for name, mine in self.errors.items()
            if not _same(mine, other.errors[name])
        ]


def _fits(errors: UnitErrors, row: Row) -> bool:
    """Whether sums over units give the MAE, RMSE and MAX of a score."""
    if {np.shape(getattr(errors, name)) for name in ARRAYS} != {np.shape(errors.count)}:
        return False
    total = errors.count.sum()
    given = (
        errors.absolute.sum() / total,
        errors.scale * np.sqrt(errors.squared.sum() / total),
        errors.highest.max(),
    )
    return np.allclose(given, (row.mae, row.rmse, row.max), rtol=1e-9, atol=0)


def _same(first: UnitErrors, second: UnitErrors) -> bool:
    pairs = ((getattr(first, name), getattr(second, name)) for name in (*ARRAYS, "scale"))
    return all(
        np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-12, atol=0) for a, b in pairs
    )
