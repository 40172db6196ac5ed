"""The record of a score, read from JSON and written as JSON."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from teadata.card import Edition
from teadata.dataset import Dataset
from teadata.errors import DataError, UsageError, unknown_name
from teadata.output.display import Shown, data_frame, html_table, line
from teadata.schema import StrictModel
from teadata.stored_frames import AnyFrames
from teaeval.md.record import Simulations
from teaeval.metrics.definitions import Errors
from teaeval.metrics.uncertainty import ErrorIntervals
from teaeval.predictions.prediction import Prediction
from teaeval.resampling import LEVEL, Interval, Resampling, Unit

if TYPE_CHECKING:
    import pandas as pd

    from teaeval.scores.examine import Examined


def unit_of(quantity: str) -> str:
    """Unit of a quantity of the tables."""
    return "kcal/mol" if quantity == "E" else "kcal/mol/Å"


class Bootstrap(StrictModel):
    """How the intervals were computed: level, method, units, and random draws with their seed.

    By ``jackknife``, only the intervals of MAX are percentiles of ``replicates`` bootstrap
    samples.  By ``percentile``, as in older scores, all intervals are.
    """

    level: float
    replicates: int
    seed: int
    unit: Unit
    units: int
    method: Literal["percentile", "jackknife"] = "percentile"

    @classmethod
    def of(cls, draws: Resampling) -> Bootstrap:
        """Describe the units of a test set and what is drawn of them."""
        return cls(
            level=LEVEL,
            replicates=draws.replicates,
            seed=draws.seed,
            unit=draws.kind,
            units=draws.count,
            method="jackknife",
        )


class Row(Shown, StrictModel):
    """Errors of one quantity, in its unit and normalised as in the published tables.

    ``mae``, ``rmse`` and ``max`` are in ``unit``.  ``*_percent_mean`` are Table SI 7's: 100
    times the error over ``mean_reference``; ``*_percent_std`` are Table SI 8's: over
    ``std_reference``.  They are None where the normaliser is 0.  ``*_interval`` are in
    ``unit``; None where none was asked for, or where there is only one unit to tell the scatter.
    """

    quantity: str
    unit: str
    count: int
    mean_reference: float
    std_reference: float
    mae: float
    rmse: float
    max: float
    mae_percent_mean: float | None
    rmse_percent_mean: float | None
    max_percent_mean: float | None
    mae_percent_std: float | None
    rmse_percent_std: float | None
    max_percent_std: float | None
    mae_interval: tuple[float, float] | None
    rmse_interval: tuple[float, float] | None
    max_interval: tuple[float, float] | None

    def _fields(self) -> dict[str, object]:
        numbers = {name: f"{getattr(self, name):.3g}" for name in ("mae", "rmse", "max")}
        return {"quantity": self.quantity, "unit": self.unit, **numbers}

    def flat(self) -> dict[str, object]:
        """The fields by name, the limits of an interval as two of them."""
        fields: dict[str, object] = {}
        for name, value in self:
            if name.endswith("_interval"):
                measure = name.removesuffix("_interval")
                fields[f"{measure}_low"], fields[f"{measure}_high"] = value or (None, None)
            else:
                fields[name] = value
        return fields

    @classmethod
    def of(cls, quantity: str, errors: Errors, limits: ErrorIntervals | None) -> Row:
        """Make the row of a quantity from its errors and their intervals.

        Raises
        ------
        DataError
            If an error is too large to be a number.
        """
        if not all(np.isfinite(value) for value in vars(errors).values()):
            raise DataError(
                f"the errors of {quantity} are too large to be computed (MAE {errors.mae}, MAX "
                f"{errors.max}); look at the prediction's largest values"
            )
        intervals: dict[str, Any] = {
            f"{name}_interval": None if limits is None else getattr(limits, name)
            for name in ("mae", "rmse", "max")
        }
        percent: dict[str, Any] = {
            f"{name}_percent_{kind}": 100 * getattr(errors, name) / normaliser
            if normaliser
            else None
            for kind, normaliser in (
                ("mean", errors.mean_reference),
                ("std", errors.std_reference),
            )
            for name in ("mae", "rmse", "max")
        }
        return cls(
            quantity=quantity,
            unit=unit_of(quantity),
            **vars(errors),
            **percent,
            **intervals,
        )


class ScoredDataset(StrictModel):
    """The test set of a score, and the checksums of the files it was read from."""

    id: str
    version: str
    edition: Edition
    subset: str
    frames: int
    atoms: int
    frames_sha256: str
    splits_sha256: str

    @classmethod
    def of(cls, dataset: Dataset, subset: str, test: AnyFrames) -> ScoredDataset:
        """Describe the test set of a dataset."""
        card = dataset.card
        return cls(
            id=card.id,
            version=card.version,
            edition=card.edition,
            subset=subset,
            frames=len(test),
            atoms=test.n_atoms,
            frames_sha256=card.file("frames").sha256,
            splits_sha256=card.file("splits").sha256,
        )


class Coverage(StrictModel):
    """How many frames of the test set were predicted, and how many failed.

    ``missing`` frames are not in the file; ``not_finite`` ones have an energy or a force that is
    NaN or infinite.
    """

    frames: int
    scored: int
    missing: int
    not_finite: int

    @property
    def complete(self) -> bool:
        """Whether no frame failed."""
        return self.scored == self.frames

    @classmethod
    def of(cls, examined: Examined) -> Coverage:
        """Count the frames of a prediction that was examined."""
        frames, rows = len(examined.test), examined.test_rows
        scored = int(examined.compared.scored.sum())
        predicted = np.bincount(rows[rows >= 0], minlength=frames)
        missing = int((predicted == 0).sum())
        return cls(
            frames=frames, scored=scored, missing=missing, not_finite=frames - scored - missing
        )


class ScoredPrediction(StrictModel):
    """The prediction of a score: who made it, and the file it was read from."""

    model: str | None
    train: str | None
    record: str | None
    file: str | None
    sha256: str | None
    energy_unit: str | None
    length_unit: str | None

    @classmethod
    def of(cls, prediction: Prediction) -> ScoredPrediction:
        """Describe a prediction, with what is known of its file."""
        source = prediction.source
        return cls(
            model=prediction.model,
            train=prediction.train,
            record=prediction.record,
            file=Path(source["path"]).name if "path" in source else None,
            sha256=prediction.digest() if prediction.digest else None,
            energy_unit=source.get("energy_unit"),
            length_unit=source.get("length_unit"),
        )


class Score(Shown, StrictModel):
    """The score of a prediction, with everything needed to compute it again.

    ``options`` are what the caller declared about the file.  ``fixes`` were asked for, ``fixed``
    says which were made.  ``allow_failed`` says whether frames without a prediction were left
    out; the errors are of the frames that ``coverage`` counts as scored.  ``citations`` are the
    BibTeX entries of the dataset, ``created`` is the time of scoring (UTC).  ``simulations``
    with the model are added by :meth:`with_simulations`; they do not come from the prediction.
    """

    layout: Literal["tea-score-1"] = "tea-score-1"
    dataset: ScoredDataset
    prediction: ScoredPrediction
    options: dict[str, str]
    fixes: list[str]
    fixed: list[str]
    allow_failed: bool
    coverage: Coverage
    software: str
    versions: dict[str, str]
    created: datetime.datetime
    bootstrap: Bootstrap | None
    rows: list[Row]
    details: Details | None
    warnings: list[str]
    citations: list[str]
    simulations: list[Simulations] = Field(default_factory=list)

    @property
    def task(self) -> str:
        """``<train subset>-><test subset>``; ``?`` where the prediction does not say."""
        train = (self.prediction.train or "?").split("/")[0]
        return f"{train}->{self.dataset.subset}"

    def row(self, quantity: str) -> Row:
        """The row of a quantity, e.g. ``"E"`` or ``"F(H)"``.

        Raises
        ------
        UsageError
            If the score has no such quantity; the message names those it has.
        """
        for row in self.rows:
            if row.quantity == quantity:
                return row
        raise unknown_name("quantity", quantity, [row.quantity for row in self.rows])

    def _fields(self) -> dict[str, object]:
        numbers = {f"MAE({row.quantity})": f"{row.mae:.3g}" for row in self.rows[:2]}
        return {
            "dataset": f"{self.dataset.id}@{self.dataset.version}",
            "task": self.task,
            "model": self.prediction.model,
            "frames": f"{self.coverage.scored} of {self.coverage.frames}",
            **numbers,
        }

    def _repr_html_(self) -> str:
        title = line(self, self._fields())
        heads = ("quantity", "unit", "MAE", "RMSE", "MAX")
        rows = [(row.quantity, row.unit, row.mae, row.rmse, row.max) for row in self.rows]
        return html_table(title, heads, rows)

    def key(self) -> dict[str, object]:
        """What tells the score's numbers from those of other scores."""
        return {
            "dataset": f"{self.dataset.id}@{self.dataset.version}",
            "task": self.task,
            "model": self.prediction.model or "",
            "coverage": self.coverage.scored / self.coverage.frames,
        }

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a DataFrame, with what they are of; as ``teaeval score --csv`` has them.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        return data_frame([self.key() | row.flat() for row in self.rows])

    def with_simulations(self, simulations: Collection[Simulations]) -> Score:
        """A copy of the score that also holds simulations of the same dataset.

        Raises
        ------
        UsageError
            If they are of another dataset, or of another version of it.
        """
        for one in simulations:
            mine = f"{self.dataset.id}@{self.dataset.version}"
            if (one.dataset, one.frames_sha256) != (mine, self.dataset.frames_sha256):
                raise UsageError(
                    f"the simulations with {one.name} are of {one.dataset} (frames "
                    f"{one.frames_sha256[:12]}), the score is of {mine} (frames "
                    f"{self.dataset.frames_sha256[:12]}); expected the same dataset"
                )
        return self.model_copy(update={"simulations": [*self.simulations, *simulations]})


class Quantile(StrictModel):
    """The absolute error that a share of the values do not exceed."""

    share: float
    error: float


class EnergyDetails(StrictModel):
    """Energy errors, kcal/mol; as they are, without their mean, and per atom.

    ``shift`` is the mean error; the ``*_shifted`` are of the errors about it.  ``*_per_atom``
    are divided by the number of atoms.  Intervals are about the same shift; None where
    there are none.
    """

    shift: float
    mae_shifted: float
    rmse_shifted: float
    max_shifted: float
    mae_shifted_interval: Interval | None
    rmse_shifted_interval: Interval | None
    mae_per_atom: float
    rmse_per_atom: float
    mae_per_atom_shifted: float
    rmse_per_atom_shifted: float
    quantiles: list[Quantile]


class MagnitudeBin(StrictModel):
    """Errors of the atoms whose reference |F| lies in a range, kcal/mol/Å.

    ``mean_force`` is their mean |F|, ``mae`` the mean absolute error of their components.
    """

    low: float
    high: float | None
    atoms: int
    mean_force: float
    mae: float


class AtomError(StrictModel):
    """Mean absolute error of the force components of an atom, or of a residue's, kcal/mol/Å."""

    name: str
    mae: float


class ForceErrors(StrictModel):
    """Force errors by vector, by atom and by strength, kcal/mol/Å.

    ``magnitude_mae`` is the mean of | |p| − |r| |, ``vector_mae`` that of |p − r|, ``cosine``
    the mean over frames of a frame's mean cosine between p and r (None if no vector has a
    direction), each with its interval.  Quantiles are of the absolute errors of
    components, to within 1/4096 of their value.
    """

    magnitude_mae: float
    vector_mae: float
    cosine: float | None
    magnitude_interval: Interval | None
    vector_interval: Interval | None
    cosine_interval: Interval | None
    quantiles: list[Quantile]
    by_magnitude: list[MagnitudeBin]
    by_atom: list[AtomError]
    by_residue: list[AtomError]


class NoveltyBin(StrictModel):
    """Errors of frames by their distance to the training set, Å."""

    low: float
    high: float
    frames: int
    energy_mae: float
    force_mae: float


class Novelty(StrictModel):
    """Error against distance to the training set.

    The distance is that of the fingerprint of :mod:`teadata.structure.fingerprint` to the nearest
    training frame.  ``*_correlation`` are Spearman's, of a frame's distance and its mean absolute
    error.
    """

    train: str
    train_frames: int
    frames: int
    energy_correlation: float | None
    force_correlation: float | None
    bins: list[NoveltyBin]


class Details(StrictModel):
    """All details of a score; ``novelty`` is None if the training set is not known."""

    energy: EnergyDetails
    forces: ForceErrors
    novelty: Novelty | None
