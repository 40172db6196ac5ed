"""Survival of replicas: published worked examples, and what a comparison of models says."""

from __future__ import annotations

import numpy as np
import pytest

from teadata.errors import DataError, UsageError
from teaeval.md import survival

# Remission in weeks under 6-mercaptopurine and placebo: Freireich et al., Blood 21, 699 (1963).
MERCAPTOPURINE = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
ENDED = [True] * 9 + [False] * 12

# Kaplan-Meier estimate with Greenwood's error and log-log limits, as textbooks print them
# (Kleinbaum and Klein, Survival Analysis, ch. 2; the limits are those of Stata's `sts list`).
TABLE = """
 6 21 3 .8571 .0764 .6197 .9516
 7 17 1 .8067 .0869 .5631 .9228
10 15 1 .7529 .0963 .5032 .8894
13 12 1 .6902 .1068 .4316 .8491
16 11 1 .6275 .1141 .3675 .8049
22  7 1 .5378 .1282 .2678 .7468
23  6 1 .4482 .1346 .1881 .6801
"""


def test_a_textbook_curve():
    found = survival.kaplan_meier(MERCAPTOPURINE, ENDED)
    expected = np.array([line.split() for line in TABLE.split("\n") if line], dtype=float).T
    np.testing.assert_array_equal(found.times, expected[0])
    np.testing.assert_array_equal(found.at_risk, expected[1])
    np.testing.assert_array_equal(found.events, expected[2])
    values = (found.share, found.error, found.low, found.high)
    for value, column in zip(values, expected[3:], strict=True):
        np.testing.assert_allclose(value, column, atol=6e-5)
    assert found.median == 23
    assert found.at(8)[0] == pytest.approx(0.8067, abs=1e-4)
    assert found.at(3)[0] == 1
    with pytest.raises(UsageError, match="survival at 36 ps; expected 0 to 35 ps"):
        found.at(36)


def test_a_textbook_log_rank():
    groups = [(MERCAPTOPURINE, ENDED), (PLACEBO, [True] * 21)]
    found = survival.log_rank(groups)
    assert found.statistic == pytest.approx(16.79, abs=0.005)
    assert found.observed == (9, 21)
    assert found.expected == pytest.approx((19.25, 10.75), abs=0.005)
    assert (found.exact, found.p) == (False, 1e-4)  # χ² says 4e-5; 9999 regroupings see 1e-4


def test_where_all_last_or_none_does():
    none = survival.kaplan_meier([50.0] * 8, [False] * 8)
    assert (len(none.times), none.median) == (0, None)
    # 8 of 8: Clopper and Pearson's 95 % interval
    assert none.at(50) == (1, pytest.approx(0.6306, abs=1e-4), 1)
    half = survival.kaplan_meier([10.0] * 4 + [50.0] * 4, [False] * 8)
    assert half.at(10)[1] == pytest.approx(0.6306, abs=1e-4)
    assert half.at(50)[1] == pytest.approx(0.3976, abs=1e-4)  # 4 of 4
    every = survival.kaplan_meier([1.0, 2, 3], [True] * 3)
    assert every.at(3)[:2] == (0, 0)
    assert every.at(3)[2] == pytest.approx(0.7076, abs=1e-4)  # none of 3
    assert every.median == 2


def test_few_replicas_are_regrouped_in_all_ways():
    good, bad = ([10.0] * 4, [False] * 4), ([1.0, 2, 3, 4], [True] * 4)
    found = survival.log_rank([good, bad])
    assert (found.exact, found.regroupings) == (True, 70)
    assert found.p == pytest.approx(2 / 70)  # one of two ways round
    assert survival.log_rank([good, good]).p == 1
    assert survival.log_rank([bad, bad]).p == 1  # no two groups are more alike
    three = survival.log_rank([good, bad, good])  # in 34 650 ways
    assert (three.exact, three.regroupings) == (False, survival.DRAWN)
    # what happened after the shorter runs had ended says nothing of the difference
    late = ([5.0, 6, 7, 8], [True] * 4)
    assert survival.log_rank([good, late], until=4.0).statistic == 0


def test_as_often_significant_as_chance_makes_it():
    rng = np.random.default_rng(1)
    p = []
    for _ in range(200):
        times = rng.exponential(10, (2, 5))
        groups = [(np.minimum(row, 12), row < 12) for row in times]
        p.append(survival.log_rank(groups).p)
    assert np.mean(np.array(p) <= 0.1) <= 0.16
    assert 0.4 < np.mean(p) < 0.75


def test_bad_input_is_named():
    with pytest.raises(DataError, match="one of each for every replica"):
        survival.kaplan_meier([1.0, 2.0], [True])
    with pytest.raises(DataError, match="negative or not finite"):
        survival.kaplan_meier([np.nan], [True])
    with pytest.raises(UsageError, match="1 group"):
        survival.log_rank([([1.0], [True])])
