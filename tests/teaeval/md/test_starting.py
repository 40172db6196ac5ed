"""What a simulation can start from."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.emt import EMT

from teadata.errors import UsageError
from teadata.units import EV
from teaeval.md.starting import stress_of


class Without:
    """A calculator whose stress is something else than one."""

    def __init__(self, answer):
        self.answer = answer

    def get_stress(self, atoms):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_stress_is_a_tensor_in_the_units_of_the_package():
    crystal = bulk("Cu", cubic=True)
    crystal.calc = EMT()
    expected = crystal.get_stress(voigt=False) * EV
    np.testing.assert_array_equal(stress_of(crystal), expected)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (PropertyNotImplementedError("stress not present"), "stress not present"),
        (KeyError("stress"), "'stress'"),
        (ValueError("no cell"), "no cell"),
        (NotImplementedError(), "NotImplementedError"),
        (np.full(6, np.nan), "it is not finite"),
        (None, "."),
        ("many", "."),
    ],
)
def test_a_calculator_without_stress_is_refused_with_its_reason(answer, reason):
    crystal = bulk("Cu", cubic=True)
    crystal.calc = Without(answer)
    with pytest.raises(UsageError, match=rf"gives no stress of this system \({reason}"):
        stress_of(crystal)
