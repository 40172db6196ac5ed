"""The shipped settings, and settings that cannot be."""

from __future__ import annotations

import pytest

from baselines.config import CONFIGS, names, read
from baselines.fchl import FCHLConfig


def test_shipped_configurations():
    for name in names("fchl"):
        read(FCHLConfig, "fchl", name)
    assert {path.stem for path in (CONFIGS / "fchl").iterdir()} == {
        "quick", "large", "reference", "paper-i", "paper-ii", "paper-iii", "paper-iv",
    }  # fmt: skip


def test_dimensions_that_are_no_power_of_two_are_refused(settings):
    with pytest.raises(ValueError, match="npcas is 100, expected a power of two"):
        settings(npcas=100)
