"""The record of a score, read from JSON and written as JSON."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from teadata.card import Edition
from teadata.dataset import Dataset
from teadata.errors import UsageError, unknown_name
from teadata.output.display import Shown, data_frame, html_table, line
from teadata.schema import GrownModel, StrictModel
from teadata.stored_frames import AnyFrames
from teadata.units import UnitSystem
from teaeval.md.record import Simulations
from teaeval.predictions.findings import codes
from teaeval.predictions.prediction import Prediction
from teaeval.predictions.reference import Reference
from teaeval.scores.detail_records import Details
from teaeval.scores.rows import Bootstrap, Row

if TYPE_CHECKING:
    import pandas as pd

    from teaeval.scores.examine import Examined


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

    @property
    def name(self) -> str:
        """The dataset at its version."""
        return f"{self.id}@{self.version}"

    @property
    def checksum(self) -> str:
        """SHA-256 of the frames."""
        return self.frames_sha256

    @property
    def title(self) -> str:
        """The dataset at its version, and its edition."""
        return f"{self.name} ({self.edition} edition)"


class ScoredReference(GrownModel):
    """The reference file of a score: no dataset, so that it has no version and no splits.

    ``energy_key`` and ``forces_key`` are the arrays of the file that were taken, ``energy_unit``
    and ``length_unit`` the units they are in; ``force_unit`` is there where it is not energy per
    length.  ``formulas`` are its compositions; ``atoms`` is None if there are several.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"force_unit"})

    file: str
    sha256: str
    energy_unit: str
    length_unit: str
    force_unit: str | None = None
    energy_key: str
    forces_key: str
    frames: int
    atoms: int | None
    formulas: list[str]
    options: dict[str, str]

    @classmethod
    def of(cls, reference: Reference) -> ScoredReference:
        """Describe a reference."""
        units = UnitSystem(reference.energy_unit, reference.length_unit, reference.force_unit)
        return cls(
            file=reference.path.name,
            sha256=reference.digest(),
            energy_unit=units.energy,
            length_unit=units.length,
            **units.further,
            energy_key=reference.energy_key,
            forces_key=reference.forces_key,
            frames=len(reference),
            atoms=reference.systems[0].n_atoms if len(reference.formulas) == 1 else None,
            formulas=reference.formulas,
            options=dict(reference.options),
        )

    @property
    def name(self) -> str:
        """The file and the beginning of its checksum, which tells it from others of its name."""
        return f"{self.file} ({self.sha256[:8]})"

    @property
    def checksum(self) -> str:
        """SHA-256 of the file."""
        return self.sha256

    @property
    def title(self) -> str:
        """The file, its checksum, and which of its labels were taken."""
        forces = self.force_unit or self.length_unit
        return (
            f"reference {self.file} (sha256 {self.sha256[:12]}…; {self.energy_key} and "
            f"{self.forces_key} in {self.energy_unit} and {forces}; no dataset)"
        )

    @property
    def system(self) -> str:
        """What its frames are of."""
        return self.formulas[0] if len(self.formulas) == 1 else ALL


ALL = "all"
"""What the errors over all systems of a reference are named."""


class ScoredSystem(StrictModel):
    """The errors of the frames of one composition, where a reference has several.

    ``rows`` are empty where none of its frames has a prediction.
    """

    formula: str
    atoms: int
    coverage: Coverage
    bootstrap: Bootstrap | None
    rows: list[Row]
    details: Details | None


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

    @property
    def said(self) -> str:
        """How many frames were predicted, in words."""
        if self.complete:
            return f"all {self.frames} frames"
        return (
            f"INCOMPLETE: {self.frames - self.scored} of {self.frames} frames failed "
            f"({self.missing} missing, {self.not_finite} not finite), errors are of the other "
            f"{self.scored}"
        )

    @classmethod
    def of(cls, parts: Iterable[Examined]) -> Coverage:
        """Count the frames of predictions that were examined."""
        total = scored = missing = 0
        for examined in parts:
            frames = len(examined.test)
            total += frames
            scored += int(np.count_nonzero(examined.compared.scored))
            missing += frames - examined.places.reached
        return cls(
            frames=total, scored=scored, missing=missing, not_finite=total - scored - missing
        )


class ScoredPrediction(GrownModel):
    """The prediction of a score: who made it, and the file it was read from.

    ``force_unit`` is there where it is not energy per length.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"force_unit"})

    model: str | None
    train: str | None
    record: str | None
    file: str | None
    sha256: str | None
    energy_unit: str | None
    length_unit: str | None
    force_unit: str | None = None

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
            **UnitSystem.stated(source).further,
        )


class Score(Shown, StrictModel):
    """The score of a prediction, with everything needed to compute it again.

    ``options`` are what the caller declared about the file.  ``fixes`` were asked for, ``fixed``
    says which were made.  ``allow_failed`` says whether frames without a prediction were left
    out; the errors are of the frames that ``coverage`` counts as scored.  ``citations`` are the
    BibTeX entries of the dataset, ``created`` is the time of scoring (UTC).  ``simulations``
    with the model are added by :meth:`with_simulations`; they do not come from the prediction.

    Of a dataset there is ``dataset``; of a file that a prediction was compared with instead,
    ``reference``.  Where that has several compositions, ``rows`` are over all of them, ``systems``
    has each, and energies are relative to the lowest of their composition.  ``left_out`` says
    what needs a dataset.
    """

    layout: Literal["tea-score-1"] = "tea-score-1"
    dataset: ScoredDataset | None = None
    reference: ScoredReference | None = None
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
    systems: list[ScoredSystem] = Field(default_factory=list)
    left_out: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_of_both(self) -> Score:
        if (self.dataset is None) == (self.reference is None):
            raise ValueError("expected a dataset or a reference, and not both")
        return self

    @property
    def data(self) -> ScoredDataset | ScoredReference:
        """What the prediction was compared with."""
        data = self.dataset or self.reference
        assert data is not None
        return data

    def of_dataset(self, purpose: str) -> ScoredDataset:
        """The dataset that the score is of.

        Parameters
        ----------
        purpose
            What needs one, in the plural, for the error.

        Raises
        ------
        UsageError
            If the score is against a reference.
        """
        if self.dataset is None:
            raise UsageError(
                f"{purpose} need scores of a dataset; that of {self.prediction.file} is against "
                f"{self.data.title}. `teadata create` makes a dataset of such a file"
            )
        return self.dataset

    @property
    def task(self) -> str:
        """``<train subset>-><test subset>``; ``?`` where the prediction does not say.

        Of a reference, what its frames are of.
        """
        if self.dataset is None:
            return self.reference.system if self.reference else ALL
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
        cover = self.coverage
        numbers = {f"MAE({row.quantity})": f"{row.mae:.3g}" for row in self.rows[:2]}
        return {
            "dataset" if self.dataset else "reference": self.data.name,
            "task" if self.dataset else "system": self.task,
            "model": self.prediction.model,
            "frames": f"{cover.scored} of {cover.frames}" + " (INCOMPLETE)" * (not cover.complete),
            **numbers,
            "warnings": codes(self.warnings),
        }

    def _repr_html_(self) -> str:
        title = line(self, self._fields())
        heads = ("quantity", "unit", "MAE", "RMSE", "MAX")
        rows = [(row.quantity, row.unit, row.mae, row.rmse, row.max) for row in self.rows]
        notes = [self.coverage.said] * (not self.coverage.complete) + self.fixed
        return html_table(title, heads, rows, [*notes, *(f"warning: {w}" for w in self.warnings)])

    def key(self) -> dict[str, object]:
        """What tells the score's numbers from those of other scores."""
        return {
            "dataset": self.data.name,
            "task": self.task,
            "model": self.prediction.model or "",
            "train": self.prediction.train or "",
            "coverage": self.coverage.scored / self.coverage.frames,
        }

    def flat(self) -> list[dict[str, object]]:
        """The rows with what they are of; those of each system after those of all."""
        entries = [self.key() | row.flat() for row in self.rows]
        for system in self.systems:
            cover = system.coverage
            own = {"task": system.formula, "coverage": cover.scored / cover.frames}
            entries += [self.key() | own | row.flat() for row in system.rows]
        return entries

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a DataFrame, with what they are of; as ``teaeval score -o s.csv`` has them.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        return data_frame(self.flat())

    def with_simulations(self, simulations: Collection[Simulations]) -> Score:
        """A copy of the score that also holds simulations of the same dataset.

        Raises
        ------
        UsageError
            If they are of another dataset, or of another version of it.
        """
        for one in simulations:
            data = self.of_dataset("simulations")
            if (one.dataset, one.frames_sha256) != (mine := data.name, data.frames_sha256):
                raise UsageError(
                    f"the simulations with {one.name} are of {one.dataset} (frames "
                    f"{one.frames_sha256[:12]}), the score is of {mine} (frames "
                    f"{data.frames_sha256[:12]}); expected the same dataset"
                )
        return self.model_copy(update={"simulations": [*self.simulations, *simulations]})
