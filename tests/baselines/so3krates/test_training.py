"""The loop: what it optimises, that it compiles once, and that it goes on where it was."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.so3krates import SO3kratesConfig
from baselines.so3krates import session as backend
from teadata.units import EV


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

    from baselines.so3krates.pairs import joined
    from baselines.so3krates.potential import evaluate
    from baselines.so3krates.training import Training, loss_function

    config = settings(allow_tf32=allowed, layers=2, residual_mlp_1=True, steps=4)
    precision = jax.lax.Precision.DEFAULT if allowed else jax.lax.Precision.HIGHEST
    with backend.session(config, "cpu"):
        training = Training(config, 0, *splits)
        weights, definition, numbers = (
            training.state.weights, training.definition, training.numbers,
        )  # fmt: skip
        chosen = jnp.zeros(2, jnp.int32)
        batch = training.train.frames.batch(chosen, training.train.buckets[-1])
    with jax.default_matmul_precision("bfloat16"):
        found = products(
            jax.grad(lambda w: loss_function(config, definition, numbers, w, batch)[0]), weights
        )
        found += products(
            lambda w: evaluate(
                definition, w, jnp.tile(numbers, 2), joined(batch.listed, len(numbers)), 2
            ),
            weights,
        )
    assert len(found) > 60
    assert {p if isinstance(p, tuple) else (p, p) for p in found} == {(precision, precision)}


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


def test_a_training_learns_and_keeps_its_best(trained, splits):
    _, result, _ = trained
    assert [entry["step"] for entry in result.curve] == [4, 8, 12, 16]
    best = min(result.curve, key=lambda entry: entry["valid_loss"])
    assert result.selected == {"step": best["step"], "steps": 16}
    for key, value in result.valid.items():
        assert value == pytest.approx(best[key], rel=1e-4)
    assert result.curve[-1]["train_loss"] < result.curve[0]["train_loss"]


def test_nothing_is_compiled_in_the_loop(compilations, settings, splits):
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
