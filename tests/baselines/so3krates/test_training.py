"""The loop: what it optimises, that it compiles once, and that it goes on where it was."""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from baselines import config as configs
from baselines.so3krates import SO3krates, SO3kratesConfig
from baselines.so3krates import session as backend
from teadata import Frames, TeaError
from teadata.errors import DataError
from teadata.units import EV


@contextmanager
def compilations() -> Iterator[list[str]]:
    """What is compiled, by name."""
    import jax

    found: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("Compiling"):
                found.append(record.getMessage()[:80])

    logger, handler = logging.getLogger("jax"), Handler()
    logger.addHandler(handler)
    with jax.log_compiles(True):
        yield found
    logger.removeHandler(handler)


@pytest.fixture(scope="module")
def splits(mini_i):
    return mini_i.split("folded/train/8"), mini_i.split("folded/valid/8")


def products(function, *arguments) -> list:
    """Precision of every matrix product of a function, those of its parts included."""
    import jax

    def walk(jaxpr):
        for equation in jaxpr.eqns:
            if equation.primitive.name == "dot_general":
                yield equation.params["precision"]
            for value in equation.params.values():
                for inner in value if isinstance(value, (tuple, list)) else [value]:
                    inner = getattr(inner, "jaxpr", inner)
                    if hasattr(inner, "eqns"):
                        yield from walk(inner)

    return list(walk(jax.make_jaxpr(function)(*arguments).jaxpr))


@pytest.mark.parametrize("allowed", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_no_matrix_product_is_rounded_unless_that_is_asked_for(allowed, settings, splits):
    """In training and prediction, whatever JAX's default: all products are marked as float32."""
    import jax
    import jax.numpy as jnp

    from baselines.so3krates import inference
    from baselines.so3krates.training import Training

    config = settings(allow_tf32=allowed, layers=2, residual_mlp_1=True, steps=4)
    precision = jax.lax.Precision.DEFAULT if allowed else jax.lax.Precision.HIGHEST
    with backend.session(config, "cpu"):
        training = Training(config, 0, *splits)
        weights = training.state.weights
        chosen = jnp.zeros(2, jnp.int32)
        batch = training.train.frames.batch(chosen, training.train.buckets[-1])
    with jax.default_matmul_precision("bfloat16"):
        found = products(
            lambda state: training._step(
                state, jnp.zeros(()), training.train.frames, chosen,
                length=training.train.buckets[-1],
            ),
            training.state,
        )  # fmt: skip
        found += products(
            lambda w: inference._evaluate(training.definition, w, training.numbers, batch.listed),
            weights,
        )
    assert len(found) > 60
    assert {p if isinstance(p, tuple) else (p, p) for p in found} == {(precision, precision)}


def test_the_session_leaves_jax_as_it_was(settings):
    import jax

    def state():
        return jax.config.jax_enable_x64, jax.config.jax_default_matmul_precision

    before = state()
    with backend.session(settings(dtype="float64"), "cpu"):
        assert state() == (True, "highest")
    assert state() == before


def test_loss_and_learning_rate_are_as_published(settings, splits):
    import jax

    from baselines.so3krates.data import Labelled
    from baselines.so3krates.pairs import Listed
    from baselines.so3krates.training import Training, learning_rate, loss_function

    config = settings(dtype="float64", degrees=[1], valid_batch_size=2)
    with backend.session(config, "cpu"):
        training = Training(config, 0, *splits)
        batch = jax.tree.map(lambda part: part[:2], training.train.frames)
        batch = Labelled(Listed(*batch.listed), batch.energies, batch.forces)
        loss, (energy, force) = jax.jit(loss_function, static_argnums=(0, 1))(
            config, training.definition, training.numbers, training.state.weights, batch
        )
        expected = (np.mean(energy**2) + 1000 * np.mean(force**2)) / 1001
        assert float(loss) == pytest.approx(float(expected), rel=1e-12)
        assert batch.energies.mean() == pytest.approx(
            (splits[0].energies[:2].mean() - splits[0].energies.mean()) / EV, abs=1e-6
        )
    published = SO3kratesConfig(size=1)
    assert learning_rate(published, 0) == 1e-3
    assert learning_rate(published, 50_000) == pytest.approx(1e-3 * 0.7**0.5)
    assert learning_rate(published, 1_000_000) == pytest.approx(1e-3 * 0.7**10)


def test_four_steps_are_those_of_adam_by_hand(settings, splits):
    """Bias-corrected moments, ε outside the root, the rate of the steps already done."""
    import jax
    import jax.numpy as jnp

    from baselines.so3krates.training import learning_rate, optimiser

    config = settings(lr_decay_steps=3)
    rule, rng = optimiser(config), np.random.default_rng(0)
    with jax.enable_x64(True):
        weights = jnp.asarray(rng.normal(size=5))
        state, expected = rule.init(weights), np.asarray(weights)
        first = second = np.zeros(5)
        for step in range(4):
            slope = rng.normal(size=5)
            updates, state = rule.update(jnp.asarray(slope), state)
            weights = weights + updates
            first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
            change = first / (1 - 0.9 ** (step + 1))
            scale = np.sqrt(second / (1 - 0.999 ** (step + 1))) + 1e-8
            expected = expected - float(learning_rate(config, step)) * change / scale
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_every_pass_takes_every_frame_once():
    from baselines.toolkit.stepwise import BatchOrder

    order = BatchOrder(seed=3, frames=10, batch_size=3)
    first, second = order.epoch(0), order.epoch(1)
    assert first.shape == (3, 3)  # the rest is left out
    assert len(np.unique(first)) == 9
    assert (first != second).any()
    np.testing.assert_array_equal(order.epoch(1), second)
    assert order.total(10) == 9  # whole passes: 10 · 3 / 10 = 3 of 3 steps
    assert order.total(2) == 2


def test_a_training_learns_and_keeps_its_best(trained, splits):
    _, result, _ = trained
    assert [entry["step"] for entry in result.curve] == [4, 8, 12, 16]
    best = min(result.curve, key=lambda entry: entry["valid_loss"])
    assert result.selected == {"step": best["step"], "steps": 16}
    for key, value in result.valid.items():
        assert value == pytest.approx(best[key], rel=1e-4)
    assert result.curve[-1]["train_loss"] < result.curve[0]["train_loss"]


def test_nothing_is_compiled_in_the_loop(settings, splits):
    from baselines.so3krates.training import Training
    from teadata.typing import no_progress

    config = settings(buckets=2, steps=12, batch_size=1, ema_decay=0.9)
    with backend.session(config, "cpu"):
        training = Training(config, 0, *splits)
        training.compile()
        assert len(training.steps) == len(training.train.buckets) == 2
        training.interval_entry(no_progress)
        with compilations() as found:
            while not training.finished:
                training.interval_entry(no_progress)
    assert found == []


KILLED = """
import sys, teadata
from pathlib import Path
from baselines.so3krates import SO3krates, SO3kratesConfig
mini = teadata.load("mini-i")
def progress(task, done, total):
    print(done, flush=True)
SO3krates(SO3kratesConfig.model_validate_json(sys.argv[1]), seed=0).fit(
    mini.split("folded/train/8"), mini.split("folded/valid/8"), Path(sys.argv[2]), progress
)
"""


@pytest.mark.parametrize(
    "end", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
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
    _, said = process.communicate(timeout=120)
    assert process.returncode != 0
    assert ("KeyboardInterrupt" in said) == (end == signal.SIGINT)
    assert not (tmp_path / "model.npz").exists()
    steps = []
    result = SO3krates(model.config).fit(
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


def test_a_finished_training_is_not_repeated(trained, splits):
    model, result, workdir = trained
    tasks = []
    repeated = SO3krates(model.config).fit(*splits, workdir, lambda task, *_: tasks.append(task))
    assert dataclasses.asdict(repeated) == dataclasses.asdict(result)
    assert set(tasks) <= {"predict"}


def test_another_trainings_checkpoint_is_refused(trained, settings, splits):
    _, _, workdir = trained
    with pytest.raises(DataError, match="a training with another seed; expected 9, found 0"):
        SO3krates(settings(), seed=9).fit(*splits, workdir)
    with pytest.raises(DataError, match="with another config"):
        SO3krates(settings(lr=0.5)).fit(*splits, workdir)


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_the_training(settings, splits, tmp_path):
    with pytest.raises(TeaError, match=r"the loss is not a number before step .* lower lr"):
        SO3krates(settings(lr=1e30)).fit(*splits, tmp_path)
    assert not (tmp_path / "model.npz").exists()


def test_after_a_loss_that_is_no_number_the_best_weights_are_taken_up(settings, splits):
    """With a new optimiser, whose schedule goes on."""
    import jax

    from baselines.so3krates.training import Training
    from teadata.typing import no_progress

    config = settings()
    with backend.session(config, "cpu"):
        training = Training(config, 0, *splits)
        training.compile()
        training.interval_entry(no_progress)
        broken = jax.tree.map(lambda w: w * np.nan, training.state.weights)
        training.state = training.state._replace(weights=broken)
        training.interval_entry(no_progress)
        for found, expected in zip(
            jax.tree.leaves(training.state.weights), jax.tree.leaves(training.kept), strict=True
        ):
            np.testing.assert_array_equal(found, expected)
        counts = [int(part.count) for part in training.state.optimiser]
        assert counts == [0, 8]
        training.interval_entry(no_progress)
    assert np.isfinite(training.curve[-1]["valid_loss"])
    assert training.best["step"] in (4, 12)


def test_fewer_frames_than_a_batch_are_refused(settings, small, tmp_path):
    with pytest.raises(DataError, match="1 training frames, expected at least 2"):
        SO3krates(settings()).fit(small[:1], small, tmp_path)


@pytest.mark.parametrize("name", ["energies", "forces", "positions"])
def test_labels_that_are_not_finite_are_refused(name, small, settings, tmp_path):
    values = {
        k: np.array(getattr(small, k)) for k in ("numbers", "positions", "energies", "forces")
    }
    values[name][2] = np.nan
    with pytest.raises(DataError, match=f"{name} of 1 of .* training frames are not finite"):
        SO3krates(settings()).fit(Frames(**values), small, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "size", "batch", "residual"),
    [
        ("paper-i", 1000, 1, False),
        ("paper-ii", 400, 10, True),
        ("paper-iii", 200, 10, True),
        ("paper-iv", 200, 2, False),
    ],
)
def test_published_settings(name, size, batch, residual):
    """SI, section 1.2."""
    found = configs.read(SO3kratesConfig, "so3krates", name)
    assert found == SO3kratesConfig(
        size=size, batch_size=batch, residual_mlp_1=residual, residual_mlp_2=residual,
        features=128, layers=3, degrees=(1, 2, 3, 4), energy_weight=1.0, forces_weight=1000.0,
        lr=1e-3, lr_decay=0.7, lr_decay_steps=100_000, steps=1_000_000, eval_every=2000,
    )  # fmt: skip
    assert (found.allow_tf32, found.ema_decay, found.dtype) == (False, None, "float32")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"feature": 3}, "unknown key 'feature', did you mean 'features'"),
        ({"degrees": [1, 2, 3]}, r"features is 8, expected a multiple of 3 \(degrees\)"),
        ({"degrees": [2, 1]}, "expected rising ones"),
        ({"degrees": [5]}, "degrees.0: Input should be less than or equal to 4"),
        ({"shift_by": "atomic_number"}, "shifts: expected with shift_by atomic_number"),
        ({"energy_weight": 0, "forces_weight": 0}, "nothing is fitted"),
    ],
)
def test_a_wrong_setting_is_named(changed, message, settings):
    values = settings().model_dump(mode="json") | changed
    with pytest.raises(DataError, match=message):
        configs.parse(SO3kratesConfig, values, "my.yaml")


@pytest.mark.parametrize("shift_by", ["mean", "lse", "atomic_number"])
def test_energies_of_the_elements(shift_by, settings, small):
    from baselines.so3krates.data import element_energies
    from baselines.toolkit.composition import composition_energy

    shifts = {1: -10.0, 6: -100.0, 7: -200.0, 8: -300.0} if shift_by == "atomic_number" else None
    elements, energies = element_energies(settings(shift_by=shift_by, shifts=shifts), small)
    offset = composition_energy(small, elements, energies, "SO3krates")
    if shifts is None:
        assert offset == pytest.approx(small.energies.mean(), rel=1e-12)
    else:
        assert offset == sum(shifts[z] for z in small.numbers.tolist())
    if shift_by == "mean":
        assert np.ptp(energies) == 0
