"""The record of analysed simulations, which scores and reports take."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from teadata.errors import UsageError, expect_path
from teadata.output.display import Shown, data_frame
from teadata.schema import StrictModel
from teaeval.md.observed import Observed, Separation
from teaeval.md.outcome import Failure, Time
from teaeval.md.settings import Settings
from teaeval.md.survival import Survival, kaplan_meier

if TYPE_CHECKING:
    import pandas as pd


class Gyration(StrictModel):
    """Radii of gyration without hydrogen, Å, pooled over the stable parts of all replicas.

    Counts are in bins of `width` Å from `start` Å on.  ``mean`` with its standard error, the
    reference's mean and both distances are those of ``gyration`` in the record's ``observables``,
    whose blocks are longer than the autocorrelation.  An earlier version took five blocks a
    replica, however correlated: a record of it without ``observables`` has no error and no
    interval.  ``reference_temperature`` in K is the card's, None where it is not known or not the
    same for all frames.  ``wasserstein`` is in Å.  ``reference`` says what the reference is: where
    it is None, an earlier version took test frames.
    """

    start: float
    width: float
    counts: list[int]
    frames: int
    mean: float
    error: float | None
    reference_counts: list[int]
    reference_frames: int
    reference_mean: float
    reference_temperature: float | None
    hellinger: Separation
    wasserstein: Separation
    reference: str | None = None


def _one_statistic(gyration: dict[str, Any], observables: Sequence[Any]) -> dict[str, Any]:
    """Radii of gyration with mean, error and distances of the observable, as it knows them."""
    for one in observables:
        if isinstance(one, dict) and one.get("observable") == "gyration" and one["distances"]:
            distances = {apart["measure"]: apart for apart in one["distances"]}
            return gyration | {
                "mean": one["mean"]["value"],
                "error": one["mean"]["error"],
                "reference_mean": one["reference_mean"]["value"],
                **distances,
            }
    units = {"hellinger": "", "wasserstein": "Å"}
    apart = {
        name: {"measure": name, "unit": unit, "value": gyration[name]["value"]}
        for name, unit in units.items()
    }
    return gyration | {"error": None} | apart


class Drift(StrictModel):
    """Change of the total energy of an NVE run by a linear fit, kcal/mol/atom/ns.

    ``error`` is its standard error, with the correlation of the residuals counted; ``residual``
    is their root mean square, kcal/mol/atom; ``time`` the length that was fitted, ps.
    """

    slope: float
    error: float
    residual: float
    time: float


class Simulated(StrictModel):
    """One replica: seed, starting frame, how it ended, temperature and speed.

    ``time`` and ``stable_time`` are in ps, ``temperature`` in K is the mean of the stable part, of
    ``degrees_of_freedom``: None where an earlier version counted three an atom.
    """

    seed: int
    frame: int
    status: Literal["finished", "failed", "running"]
    steps: Annotated[int, Field(ge=0)]
    time: Time
    stable_time: Time
    degrees_of_freedom: int | None = None
    temperature: float | None
    failure: Failure | None
    ns_per_day: float
    drift: Drift | None
    trajectory_sha256: str


class Broken(StrictModel):
    """Failures of one kind at one place, such as a bond that breaks in several replicas.

    ``kind`` is that of :class:`teaeval.md.outcome.Failure`, ``what`` says it with the state of the
    bond for ``temperature``; ``place`` is a bond or an atom.  ``replicas`` are their numbers,
    ``times`` in ps when it began in each, ``message`` what the first of them said.
    """

    kind: str
    what: str
    place: str
    replicas: list[int]
    times: list[float]
    message: str


class ComparedWith(StrictModel):
    """What simulations were compared with, under the ``label`` that quantities name it by.

    ``temperature`` in K is None where it is not stated, or not one; ``files`` are the SHA-256 of
    the files behind it, by name; ``version`` is that of the simulations by the engine of the
    labels, None of anything else.
    """

    label: str
    temperature: float | None
    version: str | None
    files: dict[str, str]


class Asked(StrictModel):
    """What an analysis was asked for.

    ``bootstrap`` is the number of resamples behind the intervals, ``observables`` are the names
    that were given: none where all that are of the system were meant.
    """

    bootstrap: int
    observables: list[str]


class Simulations(Shown, StrictModel):
    """Simulations of a dataset's system with one model.

    ``discard`` ps at the start of each replica are left out of averages and distributions, and
    what comes after a failure began.  ``gyration`` is None of a periodic system, and where no
    frames are left.  ``observables`` are what was measured, ``left_out`` says why an observable
    could not be; both are empty in records of an earlier version.  ``engine`` moved the atoms, in
    the version ``engine_version`` where it is not ASE.  ``references`` are what they were compared
    with, empty in records of an earlier version, in which ``asked`` is None.
    """

    name: str
    dataset: str
    subset: str
    edition: str
    frames_sha256: str
    calculator: str | None
    model: str | None
    engine: str = "ase"
    engine_version: str | None = None
    settings: Settings
    discard: float
    replicas: list[Simulated] = Field(min_length=1)
    gyration: Gyration | None
    observables: list[Observed] = Field(default_factory=list)
    left_out: dict[str, str] = Field(default_factory=dict)
    references: list[ComparedWith] = Field(default_factory=list)
    asked: Asked | None = None
    software: str
    created: str

    @model_validator(mode="before")
    @classmethod
    def _earlier(cls, values: Any) -> Any:
        """Give the radii of gyration of an earlier version the statistics of today."""
        if not isinstance(values, dict) or not isinstance(values.get("gyration"), dict):
            return values
        with suppress(KeyError, TypeError):  # no such record, which is said of its fields
            statistics = _one_statistic(values["gyration"], values.get("observables", ()))
            return values | {"gyration": statistics}
        return values

    @model_validator(mode="after")
    def _stable_while_simulated(self) -> Simulations:
        for i, one in enumerate(self.replicas):
            # what broke in the last step may be dated at its end
            if one.stable_time > one.time + 0.002 * self.settings.timestep:
                raise ValueError(
                    f"replicas.{i}.stable_time: {one.stable_time:g} ps, expected at most its time "
                    f"of {one.time:g} ps"
                )
        return self

    def _fields(self) -> dict[str, object]:
        return {
            "name": self.name,
            "dataset": self.dataset,
            "subset": self.subset,
            "conditions": self.conditions,
            "replicas": len(self.replicas),
            "failed": self.failed,
            "stable": f"{self.stable_time:.4g} of {self.time:.4g} ps",
        }

    def to_pandas(self) -> pd.DataFrame:
        """A row for each replica: seed, how it ended, times in ps, temperature in K, drift.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        return data_frame(
            [
                {"name": self.name, "dataset": self.dataset, "subset": self.subset}
                | replica.model_dump(exclude={"failure", "drift", "trajectory_sha256"})
                | {"failure": replica.failure.message if replica.failure else None}
                | {"drift": replica.drift.slope if replica.drift else None}
                for replica in self.replicas
            ]
        )

    @property
    def time(self) -> float:
        """Simulated time of all replicas, ps."""
        return sum(replica.time for replica in self.replicas)

    @property
    def stable_time(self) -> float:
        """The part of it before a failure, ps."""
        return sum(replica.stable_time for replica in self.replicas)

    @property
    def failed(self) -> int:
        """How many replicas were unstable."""
        return sum(replica.status == "failed" for replica in self.replicas)

    @property
    def emptied(self) -> str | None:
        """What to say if no frame is left after the start that is left out; None if some are."""
        if any(replica.temperature is not None for replica in self.replicas):
            return None
        longest = max(replica.stable_time for replica in self.replicas)
        return (
            f"{self.name}: no frame is left to analyse: the first {self.discard:g} ps of each "
            f"replica are left out, and none was stable for longer than {longest:g} ps; simulate "
            "for longer, or analyse again with a shorter --discard"
        )

    @property
    def planned(self) -> float:
        """Time that each replica was to be simulated, ps."""
        return self.settings.steps * self.settings.timestep / 1000

    @property
    def survival(self) -> Survival:
        """Which share of the replicas lasts how long."""
        return kaplan_meier(*self.lasted)

    @property
    def lasted(self) -> tuple[list[float], list[bool]]:
        """How long each replica was stable, ps, and whether it failed then."""
        times = [replica.stable_time for replica in self.replicas]
        return times, [replica.status == "failed" for replica in self.replicas]

    @property
    def broken(self) -> list[Broken]:
        """What broke, the most frequent first."""
        found: dict[tuple[str, str], list[tuple[int, Failure]]] = {}
        for i, replica in enumerate(self.replicas):
            if (failure := replica.failure) is not None:
                found.setdefault((failure.what, failure.place), []).append((i, failure))
        return [
            Broken(
                kind=members[0][1].kind,
                what=what,
                place=place,
                replicas=[i for i, _ in members],
                times=[failure.time for _, failure in members],
                message=members[0][1].message,
            )
            for (what, place), members in sorted(found.items(), key=lambda item: -len(item[1]))
        ]

    @property
    def watched(self) -> str:
        """What the simulations were watched for, in a few words: survival depends on it."""
        s, usual = self.settings, Settings()
        limits = ("monitor_interval", "broken", "formed", "persistence", "overheated", "escaped")
        others = [f"{n} {getattr(s, n):g}" for n in limits if getattr(s, n) != getattr(usual, n)]
        return ", ".join(["watched for " + (" and ".join(s.monitors) or "nothing"), *others])

    @property
    def unwatched(self) -> str | None:
        """What to say if they were not watched for all that makes one unstable; None if so."""
        missing = [name for name in Settings().monitors if name not in self.settings.monitors]
        if not missing:
            return None
        return (
            f"not watched for {', '.join(missing)} (--monitors): a replica that fails by that "
            "counts as stable"
        )

    @property
    def conditions(self) -> str:
        """Ensemble and time step, in a few words."""
        s = self.settings
        if s.thermostat == "none":
            return f"NVE from {s.temperature:g} K, {s.timestep:g} fs"
        detail = f"relaxation {s.relaxation:g} fs"
        if s.thermostat == "langevin":
            detail = f"friction {s.friction:g} {s.friction_unit}"
        return f"NVT, {s.thermostat}, {s.temperature:g} K, {detail}, {s.timestep:g} fs"


def check_apart(named: Sequence[tuple[str, Simulations]]) -> None:
    """Refuse records, by their files, that hold the same simulations.

    Raises
    ------
    UsageError
        If a trajectory is in two of them, or twice in one: tests take replicas for independent.
    """
    seen: dict[str, str] = {}
    for name, record in named:
        for i, replica in enumerate(record.replicas):
            place = f"replica {i} of {name}"
            if (before := seen.get(replica.trajectory_sha256)) is not None:
                raise UsageError(
                    f"{place} is the same simulation as {before}, to the byte; expected others: "
                    "give each record once; simulations repeat if model, --seed and --replicas are "
                    "the same"
                )
            seen[replica.trajectory_sha256] = place


def read(path: Path | str) -> Simulations:
    """Read the record that ``teaeval md analyse`` wrote.

    Raises
    ------
    DataError
        If the file is missing or not such a record.
    """
    path = expect_path(path, "the path of a md.json, or of its folder")
    if path.is_dir():
        path = path / "md.json"
    return Simulations.from_json(path, "a record of simulations", "`teaeval md analyse` writes it")


def record_files(path: Path) -> list[Path]:
    """The records at a path: itself, that of a folder, or one for each temperature in it."""
    inner = sorted(path.glob("*/md.json")) if path.is_dir() else []
    if inner and not (path / "md.json").exists():
        return inner
    return [path / "md.json" if path.is_dir() else path]


def read_all(paths: Sequence[Path], *, independent: bool = False) -> list[Simulations]:
    """Read records from files, and from folders: also those of several temperatures.

    Parameters
    ----------
    paths
        Files and folders.
    independent
        Whether no two of them may hold the same simulations.

    Raises
    ------
    DataError
        If one is missing, or no such record.
    UsageError
        If two of them hold the same simulations, which are to be independent.
    """
    named = [(str(file), read(file)) for path in paths for file in record_files(path)]
    if independent:
        check_apart(named)
    return [record for _, record in named]
