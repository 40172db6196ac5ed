"""The loop: what it optimises, that it is traced once, and that it goes on where it was."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.physnet import PhysNet
from baselines.physnet import session as backend
from teadata.typing import no_progress


@pytest.fixture(scope="module")
def splits(mini_i):
    return mini_i.split("complete/train/8"), mini_i.split("complete/valid/7")


@pytest.mark.slow
def test_the_slope_of_the_loss(settings, splits):
    """Through forces, by differences in float64."""
    from baselines.physnet.training import Training

    config = settings(
        dtype="float64", nh_weight=1.0, modules=2, steps=8, clip_grad=None, eval_every=1
    )
    with backend.session("cpu") as tf:
        from baselines.physnet.data import batch
        from baselines.physnet.parameters import tensors
        from baselines.physnet.potential import with_forces
        from baselines.physnet.training import loss_of

        training = Training(config, 0, *splits)
        for _ in range(3):
            training.interval_entry(no_progress)
        chosen, vector = tf.constant([1, 4]), training.state.weights.read_value()

        def loss(at):
            labels = training.train
            graph = batch(config, labels, chosen, training.one, training.other)
            found = with_forces(config, tensors(config, at), training.tables, graph)
            totals = tf.reduce_sum(tf.reshape(found.uncorrected, [2, -1]), axis=1)
            energies = tf.gather(labels.energies, chosen)
            forces = tf.reshape(tf.gather(labels.forces, chosen), [-1, 3])
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
        steps = []
        training.run(tmp_path, lambda task, done, total: steps.append(done))
        assert steps[0] in (8, 12)  # of the checkpoint's validation, and not from the beginning
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
