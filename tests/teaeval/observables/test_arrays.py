"""What the functions of observables cannot take is one error, and never a number."""

from __future__ import annotations

import numpy as np
import pytest

from teadata.errors import DataError, TeaError, UsageError
from teaeval import observables

POSITIONS = np.random.default_rng(0).normal(size=(10, 3, 3))
WATER = [8, 1, 1]
BOX = 9 * np.eye(3)


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda: observables.rdf(POSITIONS, ["O", "H", "H"], BOX), r"symbols\)\.numbers has them"),
        (lambda: observables.rdf(POSITIONS, [200, 1, 1], BOX), "atomic numbers from 1 to 200"),
        (lambda: observables.gyration_radii(POSITIONS, [8.5, 1, 1]), "expected integers"),
        (lambda: observables.temperature(POSITIONS, ["O", "H", "H"]), "masses are no numbers"),
        (lambda: observables.temperature(POSITIONS, [-16, 1, 1]), r"\(3,\) in u, all positive"),
        (lambda: observables.vacf(POSITIONS, [16, np.nan, 1]), r"\(3,\) in u, all positive"),
        (
            lambda: observables.pressure(np.full((10, 3, 3), np.nan), BOX, 3, 300),
            "stress of 10 of 10 frames is not finite",
        ),
        (lambda: observables.density_of_states(0 * POSITIONS, 1.0), "velocities are all zero"),
        (lambda: observables.ramachandran([np.nan, 1], [0, 1]), "from −180 to 180"),
        (lambda: observables.ramachandran([200, 1], [0, 1]), "from −180 to 180"),
        (lambda: observables.wasserstein([1, 2], [2, 1], [3, 2, 1]), "edges of bins do not rise"),
        (lambda: observables.block_mean(["a"] * 10), "values of a series are no numbers"),
        (lambda: observables.adf(POSITIONS, WATER, ("H", "O"), 2.0), "expected three symbols"),
        (lambda: observables.finite_size(300, np.nan, 10), "expected positive numbers"),
        (lambda: observables.distance([[1, 2]], [[2, 1]], pieces=0), "0 and 1 pieces"),
        (lambda: observables.distance([[1, 2]] * 4, [[2, 1]], replicates=0), "0 resamples"),
    ],
)
def test_what_cannot_be_measured(ask, expected):
    with pytest.raises(TeaError, match=expected) as told:
        ask()
    assert isinstance(told.value, DataError | UsageError)


def test_whole_numbers_of_any_kind_are_atomic_numbers():
    expected = observables.gyration_radii(POSITIONS, WATER)
    np.testing.assert_array_equal(observables.gyration_radii(POSITIONS, np.array(WATER, float)),
                                  expected)  # fmt: skip


def test_single_blocks_do_not_say_how_sure_a_distance_is():
    one = observables.distance([[4, 2]], [[2, 4]])
    assert one.value > 0
    assert np.isnan([one.low, one.high, one.floor, one.ceiling]).all()
    several = observables.distance([[4, 2], [3, 3]], [[2, 4], [3, 3]])
    assert several.low <= several.value <= several.high
