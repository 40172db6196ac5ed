"""Dataset cards: what a dataset is, where it comes from, and how it may be used."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from teadata.errors import DataError, unknown_name
from teadata.strict import StrictModel

Version = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]


class System(StrictModel):
    """The atoms: name, Hill formula, number of atoms, elements, periodicity."""

    name: str
    formula: str
    n_atoms: Annotated[int, Field(gt=0)]
    elements: list[str]
    periodic: bool


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


class DataFile(StrictModel):
    """A file of the dataset: path below the data root, size in bytes, checksum."""

    name: str
    content: Literal["frames", "splits"]
    bytes: Annotated[int, Field(gt=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


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
    """What normalises the errors on a subset's test split (Tables SI 7 and SI 8).

    ``mean_abs_force`` and ``std_force`` over force components, kcal/mol/Å;
    ``mean_relative_energy`` of E − min(E), and ``std_energy``, kcal/mol.
    """

    frames: int
    mean_abs_force: float
    std_force: float
    mean_relative_energy: float
    std_energy: float


class DatasetCard(StrictModel):
    """All that is known of a dataset but the arrays themselves.

    ``notice`` says what the labels are good for.

    ``groups`` names sets of atoms: each group is a list of molecules, each a list of
    0-based atom indices; ``F(mol)`` of the published tables pools the net force of every
    molecule of the group ``mol``.

    ``sizes`` are the nested sizes of train splits that learning curves use, and of valid
    splits as far as those reach.

    ``correlation_times`` are, by quantity, the times in fs after which the autocorrelation
    within a trajectory has fallen to 1/e; without entries, frames are independent draws.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    version: Version
    title: str
    edition: Literal["mini", "official"]
    challenge: str
    system: System
    level_of_theory: LevelOfTheory
    units: Units
    licence: str
    citations: Annotated[list[Citation], Field(min_length=1)]
    files: list[DataFile]
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
            if members and not 0 <= min(members) <= max(members) < self.system.n_atoms:
                raise ValueError(f"group {name!r} has atoms outside 0 … {self.system.n_atoms - 1}")
        return self

    @property
    def full_id(self) -> str:
        """Id and version, e.g. ``mini-i@1.0.0``."""
        return f"{self.id}@{self.version}"

    def check_subset(self, subset: str) -> None:
        """Raise an error that names the subsets there are, if this is not one.

        Raises
        ------
        UsageError
            If the dataset has no such subset.
        """
        if subset not in self.subsets:
            raise unknown_name("subset", subset, self.subsets)

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
        import yaml

        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except yaml.YAMLError as error:
            raise DataError(f"{path}: not readable as YAML ({error})") from None
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, item['loc'])) or 'card'}: {item['msg']}"
                for item in error.errors()
            )
            raise DataError(f"{path}: not a dataset card: {wrong}") from None
