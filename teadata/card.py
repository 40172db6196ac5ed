"""Dataset cards: what a dataset is, where it comes from, and how it may be used."""

from __future__ import annotations

import datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from teadata.errors import DataError, UsageError, expect, unknown_name
from teadata.schema import StrictModel, read_yaml, what_is_wrong

if TYPE_CHECKING:
    import pandas as pd

Version = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]


UNKNOWN = "unknown"
"""What a card says where something is not known."""

ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"
"""What the id of a dataset looks like."""

Edition = Literal["mini", "official", "own", "plugin"]
"""Who made a dataset: this package, the authors of the Challenge, or the user."""

Count = Annotated[int, Field(gt=0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _known(value: object) -> object:
    return None if value == UNKNOWN else value


class System(StrictModel):
    """The atoms: name, Hill formula, number of atoms, elements, periodicity.

    ``order`` is the order of the atoms where it is fixed, e.g. ``C104 N C H4 C H N H``;
    ``molecules`` gives the Hill formula of the molecules that make up a group.
    """

    name: str
    formula: str
    n_atoms: Annotated[Count | None, BeforeValidator(_known)]
    elements: list[str]
    periodic: bool
    order: str | None = None
    molecules: dict[str, str] = Field(default_factory=dict)


class LevelOfTheory(StrictModel):
    """How the labels were computed: method, engine with version, and its settings."""

    method: str
    engine: str
    settings: str


class Units(StrictModel):
    """Units of the stored values."""

    energy: Literal["kcal/mol"]
    length: Literal["Å"]
    force: Literal["kcal/mol/Å"]


def below(name: str) -> str:
    """Refuse a path that leads out of the folder that it is relative to."""
    path = PurePath(name)
    if not path.name or path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name!r} leads out of the dataset's folder; expected a path below it")
    return name


class DataFile(StrictModel):
    """A file of the dataset: path below the data root, size in bytes, checksum."""

    name: Annotated[str, AfterValidator(below)]
    content: Literal["frames", "splits"]
    bytes: Count
    sha256: Sha256


class SourceFile(StrictModel):
    """A source file, published or the user's: name, size in bytes, checksum."""

    name: str
    bytes: Count
    sha256: Sha256


class Source(StrictModel):
    """Where official data come from.

    ``doi`` is that of the record, ``record`` the id of the version taken, ``files`` are its
    files that make up the dataset, ``hints`` words that their names may be recognised by,
    ``authors`` those who made the data.
    """

    authors: list[str]
    doi: str | None = None
    record: str | None = None
    hints: list[str] = Field(default_factory=list)
    files: list[SourceFile] = Field(default_factory=list)


class Ingested(StrictModel):
    """What a file of frames was taken for: its split, number of frames and units.

    ``split`` is a subset, or ``-``, where not the file but something else says the splits.
    ``force_unit`` is None where forces are in the unit of energy over that of length.
    """

    file: str
    split: str
    frames: int
    energy_unit: str
    length_unit: str
    force_unit: str | None = None

    @property
    def units(self) -> str:
        """The units, to be shown."""
        said = (self.energy_unit, self.length_unit, self.force_unit)
        return ", ".join(unit for unit in said if unit is not None)


class Citation(StrictModel):
    """A work to cite: text, DOI, BibTeX entry."""

    text: str
    doi: str | None = None
    bibtex: str


class Change(StrictModel):
    """A line of the changelog."""

    version: Version
    date: datetime.date
    text: str


class Trajectory(StrictModel):
    """A simulation that frames were taken from.

    ``index`` is the value in :attr:`~teadata.frames.Frames.trajectories`, ``temperature`` in
    K, ``length`` in ps from the first to the last frame sampled, ``spacing`` between sampled
    frames in fs, ``density`` in g/cm³ where it is a state variable; ``sampled`` frames were
    labelled, ``stored`` of them are in the file.  Of a ``continuous`` one all are, in the
    order of time: observables of dynamics are measured on it.
    """

    index: int
    role: Literal["train", "valid", "test"]
    start: str | None = None
    temperature: float
    density: float | None = None
    length: float
    spacing: float
    sampled: int
    stored: int
    continuous: bool = False


class Acceptance(StrictModel):
    """How many frames were sampled, met the criterion of a subset, and are stored."""

    sampled: int
    accepted: int
    stored: int


class SubsetStatistics(StrictModel):
    """Normalisers of the errors on a subset's test split (Tables SI 7 and SI 8).

    ``mean_abs_force`` and ``std_force`` over force components, kcal/mol/Å;
    ``mean_relative_energy`` of E − min(E), and ``std_energy``, kcal/mol.
    """

    frames: int
    mean_abs_force: float
    std_force: float
    mean_relative_energy: float
    std_energy: float


class DatasetCard(StrictModel):
    """Everything known about a dataset except the arrays.

    ``notice`` says what the labels are good for.

    A user's own dataset has no ``challenge``, and ``citations`` only if the user gave any.

    The card of an official dataset has no ``files`` before the data are fetched or ingested;
    the card made then has them, and ``ingested`` says of what.  ``counterpart`` is the mini
    dataset of the same system.

    ``groups`` names sets of atoms: each group is a list of molecules, each a list of
    0-based atom indices; ``F(mol)`` of the published tables pools the net force of every
    molecule of the group ``mol``.

    ``sizes`` are the nested sizes of train splits that learning curves use, and of valid
    splits as far as those reach.

    ``correlation_times`` are, by quantity, the times in fs after which the autocorrelation
    within a trajectory has fallen to 1/e; without entries, frames are independent draws.
    """

    id: Annotated[str, Field(pattern=ID)]
    version: Version
    title: str
    edition: Edition
    challenge: str = ""
    system: System
    level_of_theory: LevelOfTheory
    units: Units
    licence: str
    citations: list[Citation] = Field(default_factory=list)
    files: list[DataFile] = Field(default_factory=list)
    counterpart: str | None = None
    source: Source | None = None
    ingested: list[Ingested] = Field(default_factory=list)
    groups: dict[str, list[list[int]]] = Field(default_factory=dict)
    subsets: dict[str, str]
    sizes: list[int]
    tasks: list[str]
    sampling: str
    notice: str = ""
    acceptance: Acceptance | None = None
    correlation_times: dict[str, float] = Field(default_factory=dict)
    statistics: dict[str, SubsetStatistics] = Field(default_factory=dict)
    trajectories: list[Trajectory] = Field(default_factory=list)
    changelog: Annotated[list[Change], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> DatasetCard:
        for task in self.tasks:
            ends = task.split("->")
            if len(ends) != 2 or not set(ends) <= set(self.subsets):
                raise ValueError(
                    f"task {task!r} is not <subset>-><subset> of {', '.join(self.subsets)}"
                )
        if self.edition in ("mini", "official") and not (self.challenge and self.citations):
            raise ValueError(f"a dataset of the {self.edition} edition has challenge and citations")
        if self.changelog[0].version != self.version:
            raise ValueError(
                f"the newest changelog line is of version {self.changelog[0].version}, "
                f"the card of {self.version}"
            )
        if not set(self.statistics) <= set(self.subsets):
            raise ValueError(f"statistics of other subsets than {', '.join(self.subsets)}")
        for name, molecules in self.groups.items():
            members = [atom for molecule in molecules for atom in molecule]
            if len(set(members)) != len(members):
                raise ValueError(f"group {name!r} names an atom twice")
            end = self.system.n_atoms
            if members and (min(members) < 0 or (end is not None and max(members) >= end)):
                raise ValueError(
                    f"group {name!r} has atoms outside 0 … {'?' if end is None else end - 1}"
                )
        return self

    @property
    def full_id(self) -> str:
        """Id and version, e.g. ``mini-i@1.0.0``."""
        return f"{self.id}@{self.version}"

    def __repr__(self) -> str:
        return f"DatasetCard({self.full_id}: {self.title})"

    def to_pandas(self) -> pd.DataFrame:
        """The subsets as a DataFrame: what each is, and the normalisers of its test split.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        from teadata.output.display import data_frame

        return data_frame(
            [
                {"dataset": self.full_id, "subset": name, "what": " ".join(text.split())}
                | (self.statistics[name].model_dump() if name in self.statistics else {})
                for name, text in self.subsets.items()
            ]
        )

    def check_subset(self, subset: str) -> None:
        """Raise an error that lists the known subsets if this is not one of them.

        Raises
        ------
        UsageError
            If the dataset has no such subset.
        """
        expect(subset, str, f"a subset, one of: {', '.join(self.subsets)}")
        if subset not in self.subsets:
            raise unknown_name("subset", subset, self.subsets)

    def the_subset(self, subset: str | None) -> str:
        """The subset that is meant: the one given, or the only one there is.

        Raises
        ------
        UsageError
            If there is no such subset, or none is given where there are several.
        """
        if subset is not None:
            self.check_subset(subset)
            return subset
        if len(self.subsets) != 1:
            raise UsageError(
                f"{self.full_id} has several subsets; say which with --subset, one of: "
                f"{', '.join(self.subsets)}"
            )
        return next(iter(self.subsets))

    def file(self, content: str) -> DataFile:
        """The file with this content (``"frames"`` or ``"splits"``).

        Raises
        ------
        DataError
            If the card lists none.
        """
        for entry in self.files:
            if entry.content == content:
                return entry
        raise DataError(f"the card of {self.full_id} lists no file with {content}")

    @classmethod
    def read(cls, path: Path) -> DatasetCard:
        """Read and validate a card.

        Raises
        ------
        DataError
            If the file is not YAML or not a card; the message names every wrong field.
        """
        content = read_yaml(path)
        try:
            return cls.of_yaml(content)
        except ValidationError as error:
            wrong = what_is_wrong(error)
            raise DataError(f"{path}: not a dataset card: {wrong}") from None
