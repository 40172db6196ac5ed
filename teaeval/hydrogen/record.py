"""Records of the hydrogen benchmark: protocol, plan, observables, results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from teadata.errors import expect_path
from teadata.output.display import Shown, data_frame
from teadata.schema import StrictModel
from teaeval.observables.blocks import Mean
from teaeval.resampling import SHARE, Interval, held, within

if TYPE_CHECKING:
    import pandas as pd

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

RECORD_FILE = "record.json"

HALF = 0.5
"""The share of atoms in stable molecules at which one phase becomes the other."""

SHARES_APART: Interval = (-1.0, 1.0)
"""What the difference of two shares cannot be outside of."""

DRAWS_SEED = 0
"""Seed of the resamples and draws behind intervals.

It is not the simulation's, so that the reference has the same interval in every record.
"""


class Protocol(StrictModel):
    """How state points are simulated and analysed.

    The dynamics are those of the reference trajectories of mini-hydrogen: Bussi's thermostat, with
    the same time step, time constant and time of equilibration.  The momentum of the cell is zero
    here, and the thermostat heats the other 3 A − 3 degrees of freedom.

    Parameters
    ----------
    timestep, relaxation
        Time step, and time constant of the thermostat, fs.
    equilibration, length
        Time that is left out at the start, and that is analysed, fs.
    seed
        Of velocities and thermostat.
    cutoff, persistence
        Two atoms are a stable molecule if each is the other's nearest neighbour, nearer than
        `cutoff` Å, in every frame for `persistence` fs.
    lags
        Between which the squared displacement is fitted for diffusion, fs; None for twice and four
        times the lag from which on it grows steadily in the reference of each state point.
    bins
        Of the radial distribution function, from 0 to half the cell.
    blocks
        Blocks of consecutive frames behind the intervals, of a simulation and of its reference:
        fewer where they would be shorter than twice the slowest correlation time.
    replicates
        Resamples or draws behind the intervals of distances and of the transition.
    """

    timestep: Positive = 0.5
    relaxation: Positive = 40.0
    equilibration: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 250.0
    length: Positive = 1000.0
    seed: Annotated[int, Field(ge=0)] = 0
    cutoff: Positive = 1.1
    persistence: Positive = 20.0
    lags: tuple[Positive, Positive] | None = None
    bins: Annotated[int, Field(ge=1)] = 60
    blocks: Annotated[int, Field(ge=2)] = 5
    replicates: Annotated[int, Field(ge=100)] = 1000

    @model_validator(mode="after")
    def _long_enough(self) -> Protocol:
        longest = max([self.persistence, *(self.lags or ())])
        if self.length < 2 * longest:
            raise ValueError(
                f"length {self.length:g} fs is less than twice the longest time that is looked "
                f"at, {longest:g} fs"
            )
        if self.lags and self.lags[0] >= self.lags[1]:
            raise ValueError(f"lags {self.lags[0]:g} to {self.lags[1]:g} fs are no window")
        return self


class Plan(StrictModel):
    """What is run: of which model, on which data, how.

    ``model`` is a run folder, ``calculator`` a ``module:factory``: one of the two.
    ``model_sha256`` is of the run folder's record, ``frames_sha256`` of the dataset's frames.
    """

    label: str
    model: str | None
    calculator: str | None
    model_sha256: str | None
    dataset: str
    frames_sha256: str
    states: tuple[str, ...]
    protocol: Protocol


class Estimate(StrictModel):
    """A number with its standard error and 95 % interval, None where one block is all there is."""

    value: float
    error: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, mean: Mean, unit: float = 1.0) -> Estimate:
        """Make an estimate of a mean by blocks, divided by a unit."""
        if mean.blocks < 2:
            return cls(value=mean.value / unit)
        return cls(
            value=mean.value / unit,
            error=mean.error / unit,
            low=mean.low / unit,
            high=mean.high / unit,
        )

    def within(self, limits: Interval) -> Estimate:
        """The same with an interval that ends where what it is of ends, as a share at 0 and 1."""
        if self.low is None or self.high is None:
            return self
        low, high = within(limits, self.low, self.high)
        return self.model_copy(update={"low": low, "high": high})


class Radial(StrictModel):
    """A radial distribution function: g(r) up to `r_max` Å, and pairs counted in blocks.

    Of a simulation and its reference, the longer blocks are cut into pieces, a row each, as long as
    the blocks of the other.
    """

    r_max: float
    g: tuple[float, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def r(self) -> list[float]:
        """Middles of the bins in Å."""
        return [(i + 0.5) * self.r_max / len(self.g) for i in range(len(self.g))]

    @property
    def peak(self) -> tuple[float, float]:
        """Place in Å and height of the highest value below 1.2 Å, where molecules show."""
        near = [(g, r) for r, g in zip(self.r, self.g, strict=True) if r < 1.2]
        height, place = max(near)
        return place, height


class Observed(StrictModel):
    """What a trajectory at a state point shows.

    ``pressure`` in GPa, None of a model without stress; ``diffusion`` in Å²/ps, which are
    10⁻⁴ cm²/s; ``molecular`` the share of atoms in stable molecules, and ``blocks`` the same of
    each block; ``time`` that was analysed in fs, in ``frames``.  ``lags`` in fs are those of the
    fit of diffusion, ``onset`` in fs is the lag from which on the squared displacement grows
    steadily, None if none does, ``correlation`` in fs the slowest integrated autocorrelation time.
    ``notes`` say what the trajectory is too short for.  Where there are no lags, an earlier version
    took those of the protocol, and did not look at the times.  The interval of the share ends at 0
    and 1, also where an earlier version wrote another.
    """

    frames: int
    time: float
    pressure: Estimate | None
    diffusion: Estimate
    molecular: Estimate
    blocks: tuple[float, ...]
    rdf: Radial
    lags: tuple[float, float] | None = None
    onset: float | None = None
    correlation: float | None = None
    notes: tuple[str, ...] = ()

    @field_validator("molecular")
    @classmethod
    def _of_a_share(cls, share: Estimate) -> Estimate:
        return share.within(SHARE)


class Separation(StrictModel):
    """Hellinger distance of two distributions; see :func:`teaeval.observables.distance`.

    Where there is no ceiling, an earlier version took the floor to be the distance of resamples of
    the reference from itself, which is less.  The interval holds the value, also where an earlier
    version wrote another.
    """

    value: float
    low: float
    high: float
    floor: float
    ceiling: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _earlier(cls, values: Any) -> Any:
        return held(values) if isinstance(values, dict) else values


class Deviation(StrictModel):
    """Model minus reference at a state point, in the units of :class:`Observed`.

    ``rdf`` is the Hellinger distance of the distributions of pair distances up to half the cell: of
    the pairs counted in each bin, which are g(r) times r².
    """

    pressure: Estimate | None
    diffusion: Estimate
    molecular: Estimate
    rdf: Separation

    @field_validator("molecular")
    @classmethod
    def _of_shares(cls, apart: Estimate) -> Estimate:
        return apart.within(SHARES_APART)


class ModelErrors(StrictModel):
    """Mean absolute errors on test frames: energy of the cell in kcal/mol, forces in kcal/mol/Å.

    ``energy_bias`` is the mean of the energy's signed error, model minus reference; None where an
    earlier version did not store it.
    """

    frames: int
    energy_mae: float
    force_mae: float
    energy_bias: float | None = None


def pooled(errors: Sequence[ModelErrors]) -> ModelErrors:
    """Combine the errors of state points, weighted with their numbers of frames."""
    frames = sum(e.frames for e in errors)
    biases = [e.frames * e.energy_bias for e in errors if e.energy_bias is not None]
    return ModelErrors(
        frames=frames,
        energy_mae=sum(e.frames * e.energy_mae for e in errors) / max(frames, 1),
        force_mae=sum(e.frames * e.force_mae for e in errors) / max(frames, 1),
        energy_bias=sum(biases) / max(frames, 1) if len(biases) == len(errors) else None,
    )


class StateResult(StrictModel):
    """The result of one state point.

    A simulation that ``failed`` broke, for the reason in ``failure``, after ``time`` fs, and shows
    nothing; ``seconds`` is the time that it took.  The thermostat heated ``degrees_of_freedom``;
    where these are None, an earlier version counted the cell's momentum, which Bussi's thermostat
    cannot exchange.
    """

    state: str
    temperature: float
    density: float
    status: Literal["finished", "failed"]
    failure: str | None
    time: float
    seconds: float
    degrees_of_freedom: int | None = None
    errors: ModelErrors
    observed: Observed | None
    reference: Observed
    deviation: Deviation | None

    @property
    def phase(self) -> str:
        """Whether the reference is molecular or atomic here."""
        return PHASES[self.reference.molecular.value < HALF]


PHASES = ("molecular", "atomic")


def by_phase(states: Sequence[StateResult]) -> dict[str, ModelErrors]:
    """Combine the errors of the molecular and of the atomic state points.

    A state point is molecular if half of the reference's atoms or more are in stable molecules.
    What decides where one becomes the other is the difference of the two biases.
    """
    found: dict[str, list[ModelErrors]] = {phase: [] for phase in PHASES}
    for state in states:
        found[state.phase].append(state.errors)
    return {phase: pooled(errors) for phase, errors in found.items()}


class Transition(StrictModel):
    """The density at which the share of stable molecules falls below one half.

    ``density`` in g/cm³ by linear interpolation between the state points in ``between``, with
    its 95 % interval, which holds the scatter of the blocks and that the curve between the state
    points is not known; None if the share does not cross one half.  Where a
    simulation between those two broke, only they are known: the interval is `between`, and there
    is no ``density``.
    ``crossing`` is the share of the draws behind the interval that cross; ``verdict`` says it in
    words.
    """

    temperature: float
    found: bool
    density: float | None
    low: float | None
    high: float | None
    between: tuple[float, float] | None
    crossing: float
    verdict: str


class Record(Shown, StrictModel):
    """The outcome of a hydrogen benchmark."""

    format: Literal["tea-hydrogen-1"] = "tea-hydrogen-1"
    package: str
    plan: Plan
    errors: ModelErrors
    states: tuple[StateResult, ...]
    transitions: tuple[Transition, ...]
    reference_transitions: tuple[Transition, ...]

    def _fields(self) -> dict[str, object]:
        return {
            "label": self.plan.label,
            "dataset": self.plan.dataset,
            "states": len(self.states),
            "failed": sum(state.status == "failed" for state in self.states),
            "force_mae": f"{self.errors.force_mae:.3g}",
        }

    def to_pandas(self) -> pd.DataFrame:
        """A row for each state point: errors, and each observable beside the reference's.

        Temperatures are in K, densities in g/cm³, times in fs, errors in kcal/mol and kcal/mol/Å.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        rows = []
        for state in self.states:
            kept = ("state", "temperature", "density", "status", "failure", "time", "seconds")
            row = {"label": self.plan.label} | {name: getattr(state, name) for name in kept}
            row |= state.errors.model_dump(exclude={"frames"}) | {"phase": state.phase}
            for end, seen in (("", state.observed), ("_reference", state.reference)):
                for name in ("pressure", "diffusion", "molecular"):
                    estimate = getattr(seen, name, None)
                    row[name + end] = None if estimate is None else estimate.value
            rows.append(row)
        return data_frame(rows)


def read_record(path: Path | str) -> Record:
    """Read a record, from its file or from the folder that it is in.

    Raises
    ------
    DataError
        If it cannot be read, or is no record of the hydrogen benchmark.
    """
    path = expect_path(path, "the path of a record.json, or of its folder")
    file = path / RECORD_FILE if path.is_dir() else path
    return Record.from_json(
        file,
        "a record of teaeval hydrogen",
        "expected the record.json that teaeval hydrogen writes when all state points are done",
    )
