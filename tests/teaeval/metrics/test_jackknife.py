"""Student's t against tables and SciPy, the jackknife of a mean against its textbook formula."""

from __future__ import annotations

import numpy as np
import pytest

from teaeval.metrics.jackknife import Jackknife, student_t


def test_student_t_is_that_of_tables():
    """Abramowitz and Stegun, Handbook of Mathematical Functions (1964), table 26.10."""
    table = {1: 12.706, 2: 4.303, 4: 2.776, 6: 2.447, 10: 2.228, 30: 2.042, 120: 1.980}
    for freedom, t in table.items():
        assert student_t(freedom) == pytest.approx(t, abs=5e-4)
    assert student_t(1e6) == pytest.approx(1.959966, abs=2e-6)


def test_student_t_of_any_degrees_of_freedom():
    from scipy.special import stdtrit

    freedom = np.array([1.0, 1.01, 1.5, 2.0, 2.7, 4.0, 7.3, 20.0, 999.0, 1e6])
    np.testing.assert_allclose(student_t(freedom), stdtrit(freedom, 0.975), rtol=1e-6)


def test_interval_of_a_mean_is_students():
    values = np.random.default_rng(0).normal(size=(3, 7))
    low, high = Jackknife.of_mean(values, np.ones((3, 7))).interval()
    half = student_t(6) * values.std(axis=1, ddof=1) / np.sqrt(7)
    np.testing.assert_allclose(low, values.mean(axis=1) - half, rtol=1e-9)
    np.testing.assert_allclose(high, values.mean(axis=1) + half, rtol=1e-9)


def test_equal_units_leave_no_doubt():
    jackknife = Jackknife.of_mean(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]))
    assert jackknife.positive_interval() == pytest.approx((2, 2))
    assert jackknife.interval() == pytest.approx((2, 2))


def test_a_perfect_model_has_no_error():
    jackknife = Jackknife.of_mean(np.zeros(4), np.ones(4))
    assert jackknife.positive_interval() == (0, 0)


def test_an_interval_stays_positive_and_finite_though_one_unit_has_all_the_error():
    for count in (2, 5, 1000):
        sums = np.eye(count)[0]
        low, high = Jackknife.of_mean(sums, np.ones(count)).positive_interval()
        assert 0 < low < 1 / count < high < np.inf


def test_units_without_values_count_as_no_units():
    sums, counts = np.array([3.0, 0.0, 8.0, 5.0]), np.array([2.0, 0.0, 3.0, 1.0])
    there = counts > 0
    for found, expected in zip(
        Jackknife.of_mean(sums, counts).positive_interval(),
        Jackknife.of_mean(sums[there], counts[there]).positive_interval(),
        strict=True,
    ):
        assert found == pytest.approx(expected, rel=1e-12)


def test_a_single_unit_has_no_interval():
    jackknife = Jackknife.of_mean(np.array([3.0]), np.array([2.0]))
    assert np.isnan(jackknife.interval()).all()
    assert np.isnan(jackknife.positive_interval()).all()
