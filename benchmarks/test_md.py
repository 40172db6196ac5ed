"""What the loop of a simulation adds to its calculator's own time, in the same run.

The calculator's own time is what is spent inside its `calculate`; the rest is the loop: ASE's
integrator and the bookkeeping of its calculators, the monitor, frames, checkpoints, all included.
ASE's own loop with its trajectory writer is the peer.  Both are CPU time of this process, which
other work on the machine changes little; with OMP_NUM_THREADS=1 it is the time of one core.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.calculators.calculator import Calculator
from ase.io.trajectory import Trajectory as AseTrajectory
from ase.md.langevin import Langevin

import teadata
from baselines import config, registry
from teaeval import md

STEPS = {"mace": 500, "sgdml": 10_000}
"""Enough that making the files of a simulation, some 20 ms, is a small part."""

TIMESTEP, FRICTION = 0.01, 0.1  # fs, 1/fs: a poor model keeps the molecule whole for as long


ALONE = 20_000


class Clock:
    """Measures what is spent inside a calculator's `calculate`, and around it."""

    def __init__(self, calculator) -> None:
        self.calculator, self.inside = calculator, 0.0
        calculate = calculator.calculate

        def timed(*arguments, **options):
            start = time.process_time()
            calculate(*arguments, **options)
            self.inside += time.process_time() - start

        calculator.calculate = timed

    def share(self, run) -> float:
        """Time of a run that is not the calculator's, over the calculator's."""
        self.inside, start = 0.0, time.process_time()
        run()
        return (time.process_time() - start - self.inside) / self.inside


@pytest.fixture(
    scope="module",
    params=[("mace", 50), ("sgdml", 50), ("sgdml", 500)],
    ids=["mace-50", "sgdml-50", "sgdml-500"],
)
def model(request, tmp_path_factory):
    """A model of the quick settings; MACE, trained for a moment, is as fast as a good one.

    How fast sGDML is goes with the frames that it was trained on: 500 are the quick settings'.
    """
    name, size = request.param
    changes = {"size": size} | ({"max_num_epochs": 1} if name == "mace" else {})
    _, kind = registry.entry(name).classes()
    settings = config.read(kind, name, "quick").model_dump(mode="json") | changes
    found = registry.entry(name).classes()[0](config.parse(kind, settings, name))
    data, folder = teadata.load("mini-i"), tmp_path_factory.mktemp(name)
    train = data.split("folded/train/1000")[:size]
    found.fit(train, data.split("folded/valid/50"), folder)
    return f"{name} of {size} frames", found, STEPS[name]


@pytest.mark.parametrize("how", ["here", "ase"])
def test_loop(benchmark, model, how, tmp_path):
    name, trained, steps = model
    benchmark.group = f"loop of a simulation with {name}"
    clock = Clock(trained.calculator())
    (atoms,) = teadata.load("mini-i").split("folded/test")[0].to_ase()
    settings = md.Settings(
        steps=steps, timestep=TIMESTEP, friction=FRICTION, monitors=("topology", "escape")
    )
    shares = []
    count = iter(range(100))

    def ours(folder: Path) -> None:
        shares.append(clock.share(lambda: md.simulate(atoms, clock.calculator, settings, folder)))
        assert md.Outcome.read(folder).steps == steps  # one that failed is all beginning and end

    def ases(folder: Path) -> None:
        folder.mkdir()
        moving = atoms.copy()
        moving.calc = clock.calculator
        loop = Langevin(moving, TIMESTEP * units.fs, temperature_K=300,
                        friction=FRICTION / units.fs, fixcm=False)  # fmt: skip
        with AseTrajectory(folder / "t.traj", "w", moving) as writer:
            loop.attach(writer, interval=100)
            shares.append(clock.share(lambda: loop.run(steps)))

    benchmark.pedantic(
        ours if how == "here" else ases,
        setup=lambda: ((tmp_path / str(next(count)),), {}),
        rounds=2,
        warmup_rounds=1,
    )
    shares.sort()
    benchmark.extra_info["loop over calculator"] = round(shares[len(shares) // 2], 4)
    print(
        f"\n{name}, {how}: the loop takes {shares[len(shares) // 2]:.2%} of the calculator's time"
    )


class Free(Calculator):
    """Takes no time: what is left is the loop."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms, *_):
        self.results = {"energy": 0.0, "forces": np.zeros((len(atoms), 3))}


@pytest.mark.parametrize("how", ["here", "ase"])
def test_loop_alone(benchmark, how, tmp_path):
    benchmark.group = "loop of a simulation without a calculator, 20 000 steps"
    (atoms,) = teadata.load("mini-i").split("folded/test")[0].to_ase()
    settings = md.Settings(
        steps=ALONE, timestep=0.01, temperature=1, friction=0.1, monitors=("topology", "escape")
    )
    count = iter(range(100))

    def ours(folder: Path) -> None:
        md.simulate(atoms, Free(), settings, folder)

    def ases(folder: Path) -> None:
        folder.mkdir()
        moving = atoms.copy()
        moving.calc = Free()
        loop = Langevin(moving, 0.01 * units.fs, temperature_K=1, friction=0.1 / units.fs,
                        fixcm=False)  # fmt: skip
        with AseTrajectory(folder / "t.traj", "w", moving) as writer:
            loop.attach(writer, interval=100)
            loop.run(ALONE)

    benchmark.pedantic(
        ours if how == "here" else ases,
        setup=lambda: ((tmp_path / str(next(count)),), {}),
        rounds=3,
        warmup_rounds=1,
    )
    benchmark.extra_info["µs a step"] = round(benchmark.stats.stats.min / ALONE * 1e6, 1)
