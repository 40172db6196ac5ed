"""Yukawa: its parameters are found again, and it repels."""

from __future__ import annotations

import numpy as np
import pytest

from baselines import config
from baselines.parametric import Yukawa, YukawaConfig
from baselines.parametric.yukawa import YukawaParameters
from baselines.toolkit.labels import validation_errors
from teadata import Frames
from teadata.errors import DataError


@pytest.fixture(scope="module")
def settings(case):
    return case("yukawa").config


@pytest.fixture(scope="module")
def yukawa(settings, tmp_path_factory):
    """A model with parameters of one's own, read from a file of them."""
    path = tmp_path_factory.mktemp("yukawa") / "model.json"

    def make(kappa: float = 1.5, amplitude: float = 40.0) -> Yukawa:
        parameters = YukawaParameters(
            format=Yukawa.layout, element=1, energy_per_atom=-300.0, kappa=kappa,
            amplitude=amplitude, cutoff=4.0, switch=1.0,
        )  # fmt: skip
        path.write_text(parameters.model_dump_json())
        return Yukawa.load(path, settings)

    return make


def labelled(frames: Frames, model) -> Frames:
    """Frames with a model's own predictions for labels."""
    predicted = model.predict(frames)
    return Frames(
        numbers=frames.numbers, positions=frames.positions, energies=predicted.energies,
        forces=predicted.forces, cell=frames.cell, pbc=frames.pbc, stress=predicted.stress,
    )  # fmt: skip


def test_a_molecule_has_the_energy_of_its_pair_and_no_stress(yukawa, molecule):
    predicted = yukawa().predict(molecule)
    assert predicted.stress is None
    np.testing.assert_allclose(predicted.forces[0, 0], -predicted.forces[0, 1])
    pair = predicted.energies[0] + 600.0
    assert pair == pytest.approx(40.0 * np.exp(-1.5 * 0.74) / 0.74)


def test_a_yukawa_potential_is_recovered_from_its_own_labels(yukawa, settings, frames, tmp_path):
    train, valid = (labelled(each, yukawa()) for each in frames)
    model = Yukawa(settings)
    result = model.fit(train, valid, tmp_path)
    assert model.trained().kappa == pytest.approx(1.5, rel=1e-3)
    assert model.trained().amplitude == pytest.approx(40.0, rel=3e-3)
    assert model.trained().energy_per_atom == pytest.approx(-300.0, rel=1e-4)
    assert result.valid["force_mae"] < 1e-2
    assert (tmp_path / "train.log").read_text().count("\n") == len(result.curve) > settings.grid


def test_what_yukawa_finds_is_the_least_loss(settings, frames, tmp_path):
    """On the real labels: no κ that was tried is better, and the file is the model."""
    model = Yukawa(settings)
    result = model.fit(*frames, tmp_path)
    assert result.selected["loss"] == min(step["loss"] for step in result.curve)
    assert result.selected["amplitude"] > 0
    again = Yukawa.load(tmp_path / "model.json", settings)
    assert validation_errors(again.predict(frames[1]), frames[1]) == result.valid


def test_yukawa_refuses_what_attracts(yukawa, settings, frames, tmp_path):
    train = labelled(frames[0], yukawa(amplitude=-40.0))
    with pytest.raises(DataError, match="a Yukawa potential repels"):
        Yukawa(settings).fit(train, train, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_impossible_settings_are_refused(settings):
    with pytest.raises(DataError, match=r"switch 5 Å is more than the cutoff 4 Å"):
        config.parse(YukawaConfig, settings.model_dump() | {"switch": 5.0}, "mine.yaml")
    with pytest.raises(DataError, match="expected a rising pair"):
        config.parse(YukawaConfig, settings.model_dump() | {"kappa": (2.0, 1.0)}, "mine.yaml")
