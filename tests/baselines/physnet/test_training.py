"""The loop: what it optimises, that it is traced once, and that it goes on where it was."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from baselines import config as configs
from baselines.physnet import PhysNet, PhysNetConfig
from baselines.physnet import session as backend
from baselines.physnet.checkpoints import CHECKPOINT_FILE, Checkpoint
from teadata import Frames, TeaError
from teadata.errors import DataError
from teadata.typing import no_progress
from teadata.units import EV


@pytest.fixture(scope="module")
def splits(mini_i):
    return mini_i.split("complete/train/8"), mini_i.split("complete/valid/7")


def test_the_optimiser_is_amsgrad():
    """Written out; the largest square so far counts, and a long gradient is cut."""
    from baselines.physnet.optimiser import State, updated

    backend.load()
    import tensorflow as tf

    config = PhysNetConfig(size=1, clip_grad=3.0, lr=0.01, lr_decay=0.5, lr_decay_steps=10)
    rng = np.random.default_rng(0)
    weights, mean, square, largest = rng.normal(size=6), np.zeros(6), np.zeros(6), np.zeros(6)
    average = weights.copy()
    state = State(*(tf.constant(part) for part in (weights, average, mean, square, largest)))
    for step in range(6):
        slope = rng.normal(size=6) * (10.0 if step == 1 else 1.0)
        state = updated(config, state, tf.constant(slope), tf.constant(step, tf.float64))
        slope = slope * min(1.0, 3.0 / np.linalg.norm(slope))
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope**2
        largest = np.maximum(largest, square)
        rate = 0.01 * 0.5 ** (step / 10) * np.sqrt(1 - 0.99 ** (step + 1)) / (1 - 0.9 ** (step + 1))
        weights = weights - rate * mean / (np.sqrt(largest) + 1e-3)
        decay = min(0.999, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * weights
        np.testing.assert_allclose(state.weights, weights, rtol=1e-12)
        np.testing.assert_allclose(state.average, average, rtol=1e-12)


@pytest.mark.slow
def test_the_optimiser_is_that_of_keras():
    """As Keras has it, and the moving average as Keras' with a decay that grows."""
    from baselines.physnet.optimiser import State, updated

    backend.load()
    import tensorflow as tf

    config = PhysNetConfig(size=1, clip_grad=3.0, lr=0.01)
    theirs = tf.keras.optimizers.Adam(
        0.01, beta_1=0.9, beta_2=0.99, epsilon=1e-3, amsgrad=True, global_clipnorm=3.0
    )
    rng = np.random.default_rng(0)
    start = rng.normal(size=6).astype("float32")
    variable, average = tf.Variable(start), start
    state = State(tf.constant(start), tf.constant(start), *(tf.zeros(6) for _ in range(3)))
    for step in range(6):
        slope = tf.constant(rng.normal(size=6) * (10.0 if step == 1 else 1.0), tf.float32)
        theirs.apply_gradients([(slope, variable)])
        state = updated(config, state, slope, tf.constant(step, tf.float64))
        decay = min(0.999, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * variable.numpy()
        np.testing.assert_allclose(state.weights, variable, rtol=1e-5)
        np.testing.assert_allclose(state.average, average, rtol=1e-5)


@pytest.mark.slow
def test_the_slope_of_the_loss(settings, splits):
    """Through forces, by differences in float64."""
    from baselines.physnet.training import Training

    config = settings(
        dtype="float64", nh_weight=1.0, modules=2, steps=8, clip_grad=None, eval_every=1
    )
    with backend.session("cpu") as tf:
        from baselines.physnet.training import loss_of

        training = Training(config, 0, *splits)
        for _ in range(3):
            training.interval_entry(no_progress)
        chosen, vector = tf.constant([1, 4]), training.state.weights.read_value()

        def loss(at):
            found, energies, forces, totals = training._outcome(at, training.train, chosen)
            return loss_of(config, found, totals, energies, forces)

        with tf.GradientTape() as tape:
            tape.watch(vector)
            value = loss(vector)
        slope = tape.gradient(value, vector)
        direction = np.random.default_rng(0).normal(size=slope.shape)
        step = 1e-7
        change = (loss(vector + step * direction) - loss(vector - step * direction)) / (2 * step)
        assert float(change) == pytest.approx(float(slope.numpy() @ direction), rel=1e-4)


def test_a_training_learns_and_keeps_its_best(trained):
    model, result, _ = trained
    assert [entry["step"] for entry in result.curve] == [4, 8, 12, 16]
    best = min(result.curve, key=lambda entry: entry["valid_loss"])
    assert result.selected == {"step": best["step"], "steps": 16}
    for key, value in result.valid.items():
        assert value == pytest.approx(best[key], rel=1e-4)
    assert result.curve[-1]["train_loss"] < result.curve[0]["train_loss"]
    # From the first step the mean of the energies, dispersion included, is right.
    assert result.curve[0]["energy_mae"] < 30
    assert model.built().traces == 1


KILLED = """
import sys, teadata
from pathlib import Path
from baselines.physnet import PhysNet, PhysNetConfig
mini = teadata.load("mini-i")
def progress(task, done, total):
    print(done, flush=True)
PhysNet(PhysNetConfig.model_validate_json(sys.argv[1]), seed=0).fit(
    mini.split("complete/train/8"), mini.split("complete/valid/7"), Path(sys.argv[2]), progress
)
"""


def test_a_training_is_traced_once_and_goes_on_where_it_was(trained, splits, tmp_path):
    """Interrupted between two validations; taken up, it ends with the very same weights."""
    from baselines.physnet.training import Training

    model, expected, _ = trained

    def interrupt(task, done, total):
        if done == 12:
            raise KeyboardInterrupt

    with backend.session("cpu"):
        training = Training(model.config, 0, *splits)
        with pytest.raises(KeyboardInterrupt):
            training.run(tmp_path, interrupt)
        assert training.step == 12
        assert len(training.curve) == 2
        training._restore(Checkpoint(tmp_path, training.identity))
        assert training.step in (4, 8)
        training.run(tmp_path, no_progress)
        for function in (training.step_function, training.errors_function):
            assert function.experimental_get_tracing_count() == 1
    losses = [[e["valid_loss"] for e in curve] for curve in (training.curve, expected.curve)]
    assert losses[0] == losses[1]
    kept = training.weights()
    for name, value in model.trained()["weights"].items():
        np.testing.assert_array_equal(kept[name], value)


def test_few_steps_wait_to_be_run(trained, splits):
    """Compiled steps return before they are run: without a limit they would fill the memory."""
    from baselines.physnet.training import Training
    from baselines.toolkit.stepwise import CHUNK

    waiting, most = 0, 0

    class Loss(float):
        def __float__(self):
            nonlocal waiting
            waiting -= 1
            return float.__float__(self)

    steps = 4 * CHUNK
    with backend.session("cpu"):
        config = trained[0].config.model_copy(update={"steps": steps, "eval_every": steps})
        training = Training(config, 0, *splits)
        step_function = training.step_function

        def counted(chosen, step):
            nonlocal waiting, most
            waiting += 1
            most = max(most, waiting)
            return Loss(step_function(chosen, step))

        training.step_function = counted
        training.interval_entry(no_progress)
    assert most == 2 * CHUNK
    assert waiting == 0


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_training_ends_with_the_same_weights(end, trained, splits, tmp_path):
    model, expected, workdir = trained
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, model.config.model_dump_json(), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    for line in process.stdout:
        if int(line) == 12:
            process.send_signal(end)
    _, said = process.communicate(timeout=300)
    assert process.returncode != 0
    assert ("KeyboardInterrupt" in said) == (end == signal.SIGINT)
    assert not (tmp_path / "model.npz").exists()
    steps = []
    result = PhysNet(model.config).fit(
        *splits, tmp_path, lambda task, done, total: steps.append((task, done, total))
    )
    assert steps[0][1] > 4  # not from the beginning
    assert result.selected == expected.selected
    losses = [[e["valid_loss"] for e in r.curve] for r in (result, expected)]
    assert losses[0] == losses[1]
    first, second = (np.load(folder / "model.npz") for folder in (workdir, tmp_path))
    assert first.files == second.files
    for name in first.files:
        np.testing.assert_array_equal(first[name], second[name])


@pytest.mark.slow
def test_a_finished_training_is_not_repeated(trained, splits):
    model, result, workdir = trained
    tasks = []
    repeated = PhysNet(model.config).fit(*splits, workdir, lambda task, *_: tasks.append(task))
    assert dataclasses.asdict(repeated) == dataclasses.asdict(result)
    assert set(tasks) <= {"predict"}


def test_another_trainings_checkpoint_is_refused(trained, settings, splits, tmp_path):
    model, _, workdir = trained
    identity = {"config": model.config.model_dump(mode="json"), "seed": 0}
    arrays, notes = Checkpoint(workdir, identity).restore()
    assert len(notes["curve"]) == 4
    assert arrays["weights"].shape == arrays["largest"].shape
    with pytest.raises(DataError, match="a training with another seed; expected 9, found 0"):
        Checkpoint(workdir, identity | {"seed": 9}).restore()
    with pytest.raises(DataError, match="with another config"):
        Checkpoint(workdir, identity | {"config": {}}).restore()
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"broken")
    with pytest.raises(DataError, match=r"expected the checkpoint of a PhysNet training .* remove"):
        Checkpoint(tmp_path, identity).restore()


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_the_training(settings, splits, tmp_path):
    with pytest.raises(TeaError, match=r"the loss is not a number before step .* lower lr"):
        PhysNet(settings(lr=1e30)).fit(*splits, tmp_path)
    assert not (tmp_path / "model.npz").exists()


@pytest.mark.slow
def test_early_stopping(settings, splits, tmp_path):
    """With a learning rate that is far too high no validation is better than the first ones."""
    config = settings(lr=0.3, patience=2, steps=400, eval_every=1)
    result = PhysNet(config).fit(*splits, tmp_path)
    assert result.selected["steps"] == result.selected["step"] + 2 < 400


@pytest.mark.slow
def test_a_step_that_xla_compiles_is_the_same_step(settings, splits):
    from baselines.physnet.training import Training

    losses = []
    for compiled in (False, True):
        with backend.session("cpu"):
            training = Training(settings(dtype="float64", jit_compile=compiled), 0, *splits)
            losses.append(training.interval_entry(no_progress)["valid_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)


def test_fewer_frames_than_a_batch_are_refused(settings, small, tmp_path):
    with pytest.raises(DataError, match="1 training frames, expected at least 2"):
        PhysNet(settings()).fit(small[:1], small, tmp_path)


@pytest.mark.parametrize("name", ["energies", "forces", "positions"])
def test_labels_that_are_not_finite_are_refused(name, small, settings, tmp_path):
    values = {
        k: np.array(getattr(small, k)) for k in ("numbers", "positions", "energies", "forces")
    }
    values[name][2] = np.nan
    with pytest.raises(DataError, match=f"{name} of 1 of .* training frames are not finite"):
        PhysNet(settings()).fit(Frames(**values), small, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_published_settings():
    """SI, section 1.6 and Table SI 5."""
    found = configs.read(PhysNetConfig, "physnet", "paper-i")
    published = {
        "size": 1000, "features": 128, "n_rbf": 64, "modules": 5, "residual_atomic": 2,
        "residual_interaction": 3, "residual_output": 1, "r_cut": 10.0, "lr": 1e-3,
        "batch_size": 73, "ema_decay": 0.999, "electrostatics": True, "dispersion": True,
        "d3": None, "lr_cut": None, "scale_by": "one", "dtype": "float32",
    }  # fmt: skip
    assert {name: getattr(found, name) for name in published} == published
    assert found.forces_weight == pytest.approx(50, rel=0.1)
    assert found.patience is not None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"feature": 3}, "unknown key 'feature', did you mean 'features'"),
        ({"n_rbf": 1}, "n_rbf: Input should be greater than 1"),
        ({"d3": [1.0, 2.0]}, "d3"),
        ({"ema_decay": 1.0}, "ema_decay: Input should be less than 1"),
    ],
)
def test_a_wrong_setting_is_named(changed, message, settings):
    values = settings().model_dump(mode="json") | changed
    with pytest.raises(DataError, match=message):
        configs.parse(PhysNetConfig, values, "my.yaml")


def test_the_reported_errors_are_those_of_the_frames(trained, splits):
    model, result, _ = trained
    valid = splits[1]
    found = model.predict(valid)
    assert abs(found.energies - valid.energies).mean() == pytest.approx(result.valid["energy_mae"])
    assert abs(found.forces - valid.forces).mean() == pytest.approx(result.valid["force_mae"])
    assert abs(found.energies - valid.energies).max() / EV < 10
