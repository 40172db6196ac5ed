"""Scores: what was scored, by what, and the numbers."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from teadata import catalog
from teadata.dataset import Dataset
from teadata.errors import UsageError
from teadata.provenance import DISTRIBUTION, package_version
from teadata.stored_frames import AnyFrames
from teadata.strict import StrictModel
from teaeval.checks import Examined, examine
from teaeval.checks.fixes import apply
from teaeval.defaults import REPLICATES
from teaeval.engines import Engine, Threads
from teaeval.md.record import Simulations
from teaeval.metrics.bootstrap import (
    LEVEL,
    Distribution,
    Resampling,
    Unit,
    block_length,
    distributions,
    interval,
    resampling,
)
from teaeval.metrics.definitions import Errors
from teaeval.predictions.findings import Finding, PredictionError
from teaeval.predictions.prediction import Prediction
from teaeval.scores.details import Details, details


def unit_of(quantity: str) -> str:
    """Unit of a quantity of the tables."""
    return "kcal/mol" if quantity == "E" else "kcal/mol/Å"


class Bootstrap(StrictModel):
    """How intervals were found: coverage, resamples, seed, what was resampled, how many of it."""

    level: float
    replicates: int
    seed: int
    unit: Unit
    units: int

    @classmethod
    def of(cls, draws: Resampling) -> Bootstrap:
        """That of a resampling."""
        return cls(
            level=LEVEL,
            replicates=draws.replicates,
            seed=draws.seed,
            unit=draws.kind,
            units=draws.count,
        )


class Row(StrictModel):
    """Errors of one quantity, in its unit and as the published tables normalise them.

    ``mae``, ``rmse`` and ``max`` are in ``unit``.  ``*_percent_mean`` are Table SI 7's: 100
    times the error over ``mean_reference``; ``*_percent_std`` are Table SI 8's: over
    ``std_reference``.  They are None where the normaliser is 0.  ``*_interval`` are the
    bootstrap's, in ``unit``; None where none was asked for.
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

    @classmethod
    def of(cls, quantity: str, found: Errors, resampled: Distribution | None) -> Row:
        """The row of a quantity's errors, and of what they were over resampled frames."""
        intervals: dict[str, Any] = {
            f"{name}_interval": None if resampled is None else interval(getattr(resampled, name))
            for name in ("mae", "rmse", "max")
        }
        percent: dict[str, Any] = {
            f"{name}_percent_{kind}": 100 * getattr(found, name) / normaliser
            if normaliser
            else None
            for kind, normaliser in (
                ("mean", found.mean_reference),
                ("std", found.std_reference),
            )
            for name in ("mae", "rmse", "max")
        }
        return cls(
            quantity=quantity,
            unit=unit_of(quantity),
            **vars(found),
            **percent,
            **intervals,
        )


class ScoredDataset(StrictModel):
    """The test set of a score, and the checksums of the files it was read from."""

    id: str
    version: str
    edition: Literal["mini", "official"]
    subset: str
    frames: int
    atoms: int
    frames_sha256: str
    splits_sha256: str

    @classmethod
    def of(cls, dataset: Dataset, subset: str, test: AnyFrames) -> ScoredDataset:
        """That of a dataset's test set."""
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
    """How many frames of the test set were predicted; those that were not have failed.

    ``missing`` are not in the file, ``not_finite`` have an energy or a force that is no number.
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
    def of(cls, found: Examined, frames: int) -> Coverage:
        """That of a prediction that was examined."""
        assert found.compared is not None
        scored = int(found.compared.scored.sum())
        there = np.bincount(found.rows[found.rows >= 0], minlength=frames)
        missing = int((there == 0).sum())
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
        """That of a prediction, with what is known of its file."""
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


class Score(StrictModel):
    """What a prediction scored, with everything needed to get the same numbers again.

    ``options`` are what the caller said of the file, ``fixes`` what was to be mended and
    ``fixed`` what was, ``allow_failed`` whether frames without a prediction were let pass,
    ``citations`` the BibTeX entries of the dataset, ``created`` is when it was computed (UTC).
    Errors are those of the frames that ``coverage`` counts as scored.  ``simulations`` with the
    model join a score by :meth:`with_simulations`; they are not made from the prediction.
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
        KeyError
            If the score has no such quantity.
        """
        for row in self.rows:
            if row.quantity == quantity:
                return row
        raise KeyError(quantity)

    def with_simulations(self, found: Collection[Simulations]) -> Score:
        """The score, joined by simulations of the same dataset.

        Raises
        ------
        UsageError
            If they are of another dataset, or of another version of it.
        """
        for one in found:
            mine = f"{self.dataset.id}@{self.dataset.version}"
            if (one.dataset, one.frames_sha256) != (mine, self.dataset.frames_sha256):
                raise UsageError(
                    f"the simulations with {one.name} are of {one.dataset} (frames "
                    f"{one.frames_sha256[:12]}), the score is of {mine} (frames "
                    f"{self.dataset.frames_sha256[:12]}); expected the same dataset"
                )
        return self.model_copy(update={"simulations": [*self.simulations, *found]})


FAILED = ("missing-frames", "not-finite-energy", "not-finite-forces")
"""Findings that say that frames have no prediction."""


def score(
    prediction: Prediction,
    dataset: Dataset | None = None,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
    fixes: Collection[str] = (),
    with_details: bool = False,
    allow_failed: bool = False,
    engine: Engine | None = None,
) -> Score:
    """Check a prediction, and score it as Tables SI 7 and SI 8 do.

    Parameters
    ----------
    prediction
        What was predicted.
    dataset
        The dataset to score against; by default the one the prediction names.
    replicates, seed
        Number of bootstrap resamples behind the intervals, 0 for none, and their seed.
    fixes
        What to mend if a check finds it wrong: names of :data:`teaeval.checks.fixes.FIXES`.
    with_details
        Whether to report what :mod:`teaeval.scores.details` does.
    allow_failed
        Whether a frame that is missing or not finite is counted as failed, in the score's
        coverage, instead of stopping the scoring.
    engine
        What works on pieces of the prediction; by default this machine's cores.

    Raises
    ------
    PredictionError
        If a check finds an error; it carries every finding.
    UsageError
        If there is no such dataset, subset or fix.
    """
    dataset = dataset or catalog.load(prediction.dataset)
    engine = engine or Threads()
    test = dataset.test_set(prediction.subset)
    # No row of a table is drawn apart from the others of its block.
    options: Any = {"block": block_length(dataset, test), "details": with_details}
    found = examine(prediction, test, dataset, engine, **options)
    prediction, fixed = apply(prediction, found.findings, fixes)
    if fixed:
        found = examine(prediction, test, dataset, engine, **options)
    findings = lenient(found) if allow_failed else found.findings
    if any(item.severity == "error" for item in findings):
        raise PredictionError(prediction.source.get("path", "prediction"), findings)
    assert found.compared is not None
    draws = resampling(dataset, test, replicates, seed) if replicates else None
    table = found.compared.table
    resampled = distributions(table, draws.of_blocks(found.compared.block)) if draws else {}
    return Score(
        dataset=ScoredDataset.of(dataset, prediction.subset, test),
        prediction=ScoredPrediction.of(prediction),
        options=dict(prediction.options),
        fixes=sorted(fixes),
        fixed=fixed,
        allow_failed=allow_failed,
        coverage=Coverage.of(found, len(test)),
        software=f"{DISTRIBUTION} {package_version()}",
        versions={"python": platform.python_version(), "numpy": np.__version__},
        created=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
        bootstrap=Bootstrap.of(draws) if draws else None,
        rows=[
            Row.of(name, errors.errors(relative=name == "E"), resampled.get(name))
            for name, errors in table.items()
        ],
        details=details(found, prediction, test, dataset, draws) if with_details else None,
        warnings=[str(item) for item in findings],
        citations=[citation.bibtex.strip() for citation in dataset.card.citations],
    )


def lenient(found: Examined) -> list[Finding]:
    """Findings, in which failed frames are warnings as long as some did not fail."""
    if found.compared is None or not found.compared.scored.any():
        return found.findings
    return [
        replace(item, severity="warning") if item.code in FAILED else item
        for item in found.findings
    ]
