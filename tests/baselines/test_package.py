"""What the package says of itself."""

from __future__ import annotations

import doctest

import baselines


def test_the_example_of_the_package_is_right():
    """It lists the models."""
    done = doctest.testmod(baselines)
    assert (done.failed, done.attempted) == (0, 2)
