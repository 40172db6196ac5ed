from ase.data import chemical_symbols
from ase.formula import Formula
from hypothesis import given
from hypothesis import strategies as st

from teadata.elements import NUMBERS, SYMBOLS, formula


def test_symbols_are_ases():
    assert list(SYMBOLS) == chemical_symbols
    assert all(SYMBOLS[number] == symbol for symbol, number in NUMBERS.items())


@given(st.lists(st.integers(1, 118), max_size=30))
def test_formula_of_carbon_compounds_is_ases_hill_formula(numbers):
    expected = Formula("".join(SYMBOLS[z] for z in [6, *numbers])).format("hill")
    assert formula([6, *numbers]) == expected


def test_without_carbon_hill_order_is_alphabetic():
    assert formula([1, 35]) == "BrH"
    assert formula([1] * 128) == "H128"
