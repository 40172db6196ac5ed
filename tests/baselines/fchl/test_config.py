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


def test_what_the_kernels_of_qml_lightning_cannot_do_is_refused(settings):
    fits = {"backend": "qml-lightning", "dtype": "float32", "nstacks": 4}
    assert settings(**fits).backend == "qml-lightning"
    for change, message in (
        ({"dtype": "float64"}, "expected dtype float32"),
        ({"acut": 5.0}, "expected rcut and acut to be the same, found 6 and 5"),
        ({"nstacks": 3}, "expected nstacks to be a power of two"),
    ):
        with pytest.raises(ValueError, match=message):
            settings(**(fits | change))


def test_the_settings_of_earlier_trainings_are_equal_to_todays(settings):
    """Plans and records hold them as they were written, before there were two backends."""
    config = settings()
    written = config.model_dump(mode="json")
    assert "backend" not in written
    assert FCHLConfig.model_validate(written) == config
    other = settings(backend="qml-lightning", dtype="float32")
    assert FCHLConfig.model_validate(other.model_dump(mode="json")) == other


def test_dimensions_that_are_no_power_of_two_are_refused(settings):
    with pytest.raises(ValueError, match="npcas is 100, expected a power of two"):
        settings(npcas=100)
