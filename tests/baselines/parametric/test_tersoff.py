"""Tersoff: it is ASE's, starts from the published bond, and comes nearer to the labels."""

from __future__ import annotations

import numpy as np
import pytest
from ase.calculators.tersoff import Tersoff as AseTersoff
from ase.calculators.tersoff import TersoffParameters as AseParameters

from baselines import config
from baselines.parametric import Tersoff, TersoffConfig
from baselines.parametric.tersoff import START, TersoffParameters, form_of, vector_of
from baselines.toolkit.labels import validation_errors
from teadata.errors import DataError
from teadata.units import EV

FORM = form_of(vector_of((5.0, 0.75, 1.5, 2.0, 8.0, 1.2, 0.6, 0.9, 0.1, 2.0)), 1.1, 1.7)


@pytest.fixture(scope="module")
def settings(case):
    return case("tersoff").config


@pytest.fixture(scope="module")
def tersoff(settings, tmp_path_factory):
    """A model with parameters of one's own, read from a file of them."""
    path = tmp_path_factory.mktemp("tersoff") / "model.json"
    parameters = TersoffParameters(
        format=Tersoff.layout, element=1, energy_per_atom=-250.0, form=FORM
    )
    path.write_text(parameters.model_dump_json())
    return Tersoff.load(path, settings)


def test_a_molecule_has_no_stress(tersoff, molecule):
    predicted = tersoff.predict(molecule)
    assert predicted.stress is None
    np.testing.assert_allclose(predicted.forces[0, 0], -predicted.forces[0, 1])


def test_tersoff_is_that_of_ase(tersoff, frames):
    names = {"lambda2": "mu", "lambda1": "lambda"}
    own = {name: FORM[names.get(name, name)] for name in
           ("A", "B", "lambda1", "lambda2", "lambda3", "beta", "n", "c", "d", "h")}  # fmt: skip
    peer = AseTersoff({("H", "H", "H"): AseParameters(m=1, gamma=1, R=1.4, D=0.3, **own)})
    frame = frames[0][2:3]
    predicted = tersoff.predict(frame)
    (atoms,) = frame.to_ase()
    atoms.calc = peer
    whole = atoms.get_potential_energy() * EV - 250.0 * len(atoms)
    assert predicted.energies[0] == pytest.approx(whole, rel=1e-12)
    np.testing.assert_allclose(predicted.forces[0], atoms.get_forces() * EV, atol=1e-9)
    np.testing.assert_allclose(predicted.stress[0], atoms.get_stress(voigt=False) * EV, atol=1e-9)


def test_the_start_is_the_published_bond():
    """A lone pair at the minimum has the depth it is said to have."""
    form = form_of(vector_of(START), 1.1, 1.7)
    r = np.linspace(0.6, 1.0, 4001)
    bond = form["A"] * np.exp(-form["lambda"] * r) - form["B"] * np.exp(-form["mu"] * r)
    assert bond.min() == pytest.approx(-4.7509, rel=1e-6)
    assert r[bond.argmin()] == pytest.approx(0.74144, abs=2e-4)


def test_tersoff_comes_nearer_to_the_labels(small_model, case, settings, tmp_path):
    model, result, *_ = small_model("tersoff")
    unfitted = model.trained().model_copy(
        update={"form": form_of(vector_of(START), settings.inner, settings.outer)}
    )
    (tmp_path / "start.json").write_text(unfitted.model_dump_json())
    start = Tersoff.load(tmp_path / "start.json", settings)
    train = case("tersoff").train
    before, after = (validation_errors(each.predict(train), train) for each in (start, model))
    assert after["force_rmse"] < 0.8 * before["force_rmse"]
    first, second = result.curve
    assert first["length"] != second["length"]
    assert result.selected["start"] == min(result.curve, key=lambda r: r["valid_loss"])["start"]


def test_impossible_settings_are_refused(settings):
    with pytest.raises(DataError, match=r"inner 2 Å is not below outer 1\.7 Å"):
        config.parse(TersoffConfig, settings.model_dump() | {"inner": 2.0}, "mine.yaml")
