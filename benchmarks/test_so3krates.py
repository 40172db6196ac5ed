"""SO3krates: a training step beside the same step uncompiled, and beside MACE; prediction by size.

MACE is mace-torch with the same number of channels, layers and the same cutoff, one frame to a
step; its epoch ends with the validation of one frame.  All on the same processor, in float32.
"""

from __future__ import annotations

import numpy as np
import pytest

import teadata
from teadata import Frames

FRAMES = 16
GROUP = f"{FRAMES} training steps of one frame of 42 atoms, width 32"
SETTINGS = {"features": 32, "layers": 2, "degrees": [1, 2], "heads": 2, "r_cut": 4.0, "n_rbf": 16}


@pytest.fixture(scope="module")
def frames():
    data = teadata.load("mini-i")
    return data.split(f"folded/train/{FRAMES}"), data.split("folded/valid/1")


@pytest.fixture(scope="module")
def so3krates(frames):
    pytest.importorskip("flax")
    from baselines.so3krates import SO3kratesConfig
    from baselines.so3krates import session as backend

    config = SO3kratesConfig(size=FRAMES, buckets=1, steps=10**6, eval_every=FRAMES, **SETTINGS)
    with backend.session(config, "cpu"):
        from baselines.so3krates.training import Training

        training = Training(config, 0, *frames)
        training.compile()
        yield training


@pytest.mark.benchmark(group=GROUP)
def test_compiled(benchmark, so3krates):
    from teadata.typing import no_progress

    entry = benchmark(so3krates.interval_entry, no_progress)
    assert np.isfinite(entry["train_loss"])


@pytest.mark.benchmark(group=GROUP)
def test_one_step_uncompiled(benchmark, so3krates):
    """Operation by operation: one step, where the others take sixteen."""
    import jax
    import jax.numpy as jnp

    def step():
        with jax.disable_jit():
            _, loss = so3krates._step(
                so3krates.state, jnp.zeros(()), so3krates.train.frames,
                jnp.zeros(1, jnp.int32), length=so3krates.train.buckets[-1],
            )  # fmt: skip
            return float(loss)

    assert np.isfinite(benchmark.pedantic(step, rounds=3, iterations=1, warmup_rounds=1))


@pytest.mark.benchmark(group=GROUP)
def test_mace(benchmark, frames, tmp_path):
    pytest.importorskip("mace")
    from baselines.mace import MACEConfig, backend
    from baselines.mace.training import Steps, Training
    from teadata.typing import no_progress

    config = MACEConfig(
        size=FRAMES, num_channels=32, max_L=0, max_ell=2, correlation=2, r_max=4.0,
        radial_MLP=(32, 32), batch_size=1, dtype="float32",
    )  # fmt: skip
    with backend.backend(config, "cpu"):
        training = Training(config, 0, "cpu", *frames)
        steps = Steps(no_progress, FRAMES, tmp_path / "log")
        entry = benchmark.pedantic(training.epoch, (steps,), rounds=5, warmup_rounds=1)
    assert np.isfinite(entry["train_loss"])


@pytest.mark.benchmark(group="energy and forces, by number of atoms")
@pytest.mark.parametrize("atoms", [126, 1008, 10_038])
def test_prediction(benchmark, atoms):
    """Copies of a molecule on a grid, in contact: the cost should grow with their number only."""
    pytest.importorskip("flax")
    from baselines.so3krates import SO3krates, SO3kratesConfig, reference
    from baselines.so3krates import session as backend

    config = SO3kratesConfig(size=1, **SETTINGS)
    with backend.session(config, "cpu"):
        from flax import nnx

        from baselines.so3krates.network import Network

        weights = reference.to_reference(nnx.split(Network(config, nnx.Rngs(0)))[1], config)
    model = SO3krates(config)
    model.use({"weights": weights, "elements": list(range(1, 100)), "energies": np.zeros(99)})
    one = teadata.load("mini-i").split("folded/test")[:1]
    copies = -(-atoms // one.n_atoms)
    side = int(np.ceil(copies ** (1 / 3)))
    places = np.indices((side, side, side)).reshape(3, -1).T[:copies]
    size = np.ptp(one.positions[0], axis=0) + 2.0
    positions = (one.positions + (places * size)[:, None]).reshape(1, -1, 3)
    many = Frames(
        numbers=np.tile(one.numbers, copies),
        positions=positions,
        energies=np.zeros(1),
        forces=np.zeros(positions.shape),
    )
    found = benchmark(model.predict, many)
    assert np.isfinite(found.forces).all()
