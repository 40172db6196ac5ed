"""Simulations by the labelling engine: what is packed is what was simulated."""

from __future__ import annotations

import json

import numpy as np
import pytest

from teaeval.md import Settings


@pytest.fixture(scope="module")
def labels(recipes):
    pytest.importorskip("tblite")
    return recipes("labels")


@pytest.fixture(scope="module")
def packed(repository):
    files = sorted((repository / "datasets" / "dynamics" / "mini-i").glob("*.npz"))
    assert files
    return {file.stem: dict(np.load(file)) for file in files}


def test_every_replica_is_whole_and_as_hot_as_it_says(packed):
    for name, data in packed.items():
        settings = Settings.model_validate(json.loads(str(data["settings"])))
        assert f"-{settings.temperature:.0f}K-" in name
        assert 0 <= settings.steps * settings.timestep - data["times"][-1] < 48
        assert data["positions"].shape == (len(data["times"]), 42, 3)
        assert np.isfinite(data["positions"]).all()
        assert data["temperatures"].mean() == pytest.approx(settings.temperature, rel=0.05)
        assert data["density_of_states"].shape == (5, len(data["wavenumbers"]))
        areas = np.trapezoid(data["density_of_states"], data["wavenumbers"], axis=1)
        np.testing.assert_allclose(areas, 1.0, rtol=1e-9)


def test_energies_are_the_engines_at_the_packed_positions(packed, labels):
    """To what single precision and the looser convergence of the dynamics leave."""
    engine = labels.Engine("GFN2-xTB")
    for data in packed.values():
        for i in (0, len(data["times"]) // 2, -1):
            label = engine.label(data["numbers"], data["positions"][i].astype(np.float64))
            assert label.energy == pytest.approx(data["energies"][i], abs=0.02)
