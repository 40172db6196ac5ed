"""Defects of values and geometries are planted, and found."""

from __future__ import annotations

import numpy as np
import pytest

from teadata import Frames
from teadata.audit.geometry import check_cell

from .planted import changed, crystal, findings


def test_nan_fails_and_hides_nothing_else(dataset):
    frames = crystal()
    forces, energies = frames.forces.copy(), frames.energies.copy()
    forces[17, 3, 1], energies[18] = np.nan, np.inf
    forces[20, 0] += 5.0
    found = findings(dataset(changed(frames, forces=forces, energies=energies)))
    assert found["finite values"].outcome == "fail"
    assert found["finite values"].evidence["frames"] == [1017, 1018]
    assert found["net force"].evidence["frames"] == [1020]


def test_density_of_diamond():
    fractions = np.array([[0, 0, 0], [0.25, 0.25, 0.25]])
    cell = 3.567 / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    frames = Frames(
        [6, 6], [fractions @ cell], [0.0], np.zeros((1, 2, 3)), cell=[cell], pbc=[True] * 3
    )
    sound, finding = check_cell(frames, periodic=True)
    assert sound.all()
    assert finding.outcome == "pass"
    np.testing.assert_allclose(finding.evidence["density"], 3.515, atol=0.005)
    np.testing.assert_allclose(finding.evidence["angles"], 60)


@pytest.mark.parametrize(
    ("cell", "outcome", "text"),
    [
        (np.diag([5.0, 5.0, 0.0]), "fail", "no volume: frame 1003;"),
        ([[5.0, 0, 0], [4.999, 0.1, 0], [0, 0, 5]], "fail", "no volume"),
        (np.diag([5.0, 5.0, -5.0]), "warning", "left-handed: frame 1003"),
        ([[5.0, 0, 0], [20.0, 5.0, 0], [0, 0, 5]], "warning", "narrow: frame 1003"),
    ],
)
def test_bad_cells(dataset, cell, outcome, text):
    frames = crystal()
    cells = frames.cell.copy()
    cells[3] = cell
    found = findings(dataset(changed(frames, cell=cells)))
    assert found["cell"].outcome == outcome
    assert text in found["cell"].found
    assert "net force" in found  # the other frames are judged all the same


def test_a_cell_that_contradicts_the_card_or_is_not_there(dataset):
    frames = crystal()
    found = findings(dataset(changed(frames, pbc=[False] * 3)))["cell"]
    assert found.outcome == "fail"
    assert "the card says periodic, pbc is [False, False, False]" in found.found
    assert list(findings(dataset(changed(frames, cell=None)))) == ["finite values", "cell"]


def test_a_slab_needs_no_third_vector():
    frames = crystal()
    cells = frames.cell.copy()
    cells[:, 2] = 0
    sound, finding = check_cell(changed(frames, cell=cells, pbc=[True, True, False]), True)
    assert sound.all()
    assert finding.outcome == "pass"
    assert "density" not in finding.evidence


def test_atoms_too_close_across_the_boundary(dataset):
    frames = crystal()
    positions = frames.positions.copy()
    positions[30, 1] = positions[30, 0] + frames.cell[30, 0] + [0, 0, 0.4]
    found = findings(dataset(changed(frames, positions=positions)))["shortest distances"]
    assert found.outcome == "fail"
    assert found.evidence["frames"] == [1030]
    assert found.evidence["pairs"]["Na-Cl"]["shortest"] == pytest.approx(0.4, abs=1e-6)


def test_an_atom_too_close_to_its_own_image(dataset):
    frames = crystal()
    cells = frames.cell.copy()
    cells[4] *= 0.15
    found = findings(dataset(changed(frames, cell=cells)))["shortest distances"]
    assert found.outcome == "fail"
    assert found.evidence["frames"] == [1004]
