"""The sections of a campaign's file: what is trained, left out, simulated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, field_validator

from teadata import catalog
from teadata.schema import StrictModel
from teaeval.hydrogen.record import Protocol
from teaeval.md.settings import Settings

Seed = Annotated[int, Field(ge=0, strict=True)]
Frames = Annotated[int, Field(gt=0, strict=True)]


def _size(value: Any) -> Any:
    if value in ("all", "recorded") or (type(value) is int and value > 0):
        return value
    raise ValueError(f"expected a number of frames, all or recorded, found {value!r}")


Size = Annotated[int | Literal["all", "recorded"], BeforeValidator(_size)]
"""Frames to train on."""

Count = Annotated[int, Field(gt=0, strict=True)]
Several = Annotated[tuple[str, ...], Field(min_length=1)]
Sizes = Annotated[tuple[Size, ...], Field(min_length=1)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1)]


class Combination(StrictModel):
    """One training of a matrix.

    Without a subset all are meant that the dataset's tasks train on.  Without a size, the
    configuration's is; ``all`` are all training frames; ``recorded`` is the size that the
    configuration's record of this subset has, or without one the configuration's, at most all.
    Without a device, the campaign's is meant.
    """

    model: str
    dataset: str
    subset: str | None = None
    size: Size | None = None
    seed: Seed = 0
    config: str = "quick"
    device: str | None = None


class Selection(StrictModel):
    """Those trainings that have all the values which are given."""

    model: str | None = None
    dataset: str | None = None
    subset: str | None = None
    size: Frames | None = None
    seed: Seed | None = None
    config: str | None = None

    def values(self) -> dict[str, Any]:
        """The values that are given, by name."""
        return {name: value for name, value in self if value is not None}


class Simulation(StrictModel):
    """Simulations with each trained model, as ``teaeval md run`` and ``md analyse`` make them.

    Parameters
    ----------
    only
        With which models: trainings that have all the values of one of these; by default all.
    dataset
        Whose system is simulated; by default the one trained on.
    subsets
        Whose test frames are started from; by default the one trained on.
    temperatures
        K; each is a simulation of its own.
    discard, bootstrap, observables
        Time in ps that is left out of averages, bootstrap samples behind their intervals, and
        what is measured; by default all that is of the system.

    Notes
    -----
    All others have the names, meanings and defaults of the options of ``teaeval md run``.
    """

    only: tuple[Selection, ...] = ()
    dataset: str | None = None
    subsets: Several | None = None
    temperatures: Annotated[tuple[float, ...], Field(min_length=1)] = (300.0,)
    replicas: Count = 4
    together: bool = False
    engine: str = "ase"
    discard: Annotated[float, Field(ge=0)] = 2.0
    bootstrap: Count = 1000
    observables: tuple[str, ...] = ()
    thermostat: str = "langevin"
    friction: float = 1e-3
    friction_unit: str = "1/fs"
    relaxation: float = 100.0
    timestep: float = 0.5
    steps: Count = 100_000
    interval: Count = 100
    checkpoint: Count = 1000
    seed: Seed = 0
    forces: bool = False
    stress: bool = False
    monitors: tuple[str, ...] = ("topology", "temperature", "escape")

    @field_validator("monitors", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return () if value == "none" else value

    def settings(self, temperature: float) -> Settings:
        """The settings at a temperature in K.

        Raises
        ------
        ValidationError
            If a value is wrong.
        """
        values = self.model_dump(include=set(Settings.model_fields))
        return Settings.model_validate(values | {"temperature": temperature})


class HydrogenBenchmark(StrictModel):
    """The hydrogen benchmark of each trained model, as ``teaeval hydrogen`` runs it.

    Parameters
    ----------
    only
        Of which models: trainings that have all the values of one of these; by default all on
        `dataset`.
    dataset
        A dataset with reference trajectories.
    states
        State points; by default all.

    Notes
    -----
    All others have the names, meanings and defaults of the options of ``teaeval hydrogen``.
    """

    only: tuple[Selection, ...] = ()
    dataset: str = "mini-hydrogen"
    states: Several | None = None
    length: float = 1000.0
    equilibration: float = 250.0
    timestep: float = 0.5
    seed: Seed = 0

    def protocol(self) -> Protocol:
        """The protocol.

        Raises
        ------
        ValidationError
            If a value is wrong.
        """
        return Protocol.model_validate(self.model_dump(include=set(Protocol.model_fields)))


class ShorterSimulation(StrictModel):
    """What of simulations is different with the configurations of a campaign's ``config``."""

    replicas: Count | None = None
    steps: Count | None = None
    interval: Count | None = None
    checkpoint: Count | None = None
    discard: Annotated[float, Field(ge=0)] | None = None


class ShorterBenchmark(StrictModel):
    """What of the hydrogen benchmark is different with the configurations of ``config``."""

    states: Several | None = None
    length: float | None = None
    equilibration: float | None = None


class Quick(StrictModel):
    """What is different where a campaign's ``config`` is ``quick``.

    Parameters
    ----------
    device, sizes, seeds, frames, bootstrap
        In place of those of the campaign and its matrices; of `sizes`, what is included has the
        first.
    simulate, hydrogen
        In place of what these sections say.
    """

    device: str | None = None
    sizes: Sizes | None = None
    seeds: Seeds | None = None
    frames: Count | None = None
    bootstrap: Annotated[int, Field(ge=0, strict=True)] | None = None
    simulate: ShorterSimulation = ShorterSimulation()
    hydrogen: ShorterBenchmark = ShorterBenchmark()


Named = TypeVar("Named", Combination, Selection)


def in_edition(item: Named, edition: str | None) -> Named:
    """The same with the dataset of an edition, where that has one."""
    if item.dataset is None:
        return item
    return item.model_copy(update={"dataset": counterpart(item.dataset, edition)})


def counterpart(dataset: str, edition: str | None) -> str:
    """The dataset of an edition, ``mini`` or ``official``, of the system of a dataset; else itself.

    Raises
    ------
    UsageError
        If there is no such dataset.
    """
    if edition is None or (card := catalog.card(dataset)).edition == edition:
        return dataset
    if edition == "mini":
        return card.counterpart or dataset
    others = (catalog.packaged(name) for name in catalog.packaged_ids())
    return next((other.id for other in others if other.counterpart == card.id), dataset)


def selected(
    combination: Combination, items: Sequence[Selection], counts: list[int] | None = None
) -> bool:
    """Whether one of several selections has a training; `counts` adds up how many each has.

    Names without a version of the dataset mean all versions.
    """
    values = combination.model_dump()
    values["dataset"] = str(values["dataset"]).partition("@")[0]
    one = False
    for place, item in enumerate(items):
        wanted = item.values()
        exact = {"dataset": combination.dataset} if "@" in wanted.get("dataset", "") else {}
        if any((values | exact)[name] != value for name, value in wanted.items()):
            continue
        one = True
        if counts is not None:
            counts[place] += 1
    return one
