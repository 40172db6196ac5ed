"""Bootstrap samples of units: the same for one seed, whatever the batches."""

from __future__ import annotations

import numpy as np
import pytest

from teaeval import resampling
from teaeval.resampling import Resampling, interval


def drawn(units: np.ndarray, replicates: int, seed: int) -> np.ndarray:
    return np.concatenate(list(Resampling(units, "frame", replicates, seed).draws()))


def test_a_sample_has_as_many_units_as_there_are():
    samples = drawn(np.arange(7), 500, 0)
    assert samples.shape == (500, 7)
    assert (samples.sum(axis=1) == 7).all()
    np.testing.assert_allclose(samples.mean(axis=0), 1, atol=0.2)


def test_one_seed_draws_the_same_and_another_does_not():
    np.testing.assert_array_equal(drawn(np.arange(7), 20, 3), drawn(np.arange(7), 20, 3))
    assert (drawn(np.arange(7), 20, 3) != drawn(np.arange(7), 20, 4)).any()


def test_a_sample_is_what_numpys_default_generator_draws():
    samples = drawn(np.arange(50), 4, 9)
    for row, times in enumerate(samples):
        units = np.random.default_rng([9, row]).integers(50, size=50)
        np.testing.assert_array_equal(times, np.bincount(units, minlength=50))


def test_batches_change_nothing(monkeypatch):
    whole = drawn(np.arange(20), 50, 0)
    monkeypatch.setattr(resampling, "BATCH", 60)
    parts = list(Resampling(np.arange(20), "frame", 50, 0).draws())
    assert len(parts) == 17
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_totals_and_largest_of_units():
    draws = Resampling(np.array([0, 1, 0, 2]), "trajectory", 1, 0)
    np.testing.assert_array_equal(draws.totals(np.array([1.0, 2, 3, 4])), [4, 2, 4])
    np.testing.assert_array_equal(draws.highest(np.array([1.0, 2, 3, 4])), [3, 2, 4])


def test_interval_holds_the_central_share():
    assert interval(np.arange(1001.0)) == pytest.approx((25, 975))


def test_samples_are_shared_and_cannot_be_written_into():
    (samples,) = Resampling(np.arange(7), "frame", 20, 3).draws()
    with pytest.raises(ValueError, match="read-only"):
        samples[0] = 0
