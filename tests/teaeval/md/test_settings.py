"""Settings of a simulation: what fits together, and units."""

from __future__ import annotations

import pytest
from ase import units as ase_units
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from teaeval import md
from teaeval.md.settings import ASE_TIME_FS


def test_wrong_settings():
    with pytest.raises(ValidationError, match="not a multiple of interval"):
        md.Settings(checkpoint=150)
    with pytest.raises(ValidationError, match="longer than the run"):
        md.Settings(steps=10)
    with pytest.raises(ValidationError, match="not below broken"):
        md.Settings(formed=1.6)


@given(st.floats(1e-6, 10), st.sampled_from(["1/fs", "1/ps", "1/ase"]))
def test_units_of_friction(friction, unit):
    found = md.Settings(friction=friction, friction_unit=unit).friction_per_fs
    expected = {"1/fs": 1.0, "1/ps": 1e-3, "1/ase": ase_units.fs}[unit]
    assert found == pytest.approx(friction * expected, rel=1e-9)
    assert pytest.approx(1 / ase_units.fs, rel=1e-9) == ASE_TIME_FS
