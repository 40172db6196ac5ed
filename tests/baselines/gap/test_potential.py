"""Model folders, and predictions in several processes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from ase import Atoms

import teadata
from baselines.gap import GAP, potential
from teadata.errors import DataError


def test_several_processes_predict_what_one_does(fluid, monkeypatch):
    model, _, _ = fluid
    many = teadata.load("mini-hydrogen").frames[:14]
    monkeypatch.setattr(potential, "ATOMS_WORTH_A_PROCESS", len(many) * many.n_atoms // 2)
    seen = []
    predicted = model.predict(many, lambda *step: seen.append(step))
    assert seen[-1] == ("predict", 14, 14)
    for row in (0, 6, 7, 13):
        alone = model.predict(many[row])
        assert alone.energies[0] == predicted.energies[row]
        np.testing.assert_array_equal(alone.forces[0], predicted.forces[row])


def test_a_molecule_and_then_the_same_in_a_box_without_periodicity(fluid):
    """QUIP is given the same atoms for both, of which it kept results without a virial."""
    model, _, _ = fluid
    atoms = Atoms("H2", positions=[[0, 0, 0], [0, 0, 1.1]], calculator=model.calculator())
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    atoms.set_cell([10, 10, 10])
    assert atoms.get_potential_energy() == pytest.approx(energy)
    np.testing.assert_allclose(atoms.get_forces(), forces, atol=1e-8)
    # along z, two atoms pull at each other over 1.1 Å
    assert atoms.get_stress()[2] == pytest.approx(forces[0, 2] * 1.1 / 1000)


def test_an_incomplete_model_folder_is_refused(settings, fluid, hydrogen, tmp_path):
    model, _, _ = fluid
    with pytest.raises(DataError, match=r"gap\.xml: not a readable GAP"):
        GAP.load(tmp_path, settings)
    model.save(tmp_path / "saved")
    missing = max((tmp_path / "saved").glob("*sparseX*"))
    missing.unlink()
    with pytest.raises(DataError, match=f"missing: {re.escape(missing.name)}"):
        GAP.load(tmp_path / "saved", settings)
    (tmp_path / "saved" / potential.GAP_FILE).write_text("<GAP_params>")
    with pytest.raises(DataError, match="not a whole GAP"):
        GAP.load(tmp_path / "saved", settings)


def test_a_folder_that_has_gone_is_named(settings, fluid, hydrogen, tmp_path):
    model, _, _ = fluid
    model.save(tmp_path / "saved")
    again = GAP.load(tmp_path / "saved", settings)
    (tmp_path / "saved").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="saved: the files of this GAP are gone"):
        again.predict(hydrogen[1])
