"""Where frames that are analysed come from: simulations, the labelling engine's own, test frames.

Each source gives pieces of consecutive frames, as an observable needs them, or says why it cannot.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from teadata import Dataset, Frames
from teadata.dynamics import checked_path, reference_simulations
from teadata.errors import DataError
from teadata.typing import Floats
from teaeval.md.settings import Settings
from teaeval.md.trajectory import Trajectory
from teaeval.observables.blocks import slices
from teaeval.observables.observable import Observable
from teaeval.observables.system import SAME_CELL, Sample, System

PIECES = 40
"""Pieces that a trajectory is cut into, at least: blocks are put together of them."""

FORGOTTEN = 2.0
"""ps at the start of the labelling engine's simulations that are left out: see DISCARD in
:mod:`teaeval.md.analysis`."""

MOST_FRAMES = 2000
"""Frames of a piece at most, so that a long trajectory is not in memory at once."""

SAME_STRIDE = 0.1
"""Two times between frames are as good as the same if they differ by less than this share."""


class Source(Protocol):
    """One trajectory, or some frames, to measure observables on."""

    @property
    def spacing(self) -> float | None:
        """Time between two frames, fs; None if they do not follow each other in equal steps."""

    def lacks(self, observable: Observable, system: System) -> str | None:
        """Why an observable cannot be measured here; None if it can."""

    def pieces(self, observable: Observable, every: int = 1) -> Iterator[Sample]:
        """Pieces of consecutive frames, every so-many-th of them."""


def _cut(frames: int, observable: Observable, spacing: float | None) -> list[slice]:
    """Cut frames into pieces that are long enough for an observable."""
    least = 1
    if observable.span and spacing:
        least = int(np.ceil(observable.span / spacing)) + 1
    size = max(min(-(-frames // PIECES), MOST_FRAMES), least)
    return slices(frames, max(1, frames // size))


def _too_short(frames: int, observable: Observable, spacing: float | None) -> str | None:
    """Why frames do not follow a system long enough, or not at all; None if they do."""
    if not observable.span:
        return None if frames else "there are no frames"
    if spacing is None:
        return "the frames do not follow each other in equal steps"
    if (time := (frames - 1) * spacing) < observable.span:
        return (
            f"it needs {observable.span / 1000:g} ps without a gap, and there are {time / 1000:g}"
        )
    return None


@dataclass(frozen=True, eq=False)
class FromFile:
    """The stable part of a trajectory in a file, from frame `start` on."""

    run: Trajectory
    start: int

    @property
    def spacing(self) -> float | None:
        """Time between two stored frames, fs."""
        return self.run.spacing if len(self.run) > 1 else None

    def lacks(self, observable: Observable, system: System) -> str | None:
        """Why an observable cannot be measured here; None if it can."""
        if observable.needs not in self.run.fields:
            with_them = " with --forces" if observable.needs == "forces" else " again"
            return f"the trajectories have no {observable.needs}; simulate{with_them}"
        most = observable.most(system) if observable.most else np.inf
        if self.spacing is not None and self.spacing > most * (1 + 1e-9):
            return (
                f"frames are {self.spacing:g} fs apart, and it needs {most:.3g} fs at most; "
                "simulate with a shorter --interval"
            )
        return _too_short(len(self.run) - self.start, observable, self.spacing)

    def pieces(self, observable: Observable, every: int = 1) -> Iterator[Sample]:
        """Pieces of consecutive frames."""
        run = self.run
        spacing = None if self.spacing is None else self.spacing * every
        for part in _cut(len(run) - self.start, observable, self.spacing):
            rows = self.start + part.start, self.start + part.stop
            positions = run.read("positions", *rows)[::every]
            cell = None
            if run.cell is not None and run.pbc.any():
                cell = np.broadcast_to(run.cell, (len(positions), 3, 3))
            beside = None
            if (needed := observable.needs) != "positions":
                beside = run.read(needed, *rows)[::every]
            yield Sample(
                positions,
                cell,
                velocities=beside if needed == "velocities" else None,
                forces=beside if needed == "forces" else None,
                spacing=spacing,
                pbc=run.pbc,
            )


@dataclass(frozen=True, eq=False)
class Packed:
    """A simulation by the labelling engine, of which positions and spectra were kept."""

    positions: Floats
    spacing: float | None
    spectra: tuple[Floats, Floats]
    settings: Settings
    engine: str

    @classmethod
    def read(cls, path: Path) -> Packed:
        """Read a file of ``datasets/dynamics``, without its start.

        Raises
        ------
        DataError
            If it cannot be read.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                times = archive["times"]
                first = int(np.searchsorted(times, 1000 * FORGOTTEN - 1e-6))
                return cls(
                    positions=archive["positions"][first:].astype(np.float64),
                    spacing=float(times[1] - times[0]),
                    spectra=(archive["wavenumbers"], archive["density_of_states"]),
                    settings=Settings.model_validate(json.loads(str(archive["settings"]))),
                    engine=str(archive["engine"]).partition(",")[0],
                )
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise DataError(
                f"{path}: not a simulation by the labelling engine ({error}); install the package "
                "again"
            ) from None

    def lacks(self, observable: Observable, system: System) -> str | None:
        """Why an observable cannot be measured here; None if it can."""
        if observable.name == "vibrations":
            return None
        if observable.needs != "positions":
            return f"no {observable.needs} were kept"
        return _too_short(len(self.positions), observable, self.spacing)

    def pieces(self, observable: Observable, every: int = 1) -> Iterator[Sample]:
        """Pieces of consecutive frames; the spectrum of each block that was kept."""
        if observable.name == "vibrations":
            wavenumbers, density = self.spectra
            for row in density:
                yield Sample(self.positions[:0], spectrum=(wavenumbers, row))
            return
        spacing = None if self.spacing is None else self.spacing * every
        for part in _cut(len(self.positions), observable, self.spacing):
            yield Sample(self.positions[part][::every], spacing=spacing)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Frames of a test set that belong together: those of one trajectory, or a part of them."""

    frames: Frames

    @property
    def spacing(self) -> float | None:
        """Not known: frames were left out between them."""
        return None

    def lacks(self, observable: Observable, system: System) -> str | None:
        """Why an observable cannot be measured here; None if it can."""
        if observable.needs == "velocities":
            return "test frames have no velocities"
        return _too_short(len(self.frames), observable, None)

    def pieces(self, observable: Observable, every: int = 1) -> Iterator[Sample]:
        """All of them as one piece; a cell that nothing is periodic in is none."""
        frames = self.frames
        cell = frames.cell if frames.periodic else None
        yield Sample(frames.positions, cell, forces=frames.forces, pbc=frames.pbc)


@dataclass(frozen=True, eq=False)
class Reference:
    """What simulations are compared with: sources, in words, and of which temperature (K).

    ``files`` are checksums of what is behind it by name, ``version`` is that of simulations which
    come with a dataset.
    """

    label: str
    temperature: float | None
    sources: Sequence[Source]
    files: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None


def labelling_engine(dataset: Dataset, subset: str, temperature: float) -> Reference | None:
    """The labelling engine's own simulations of a subset at a temperature in K; None without any.

    Raises
    ------
    DataError
        If a file is missing, or another one than the card of the simulations says.
    """
    card = reference_simulations(dataset)
    files = card.at(subset, temperature) if card else []
    if card is None or not files:
        return None
    engine = [Packed.read(checked_path(dataset, file)) for file in files]
    length = engine[0].settings.steps * engine[0].settings.timestep / 1000
    label = (
        f"{len(engine)} simulations of {length:g} ps by {engine[0].engine} itself at "
        f"{temperature:g} K"
    )
    sums = {file.name: file.sha256 for file in files}
    return Reference(label, temperature, engine, sums, card.version)


def references(dataset: Dataset, subset: str, temperature: float) -> list[Reference]:
    """What simulations of a subset can be compared with, the best first.

    The labelling engine's own simulations at the same temperature, where there are any, and the
    test frames, unless these are of several cells: those at the same temperature, where there are
    any.
    """
    engine = labelling_engine(dataset, subset, temperature)
    found = [] if engine is None else [engine]
    test = dataset.split(f"{subset}/test")
    if test.cell is not None and test.periodic and np.ptp(test.cell, axis=0).max() > SAME_CELL:
        return found
    test, kelvins = at_temperature(test, test_temperatures(dataset), temperature)
    said = ", ".join(f"{kelvin:g}" for kelvin in kelvins)
    warm = f", of {said} K" if kelvins else " of a temperature that is not stated"
    kelvin = kelvins[0] if len(kelvins) == 1 else None
    label = f"{len(test)} test frames{warm}"
    parts: list[Source] = [Labelled(part) for part in by_trajectory(test)]
    entry = dataset.card.file("frames")
    found.append(Reference(label, kelvin, parts, {entry.name: entry.sha256}))
    return found


def by_trajectory(frames: Frames) -> list[Frames]:
    """Frames of each trajectory, or in ten parts if there are none."""
    trajectories: Any = frames.trajectories
    if trajectories is None:
        return [frames[part] for part in slices(len(frames), min(10, len(frames)))]
    return [frames[np.flatnonzero(trajectories == index)] for index in np.unique(trajectories)]


def test_temperatures(dataset: Dataset) -> dict[int, float]:
    """Temperatures in K of the simulations that test frames are of, by number; those stated."""
    return {
        run.index: run.temperature
        for run in dataset.card.trajectories
        if run.role == "test" and run.temperature is not None
    }


def at_temperature(
    test: Frames, stated: Mapping[int, float], temperature: float
) -> tuple[Frames, list[float]]:
    """Of test frames those at a temperature in K, or all if none are; and the temperatures of what
    is returned, none where one is not stated.
    """
    numbers: Any = test.trajectories
    if numbers is None:
        return test, sorted(set(stated.values())) if len(set(stated.values())) == 1 else []
    wanted = [index for index, kelvin in stated.items() if kelvin == temperature]
    if (here := np.isin(numbers, wanted)).any():
        return test[np.flatnonzero(here)], [temperature]
    present = np.unique(numbers).tolist()
    if not all(index in stated for index in present):
        return test, []
    return test, sorted({stated[index] for index in present})


def strides(first: Sequence[Source], second: Sequence[Source]) -> tuple[int, int] | None:
    """Every how-many-th frame of each makes the time between frames the same; None if it cannot."""
    one, other = (
        min((s.spacing for s in group if s.spacing), default=None) for group in (first, second)
    )
    if one is None or other is None:
        return None
    factor = max(1, round(max(one, other) / min(one, other)))
    every = (1, factor) if one > other else (factor, 1)
    if abs(one * every[0] - other * every[1]) > SAME_STRIDE * max(one, other):
        return None
    return every
