"""Predictions written into what was exported: whose unit is it that the file states?"""

from __future__ import annotations

import ase.io
import h5py
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

import teadata
import teaeval
from teadata import formats, units
from teaeval.predictions.findings import PredictionError

EV = units.EV
FACTORS = {"eV": EV, "kcal/mol": 1.0}


@pytest.fixture(scope="module")
def test_set():
    return teadata.load("mini-hydrogen").split("complete/test")


@pytest.fixture(scope="module")
def right(test_set):
    """Energies and forces of a model, in kcal/mol."""
    rng = np.random.default_rng(0)
    energies = test_set.energies + rng.normal(size=len(test_set))
    return energies, test_set.forces + rng.normal(size=test_set.forces.shape)


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """The test set as users export it, for ASE and without a thought of units."""
    folder = tmp_path_factory.mktemp("exported")
    what = ("teadata", "export", "mini-hydrogen", "--split", "complete/test", "-o")
    made = {"eV": (folder / "ev.xyz", "--for", "ase"), "kcal/mol": (folder / "kcal.xyz",)}
    for unit, arguments in made.items():
        done = run(*what, *arguments)
        assert done.returncode == 0, done.stderr
        assert ("take every extended XYZ for eV and Å" in done.stderr) == (unit != "eV")
    return {unit: arguments[0] for unit, arguments in made.items()}


def predicted(source, target, energies, forces) -> None:
    """What a user does: read with ASE, calculate, write with ASE."""
    images = ase.io.read(source, ":")
    for i, atoms in enumerate(images):
        atoms.calc = SinglePointCalculator(atoms, energy=energies[i], forces=forces[i])
        atoms.get_potential_energy()
    ase.io.write(target, images)


@pytest.mark.parametrize("suffix", ["xyz", "traj"])
@pytest.mark.parametrize("calculated", ["eV", "kcal/mol"])
@pytest.mark.parametrize("stated", ["eV", "kcal/mol"])
def test_no_combination_gives_a_wrong_number_in_silence(
    exported, right, tmp_path, suffix, stated, calculated
):
    path = tmp_path / f"mine.{suffix}"
    predicted(exported[stated], path, *(values / FACTORS[calculated] for values in right))
    said = teaeval.read_prediction(path, energy_unit=calculated)
    np.testing.assert_allclose(said.energies, right[0], rtol=1e-9)
    np.testing.assert_allclose(said.forces, right[1], atol=1e-6)
    restated = [finding.code for finding in said.findings]
    assert restated == ([] if stated == calculated else ["restated-energy_unit"])
    score = teaeval.score(said, replicates=0)
    assert score.row("E").mae == pytest.approx(0.8, abs=0.3)
    assert score.warnings[: len(restated)] == [str(finding) for finding in said.findings]

    other = next(unit for unit in FACTORS if unit != calculated)
    with pytest.raises(PredictionError, match="unit-of-energy"):  # and the wrong word is no way out
        teaeval.score(teaeval.read_prediction(path, energy_unit=other), replicates=0)

    if stated == "kcal/mol":  # without a word: ASE gives eV, the file says kcal/mol
        message = r"undeclared-energy_unit.*states kcal/mol since it was exported(.|\n)*eV and eV/Å"
        with pytest.raises(PredictionError, match=message):
            teaeval.read_prediction(path)
        return
    silent = teaeval.read_prediction(path)  # taken for what ASE gives, and said
    assert [finding.code for finding in silent.findings] == ["unit-as-exported"]
    np.testing.assert_allclose(silent.energies, right[0] * EV / FACTORS[calculated], rtol=1e-9)


def test_the_whole_journey_on_the_command_line(exported, right, run, tmp_path):
    path = tmp_path / "mine.xyz"
    predicted(exported["eV"], path, *(values / EV for values in right))
    done = run("teaeval", "score", path, "--bootstrap", "0")  # dataset and subset are in it
    assert done.returncode == 0, done.stderr
    assert "unit-as-exported" in done.stdout
    predicted(exported["kcal/mol"], path, *(values / EV for values in right))
    done = run("teaeval", "score", path, "--bootstrap", "0")
    assert done.returncode == 1
    assert "teaeval score" in done.stderr  # with the option that is missing, to be copied
    assert "--energy-unit eV" in done.stderr
    done = run("teaeval", "score", path, "--bootstrap", "0", "--energy-unit", "eV")
    assert done.returncode == 0, done.stderr
    assert "restated-energy_unit" in done.stdout
    done = run("teaeval", "compare", path, exported["kcal/mol"], "--energy-unit", "eV", "--json")
    assert done.returncode == 0, done.stderr  # the untouched one is in what it states


def test_a_file_that_is_declared_says_what_was_taken_for_what(exported, right, run, tmp_path):
    predicted(exported["eV"], tmp_path / "mine.xyz", *right)  # in kcal/mol, and nobody says so
    done = run("teaeval", "declare", tmp_path / "mine.xyz", "-o", tmp_path / "mine.npz")
    assert done.returncode == 0, done.stderr
    assert "warning: [unit-as-exported]" in done.stderr


def test_what_is_as_it_was_exported_is_in_what_it_states(exported, test_set):
    for path in exported.values():
        prediction = teaeval.read_prediction(path)
        assert prediction.findings == ()
        np.testing.assert_allclose(prediction.energies, test_set.energies, rtol=1e-14)
        with pytest.raises(PredictionError, match="contradicting-energy_unit"):
            teaeval.read_prediction(path, energy_unit="Hartree")


def test_labels_that_nobody_replaced_are_said_to_be_the_reference(exported, tmp_path):
    images = ase.io.read(exported["eV"], ":")
    for atoms in images:  # under names of one's own, which nobody asks for
        atoms.info["my_energy"] = 0.5
        atoms.arrays["my_forces"] = np.zeros((len(atoms), 3))
    ase.io.write(tmp_path / "mine.xyz", images)
    score = teaeval.score(teaeval.read_prediction(tmp_path / "mine.xyz"), replicates=0)
    assert "reference-itself" in " ".join(score.warnings)
    own = {"energy_key": "my_energy", "forces_key": "my_forces"}
    prediction = teaeval.read_prediction(tmp_path / "mine.xyz", **own, energy_unit="kcal/mol")
    assert prediction.energies[0] == 0.5


def test_files_that_mace_eval_configs_makes_of_an_export(run, right, tmp_path):
    source, path = tmp_path / "test.xyz", tmp_path / "out.xyz"
    what = ("mini-hydrogen", "--split", "complete/test", "--for", "mace", "-o", source)
    done = run("teadata", "export", *what)
    assert "No isolated atoms are in it" in done.stdout
    images = ase.io.read(source, ":")
    for i, atoms in enumerate(images):  # what mace.cli.eval_configs does with each
        atoms.calc = None
        atoms.info["MACE_energy"] = right[0][i] / EV
        atoms.arrays["MACE_forces"] = right[1][i] / EV
    ase.io.write(path, images, format="extxyz")
    prediction = teaeval.read_prediction(path)
    np.testing.assert_allclose(prediction.energies, right[0], rtol=1e-9)
    assert (prediction.dataset, prediction.subset) == ("mini-hydrogen@1.1.0", "complete")


@pytest.mark.parametrize("suffix", ["npz", "h5"])
def test_arrays_that_are_changed_in_place_need_a_unit(test_set, right, tmp_path, suffix):
    path = tmp_path / f"mine.{suffix}"
    said = {"dataset": "mini-hydrogen", "subset": "complete"}
    test_set = teadata.load("mini-i").split("folded/test")[:40] if suffix == "npz" else test_set
    said = {"dataset": "mini-i", "subset": "folded"} if suffix == "npz" else said
    formats.write(path, test_set, texts=said)
    assert teaeval.read_prediction(path).source["energy_unit"] == "kcal/mol"
    energies = test_set.energies / EV
    if suffix == "npz":
        with np.load(path) as file:
            np.savez(path, **dict(file) | {"E": energies})
    else:
        with h5py.File(path, "r+") as file:
            file["energies"][...] = energies
    with pytest.raises(PredictionError, match=r"undeclared-energy_unit(.|\n)*undeclared-length_"):
        teaeval.read_prediction(path)
    prediction = teaeval.read_prediction(path, energy_unit="eV", length_unit="Å")
    np.testing.assert_allclose(prediction.energies, test_set.energies)


def test_a_template_that_ase_fills_states_no_unit_of_energy(run, right, tmp_path):
    blank, path = tmp_path / "blank.xyz", tmp_path / "mine.xyz"
    what = ("template", "mini-hydrogen", "--subset", "complete", "-o", blank)
    assert "--energy-unit" in run("teaeval", *what).stdout
    predicted(blank, path, *(values / EV for values in right))
    with pytest.raises(PredictionError, match="undeclared-energy_unit"):
        teaeval.read_prediction(path)
    prediction = teaeval.read_prediction(path, energy_unit="eV")
    np.testing.assert_allclose(prediction.energies, right[0], rtol=1e-9)
