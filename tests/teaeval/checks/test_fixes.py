"""What was found is fixed on request, and said."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from teadata.errors import UsageError
from teadata.units import EV
from teaeval import check
from teaeval.checks import fixes


def test_fixes_mend_what_was_found_and_say_so(swapped, noisy, mini_i):
    wrong = dataclasses.replace(
        noisy, energies=noisy.energies / EV, forces=-swapped(noisy.forces, 3, 20) / EV
    )
    found = check(wrong, mini_i)[1]
    fixed, notes = fixes.apply(wrong, found, ["units", "sign", "atoms"])
    assert check(fixed, mini_i)[1] == []
    np.testing.assert_allclose(fixed.energies, noisy.energies, rtol=1e-12)
    np.testing.assert_allclose(fixed.forces, noisy.forces, rtol=1e-12)
    assert notes == [
        "fixed: forces of 2 of 42 atoms reordered",
        "fixed: sign of the forces flipped",
        "fixed: energy taken as eV, declared kcal/mol",
        "fixed: forces taken as eV/Å, declared kcal/mol/Å",
    ]


def test_only_what_is_wanted_is_mended(noisy, mini_i):
    wrong = dataclasses.replace(noisy, energies=noisy.energies / EV, forces=-noisy.forces)
    found = check(wrong, mini_i)[1]
    fixed, notes = fixes.apply(wrong, found, ["sign"])
    assert [item.code for item in check(fixed, mini_i)[1]] == ["unit-of-energy"]
    assert len(notes) == 1
    assert fixes.apply(wrong, found, [])[0] is wrong


def test_units_that_cannot_be_told_apart_are_not_fixed(noisy, mini_i):
    """meV/Å and kJ/mol/nm differ by 4 %."""
    wrong = dataclasses.replace(noisy, forces=noisy.forces / (EV / 1000))
    found = check(wrong, mini_i)[1]
    assert "meV/Å or kJ/mol/nm" in found[0].found
    with pytest.raises(UsageError, match="may be meV/Å, kJ/mol/nm"):
        fixes.apply(wrong, found, ["units"])
    with pytest.raises(UsageError, match="unknown fix 'unit'"):
        fixes.apply(wrong, found, ["unit"])
    with pytest.raises(UsageError, match="permutation of 42 atoms"):
        fixes.fix_atoms(wrong, [0] * 42)
