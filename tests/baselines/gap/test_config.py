"""Lengths that follow from the elements."""

from __future__ import annotations

import pytest

from baselines.gap.config import SoapKernel, soap_kernels
from teadata.errors import DataError


def test_lengths_of_the_universal_soap(settings):
    """By hand: carbon and hydrogen, 1.56 x 0.75 is below 2 Å, 1.56 x 1.4 below 1.2 x 2 Å."""
    assert soap_kernels([6, 1], settings) == (SoapKernel(2.0, 0.25), SoapKernel(2.4, 0.3))
    assert soap_kernels([82], settings) == (SoapKernel(4.5, 0.57), SoapKernel(5.5, 0.68))
    with pytest.raises(DataError, match=r"length scales are known here for H, .* not for Au"):
        soap_kernels([79, 1], settings)
