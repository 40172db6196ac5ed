"""The reference case, small models and settings that the tests of PhysNet share."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pytest

from baselines.physnet import PhysNet, PhysNetConfig, from_reference
from teadata import Frames

if find_spec("tensorflow") is None:
    pytest.skip("could not import 'tensorflow'", allow_module_level=True)


@pytest.fixture(scope="session")
def golden(repository) -> dict[str, np.ndarray]:
    """Arrays of the reference case: ethanol, and a cation of C, H, N and O, by name."""
    with np.load(repository / "tests" / "data" / "physnet_reference.npz") as file:
        return {name: file[name] for name in file.files}


def _frames(numbers, positions, pbc=False, cell=None) -> Frames:
    """Frames of positions (N, A, 3); the labels are of no interest."""
    positions = np.asarray(positions, dtype=float)
    return Frames(
        numbers=np.asarray(numbers),
        positions=positions,
        energies=np.zeros(len(positions)),
        forces=np.zeros(positions.shape),
        cell=None if cell is None else np.broadcast_to(cell, (len(positions), 3, 3)),
        pbc=np.full(3, pbc),
    )


@pytest.fixture(scope="session")
def frames() -> Callable[..., Frames]:
    return _frames


@pytest.fixture(scope="session")
def molecules(golden) -> list[Frames]:
    """The two molecules of the reference case."""
    return [
        _frames(golden["Z"][mine], golden["R"][mine][None])
        for mine in (golden["batch_seg"] == n for n in range(2))
    ]


def below(case, name):
    return {key[len(name) + 1 :]: v for key, v in case.items() if key.startswith(name + "/")}


@pytest.fixture(scope="session")
def reference(golden) -> PhysNet:
    """The model of the reference case, for neutral molecules."""
    return from_reference(below(golden, "param"), below(golden, "cfg"))


@pytest.fixture(scope="session")
def settings(case) -> Callable[..., PhysNetConfig]:
    """Tiny settings; what a test is about it states."""

    def make(**values: object) -> PhysNetConfig:
        return PhysNetConfig.model_validate(case("physnet").config.model_dump() | values)

    return make


@pytest.fixture(scope="session")
def evaluated(golden) -> Callable[..., object]:
    """Energies, forces and charges by the reference's parameters, calculated step by step.

    Nothing is traced.  Settings of the model may be changed, and parameters be added.
    """
    from baselines.physnet import inference, potential
    from baselines.physnet import reference as names
    from baselines.physnet import session as backend
    from baselines.physnet.data import graph_of

    params, cfg = below(golden, "param"), below(golden, "cfg")

    def calculate(frames: Frames, extra=None, **changes: object):
        config = names.settings(params, cfg).model_copy(update=changes)
        with backend.session("cpu") as tf:
            weights = {k: tf.constant(v) for k, v in (params | (extra or {})).items()}
            known = inference.tables(range(1, 95), "float64")
            found = potential.with_forces(config, weights, known, graph_of(config, frames))
            return potential.Outcome(*(part.numpy() for part in found[:6]), found.outputs)

    return calculate


@pytest.fixture(scope="session")
def trained(small_model):
    """A tiny trained model, its result, and the workdir."""
    return small_model("physnet")[:3]
