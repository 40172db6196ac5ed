import pytest
from hypothesis import given
from hypothesis import strategies as st

from teadata.elements import COVALENT_RADII, MASSES, NUMBERS, SYMBOLS, formula


def test_symbols_are_ases():
    from ase.data import chemical_symbols

    assert list(SYMBOLS) == chemical_symbols
    assert all(SYMBOLS[number] == symbol for symbol, number in NUMBERS.items())


@given(st.lists(st.integers(1, 118), max_size=30))
def test_formula_of_carbon_compounds_is_ases_hill_formula(numbers):
    from ase.formula import Formula

    expected = Formula("".join(SYMBOLS[z] for z in [6, *numbers])).format("hill")
    assert formula([6, *numbers]) == expected


def test_without_carbon_hill_order_is_alphabetic():
    assert formula([1, 35]) == "BrH"
    assert formula([1] * 128) == "H128"


def test_radii_and_masses_are_ases():
    from ase.data import atomic_masses_iupac2016, covalent_radii

    known = range(1, 97)
    assert len(MASSES) == len(SYMBOLS)
    assert [COVALENT_RADII[z] for z in known] == [round(float(covalent_radii[z]), 2) for z in known]
    for z in known:
        assert MASSES[z] == pytest.approx(atomic_masses_iupac2016[z], abs=6e-4)
