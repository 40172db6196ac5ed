"""Energies and forces by each model, beside its own backend's evaluation of the same model.

One frame of 42 atoms at a time, through ASE calculators, and 64 frames at once.  The peers are
mace-torch's, sgdml's and quippy's calculators; a backend that takes no batch is asked frame by
frame.  SO3krates, FCHL19* and PhysNet have no package: their peer is the bare evaluation, the
compiled function with its lists made before, so that the ratio says what is around it.

Models have the quick settings and are trained for a moment: how good they are costs no time.
sGDML's cost grows with its training frames, 100 here.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
import pytest

import teadata
from baselines import config
from baselines.registry import entry
from teadata.units import EV

MANY = 64
NAMES = ("mace", "sgdml", "gap", "fchl", "so3krates", "physnet")

CHANGES: dict[str, dict[str, Any]] = {
    "mace": {"size": 20, "max_num_epochs": 1},
    "sgdml": {"size": 100, "sigmas": [80], "solver": "analytic"},
    "gap": {"size": 30},
    "fchl": {"size": 20, "lambdas": [1e-5]},
    "so3krates": {"size": 20, "steps": 4, "eval_every": 4},
    "physnet": {"size": 20, "steps": 4, "eval_every": 4},
}


class Compared(NamedTuple):
    """A model, and what its backend takes: atoms of one frame, and all frames.

    ``asked`` is what the backend has to be asked for to give as much as the model.
    """

    model: Any
    calculator: Any
    many: Callable[[], Any]
    asked: tuple[str, ...] = ("energy", "forces")


@pytest.fixture(scope="module")
def frames():
    return teadata.load("mini-i").split("complete/test")[:MANY]


def trained(name: str, folder) -> Any:
    kind, settings_kind = entry(name).classes()
    settings = config.read(settings_kind, name, "quick").model_dump(mode="json") | CHANGES[name]
    model = kind(config.parse(settings_kind, settings, name))
    data = teadata.load("mini-i")
    train = data.split("complete/train/1000")[: settings["size"]]
    model.fit(train, data.split("complete/valid/1000")[:10], folder)
    return model


def each(calculator, frames) -> Callable[[], Any]:
    """Ask a calculator for one frame after another."""
    images = frames.to_ase()

    def ask():
        forces = []
        for atoms in images:
            calculator.calculate(atoms, ["energy", "forces"])
            forces.append(calculator.results["forces"])
        return np.array(forces) * EV

    return ask


def of_mace(model, folder, frames) -> Compared:
    from mace.calculators import MACECalculator

    model.export(folder / "peer.model")
    peer = MACECalculator(
        model_paths=str(folder / "peer.model"), device="cpu", default_dtype=model.config.dtype
    )
    return Compared(model, peer, each(peer, frames))


def of_sgdml(model, folder, frames) -> Compared:
    from sgdml.intf.ase_calc import SGDMLCalculator
    from sgdml.predict import GDMLPredict

    model.save(folder / "peer.npz")
    peer = GDMLPredict(dict(np.load(folder / "peer.npz")))
    peer.prepare_parallel(n_bulk=MANY)

    def many():
        _, forces = peer.predict(frames.positions.reshape(MANY, -1))
        return forces.reshape(frames.forces.shape)

    # the file's units are kcal/mol
    one = SGDMLCalculator(str(folder / "peer.npz"), E_to_eV=1 / EV, F_to_eV_Ang=1 / EV)
    return Compared(model, one, many)


def of_gap(model, folder, frames) -> Compared:
    from quippy.potential import Potential

    model.save(folder / "gap")
    peer = Potential(param_filename=str(folder / "gap" / "gap.xml"))
    return Compared(model, peer, each(peer, frames), ("energy", "forces", "stress"))


class Bare:
    """Takes the place of a calculator: evaluates what was made of each frame before."""

    def __init__(self, evaluate, prepare, frames) -> None:
        self.evaluate = evaluate
        self.ready = cycle([prepare(frames[n : n + 1]) for n in range(len(frames))])

    def calculate(self, *_):
        self.evaluate(next(self.ready))


def of_fchl(model, _, frames) -> Compared:
    ready = model.built()

    def evaluate(some):
        return ready.features.predict(some, ready.coefficients)[1][0].numpy()

    return Compared(model, Bare(evaluate, lambda frame: frame, frames), lambda: evaluate(frames))


def of_so3krates(model, _, frames) -> Compared:
    from baselines.so3krates import neighbours

    potential = model.built()

    def prepare(some):
        pairs = [neighbours.find(some, n, model.config.r_cut) for n in range(len(some))]
        length = neighbours.rounded(max(map(len, pairs)))
        return neighbours.listed(pairs, length, model.config.dtype, len(some))

    def evaluate(listed):
        return potential.evaluate(frames.numbers, listed).forces

    all_of_them = prepare(frames)
    return Compared(
        model,
        Bare(evaluate, prepare, frames),
        lambda: np.reshape(evaluate(all_of_them), frames.forces.shape) * EV,
    )


def of_physnet(model, _, frames) -> Compared:
    from baselines.physnet import session
    from baselines.physnet.data import graph_of

    potential = model.built()

    def prepare(some):
        with session.session("cpu"):
            return graph_of(model.config, some)

    def evaluate(graph):
        with session.session("cpu"):
            return potential.evaluate(graph).forces.numpy()

    all_of_them = prepare(frames)
    return Compared(
        model,
        Bare(evaluate, prepare, frames),
        lambda: evaluate(all_of_them).reshape(frames.forces.shape) * EV,
    )


@pytest.fixture(scope="module", params=NAMES)
def compared(request, frames, tmp_path_factory) -> Compared:
    name = request.param
    if not entry(name).installed:
        pytest.skip(f"{entry(name).package} is not installed")
    folder = tmp_path_factory.mktemp(name)
    return globals()[f"of_{name}"](trained(name, folder), folder, frames)


def asked(calculator, frames, properties) -> Callable[[], None]:
    """Ask for another frame every time: some calculators remember the last one."""
    images = frames.to_ase()
    for atoms in images:
        atoms.center(vacuum=20.0)  # QUIP divides by the cell's volume
        atoms.pbc = False
    turns = cycle(images)

    def ask() -> None:
        calculator.calculate(next(turns), list(properties))

    return ask


@pytest.mark.parametrize("who", ["here", "backend"])
def test_one(benchmark, compared, frames, who):
    benchmark.group = f"one frame of 42 atoms: {type(compared.model).__name__}"
    calculator = compared.model.calculator() if who == "here" else compared.calculator
    benchmark.pedantic(asked(calculator, frames, compared.asked), rounds=MANY, warmup_rounds=3)


@pytest.mark.parametrize("who", ["here", "backend"])
def test_many(benchmark, compared, frames, who):
    benchmark.group = f"64 frames of 42 atoms: {type(compared.model).__name__}"

    def ours():
        return compared.model.predict(frames).forces

    forces = benchmark.pedantic(ours if who == "here" else compared.many, rounds=4, warmup_rounds=1)
    expected = ours()
    np.testing.assert_allclose(forces, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
