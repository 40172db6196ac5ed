"""Lengths that follow from the elements."""

from __future__ import annotations

import pytest

from baselines.config import parse
from baselines.gap.config import GAPConfig, SoapKernel, soap_kernels
from teadata.errors import DataError


def test_lengths_of_the_universal_soap(settings):
    """By hand: carbon and hydrogen, 1.56 x 0.75 is below 2 Å, 1.56 x 1.4 below 1.2 x 2 Å."""
    assert soap_kernels([6, 1], settings) == (SoapKernel(2.0, 0.25), SoapKernel(2.4, 0.3))
    assert soap_kernels([82], settings) == (SoapKernel(4.5, 0.57), SoapKernel(5.5, 0.68))


def test_lengths_of_other_elements_are_given(settings):
    with pytest.raises(
        DataError, match=r"length scales are known here for H, .* not for Au.*show-config gap"
    ):
        soap_kernels([79, 1], settings)
    values = settings.model_dump()
    assert "bond_lengths" not in values
    gold = parse(GAPConfig, values | {"bond_lengths": {"Au": [2.9, 2.6]}}, "mine.yaml")
    assert soap_kernels([79], gold) == (SoapKernel(4.1, 0.51), SoapKernel(4.9, 0.61))
    assert parse(GAPConfig, gold.model_dump(mode="json"), "mine.yaml") == gold


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"Gold": [2.9, 2.6]}, "Gold is no element"),
        ({"Au": [2.6, 2.9]}, "the typical length, then the shortest; found 2.6 and 2.9"),
        ({"Au": [-1, -2]}, "expected a number above 0, found -1"),
        ({"Au": 2.9}, "expected a list"),
    ],
)
def test_wrong_lengths_are_refused(settings, given, said):
    with pytest.raises(DataError, match=said):
        parse(GAPConfig, settings.model_dump() | {"bond_lengths": given}, "mine.yaml")
