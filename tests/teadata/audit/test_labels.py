"""Defects of labels are planted, and found."""

from __future__ import annotations

import numpy as np
import pytest

from teadata import SplitTable
from teadata.audit.labels import robust_scores

from .planted import ROLES, changed, crystal, findings, found_wrong, not_passed, store


def test_outliers_are_named(dataset):
    frames = crystal()
    energies, forces = frames.energies.copy(), frames.forces.copy()
    energies[11] += 100
    forces[12, :2] += [[900, 0, 0], [-900, 0, 0]]
    found = findings(dataset(changed(frames, energies=energies, forces=forces)))
    assert found_wrong(found) == {
        "energy outliers": "warning",
        "force outliers": "warning",
    }
    assert found["energy outliers"].evidence["frames"] == [1011]
    assert found["force outliers"].evidence["frames"] == [1012]
    assert "frame 1011" in found["energy outliers"].found


def test_scores_are_standard_deviations():
    values = np.random.default_rng(0).normal(3, 7, 20_000)
    assert robust_scores(values).std() == pytest.approx(1, abs=0.03)
    assert robust_scores(np.array([2.0, 2.0, 2.0, 2.0, 3.0]))[-1] > 1e6


@pytest.mark.parametrize(("size", "outcome"), [(1e-4, "pass"), (0.05, "warning"), (5.0, "fail")])
def test_net_force(dataset, size, outcome):
    frames = crystal()
    forces = frames.forces.copy()
    forces[20, 0, 2] += size
    found = findings(dataset(changed(frames, forces=forces)))["net force"]
    assert found.outcome == outcome
    assert found.evidence["quantiles"]["max"] == pytest.approx(size, rel=1e-3)


def test_net_torque(mini_i, tmp_path):
    frames = mini_i.frames[:90]
    forces = frames.forces.copy()
    forces[8, :2] += [[0, 30.0, 30.0], [0, -30.0, -30.0]]
    table = SplitTable({("complete", role): frames.ids[rows] for role, rows in ROLES.items()})
    found = findings(store(changed(frames, forces=forces), table, mini_i.card, tmp_path))
    assert found["net force"].outcome == "pass"
    assert found["net torque"].outcome == "fail"
    assert found["net torque"].evidence["frames"] == [8]
    assert found["cell"].outcome == "fail"  # the card was made to say periodic


def test_float32_forces_are_within_tolerance(dataset):
    frames = crystal()
    single = (50 * frames.forces).astype(np.float32)
    assert "net force" not in not_passed(dataset(changed(frames, forces=single)))
