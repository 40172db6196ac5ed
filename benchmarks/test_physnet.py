"""PhysNet: a training step beside the same step untraced, compiled by XLA, and beside SO3krates.

Predictions beside the other baselines of molecules, on the same frames.  All on the same
processor, in float32 but for FCHL19*, which has float64 only.
"""

from __future__ import annotations

import numpy as np
import pytest

import teadata

BATCH = 2  # as quick
STEPS = f"a training step of {BATCH} frames of 42 atoms, width 64, 5 Å"
PREDICTIONS = "energies and forces of 50 frames of 42 atoms"


@pytest.fixture(scope="module")
def frames():
    data = teadata.load("mini-i")
    return data.split(f"complete/train/{BATCH}"), data.split("complete/valid/1")


@pytest.fixture(scope="module")
def fifty():
    return teadata.load("mini-i").split("complete/test")[:50]


def quick(**others):
    """The shipped settings, but for those given."""
    from baselines import config
    from baselines.physnet import PhysNetConfig

    return config.read(PhysNetConfig, "physnet", "quick").model_copy(update=others)


def training(frames, compiled=False):
    pytest.importorskip("tensorflow")
    from baselines.physnet import session as backend

    config = quick(size=BATCH, batch_size=BATCH, steps=10**6, jit_compile=compiled)
    with backend.session("cpu") as tf:
        from baselines.physnet.training import Training

        return tf, Training(config, 0, *frames)


@pytest.mark.benchmark(group=STEPS)
@pytest.mark.parametrize("compiled", [False, True], ids=["traced", "compiled by XLA"])
def test_step(benchmark, frames, compiled):
    tf, made = training(frames, compiled)
    arguments = tf.range(BATCH), tf.constant(0.0, tf.float64)
    loss = benchmark.pedantic(
        lambda: float(made.step_function(*arguments)), rounds=20, warmup_rounds=2
    )
    assert np.isfinite(loss)
    assert made.step_function.experimental_get_tracing_count() == 1


@pytest.mark.benchmark(group=STEPS)
def test_step_untraced(benchmark, frames):
    """Operation by operation."""
    tf, made = training(frames)
    arguments = tf.range(BATCH), tf.constant(0.0, tf.float64)
    loss = benchmark.pedantic(lambda: float(made._step(*arguments)), rounds=5, warmup_rounds=1)
    assert np.isfinite(loss)


@pytest.mark.benchmark(group=STEPS)
def test_step_of_so3krates(benchmark, frames):
    """As many frames, layers and features, with degrees 1 and 2."""
    pytest.importorskip("flax")
    from baselines.so3krates import SO3kratesConfig
    from baselines.so3krates import session as backend
    from teadata.typing import no_progress

    config = SO3kratesConfig(
        size=BATCH, batch_size=BATCH, steps=10**6, eval_every=1, buckets=1, features=64, layers=2,
        degrees=[1, 2], heads=2, r_cut=5.0, n_rbf=32,
    )  # fmt: skip
    with backend.session(config, "cpu"):
        from baselines.so3krates.training import Training

        made = Training(config, 0, *frames)
        made.compile()
        loss = benchmark.pedantic(made._advance, (no_progress,), rounds=20, warmup_rounds=2)
    assert np.isfinite(loss)


def physnet():
    pytest.importorskip("tensorflow")
    from baselines.physnet import PhysNet, parameters

    model = PhysNet(quick())
    weights = parameters.initial(model.config, 0, 0.0, 1.0)
    model.use({"weights": weights, "elements": list(range(1, 95)), "energies": np.zeros(94)})
    return model


@pytest.mark.benchmark(group=PREDICTIONS)
def test_prediction(benchmark, fifty):
    model = physnet()
    found = benchmark.pedantic(model.predict, (fifty,), rounds=10, warmup_rounds=1)
    assert np.isfinite(found.forces).all()
    assert model.built().traces == 1


@pytest.mark.benchmark(group=PREDICTIONS)
def test_prediction_untraced(benchmark, fifty):
    """Operation by operation."""
    import tensorflow as tf

    model = physnet()
    model.built()
    tf.config.run_functions_eagerly(True)
    try:
        found = benchmark.pedantic(model.predict, (fifty,), rounds=10, warmup_rounds=1)
    finally:
        tf.config.run_functions_eagerly(False)
    assert np.isfinite(found.forces).all()


@pytest.mark.benchmark(group=PREDICTIONS)
@pytest.mark.parametrize("name", ["sgdml", "fchl", "so3krates"])
def test_prediction_of_a_peer(benchmark, name, fifty, tmp_path):
    """As trained by its quick configuration, but on few frames and for few steps."""
    from baselines import config
    from baselines.registry import entry

    if not entry(name).installed:
        pytest.skip(f"{entry(name).package} is not installed")
    kind, settings_kind = entry(name).classes()
    settings = config.read(settings_kind, name, "quick")
    if name == "so3krates":
        settings = settings.model_copy(update={"steps": 4, "eval_every": 4})
    data = teadata.load("mini-i")
    model = kind(settings)
    model.fit(data.split("complete/train/20"), data.split("complete/valid/5"), tmp_path)
    found = benchmark.pedantic(model.predict, (fifty,), rounds=5, warmup_rounds=1)
    assert np.isfinite(found.forces).all()
