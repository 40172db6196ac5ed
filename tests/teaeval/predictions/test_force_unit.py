"""Predictions whose forces are not in energy unit per length unit, as hartree/bohr beside Å."""

from __future__ import annotations

import dataclasses
import json
import shlex

import numpy as np
import pytest

import teaeval
from teadata import units
from teadata.errors import UsageError
from teaeval import PredictionError
from teaeval.predictions import sidecar

MIXED = units.UnitSystem("Hartree", "Å", "Hartree/Bohr")
SAID = {"energy_unit": "hartree", "length_unit": "Å", "force_unit": "hartree/bohr"}
TEST_SET = {"dataset": "mini-i", "subset": "folded"}


@pytest.fixture
def own(noisy, tmp_path):
    """A function that writes a prediction in Å, hartree and hartree/bohr, and what it states."""

    def write(name="own.npz", **stated):
        path = tmp_path / name
        np.savez(
            path,
            energy=noisy.energies / MIXED.factors["energies"],
            forces=noisy.forces / MIXED.factors["forces"],
            frame_id=noisy.frame_ids,
            **stated,
        )
        return path

    return write


def options(said):
    """Declarations as words of a command."""
    return [part for name, value in said.items() for part in ("--" + name.replace("_", "-"), value)]


def values(score):
    return [number for row in score.rows for number in (row.mae, row.rmse, row.max)]


def test_its_score_is_that_of_the_file_in_kcal_per_mol(own, noisy):
    expected = teaeval.score(noisy, replicates=0)
    for score in (
        teaeval.score(teaeval.read_prediction(own(), **TEST_SET, **SAID), replicates=0),
        teaeval.score(teaeval.read_prediction(own(**TEST_SET, **SAID)), replicates=0),
    ):
        np.testing.assert_allclose(values(score), values(expected), rtol=1e-9)
        assert score.prediction.force_unit == "Hartree/Bohr"
        assert type(score).model_validate_json(score.model_dump_json()) == score
    assert "force_unit" not in expected.model_dump_json()


def test_the_error_without_it_ends_with_a_command_that_goes_on(own, run, tmp_path):
    said = {name: value for name, value in SAID.items() if name != "force_unit"}
    path = own("file of mine.npz")
    failed = run("teaeval", "score", path, *options(TEST_SET | said))
    assert failed.returncode == 1
    assert "declare Hartree/Bohr (--force-unit Hartree/Bohr), or convert" in failed.stderr
    told, command = failed.stderr.splitlines()[-2:]
    assert told == "to go on, if it is true of your file:"
    words = shlex.split(command)
    assert words[-2:] == ["--force-unit", "Hartree/Bohr"]
    done = run(*words, "-o", tmp_path / "s.json", "--bootstrap", "0")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "s.json").read_text())
    assert record["options"]["force_unit"] == record["prediction"]["force_unit"] == "Hartree/Bohr"
    assert record["fixed"] == []
    verified = run("teaeval", "verify", tmp_path / "s.json", "--prediction", path)
    assert verified.returncode == 0, verified.stderr


def test_a_wrong_one_that_was_declared_is_a_fix(own, run):
    said = SAID | {"force_unit": "eV/Å"}
    failed = run("teaeval", "score", own(), *options(TEST_SET | said))
    assert "expected forces in eV/Å, as declared" in failed.stderr
    words = shlex.split(failed.stderr.splitlines()[-1])
    assert words[-2:] == ["--fix", "units"]
    done = run(*words, "--bootstrap", "0")
    assert done.returncode == 0, done.stderr
    assert "fixed: forces taken as Hartree/Bohr, declared eV/Å" in done.stdout


def test_an_energy_in_another_unit_has_forces_in_another_unit_too(own):
    with pytest.raises(PredictionError) as caught:
        teaeval.score(own(**TEST_SET, energy_unit="eV", length_unit="Å"), replicates=0)
    assert {finding.code for finding in caught.value.findings} == {
        "unit-of-energy",
        "unit-of-forces",
    }
    assert "--force-unit" not in str(caught.value)


def test_energies_that_were_converted_twice_beside_forces_that_were_not(noisy, mini_i):
    """The forces' unit was declared by itself, and is another wrong one."""
    source = {"energy_unit": "kcal/mol", "length_unit": "Å", "force_unit": "eV/Å"}
    changed = dataclasses.replace(
        noisy, energies=noisy.energies * units.EV, forces=noisy.forces * units.EV, source=source
    )
    found = {finding.code: finding for finding in teaeval.check(changed, mini_i)[1]}
    assert found["unit-of-energy"].evidence["unit"] == "kcal/mol taken for eV"
    assert found["unit-of-forces"].evidence["unit"] == "kcal/mol/Å"
    assert found["unit-of-forces"].expected == "forces in eV/Å, as declared"


def test_a_unit_that_is_none_is_one_clear_error(own, run):
    said = SAID | {"force_unit": "hartree"}
    failed = run("teaeval", "check", own(), *options(TEST_SET | said))
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.startswith("error: unknown force unit 'hartree'; expected an energy unit")
    with pytest.raises(PredictionError) as caught:
        teaeval.read_prediction(own(**TEST_SET, **said))
    (finding,) = caught.value.findings
    assert (finding.code, finding.expected) == (
        "unknown-force_unit",
        "an energy unit per length unit, e.g. Hartree/Bohr",
    )


def test_an_option_that_contradicts_the_file_is_an_error(own):
    path = own(**TEST_SET, **SAID)
    assert teaeval.read_prediction(path, force_unit="Eh/a0").source["force_unit"] == "Hartree/Bohr"
    with pytest.raises(PredictionError, match="contradicting-force_unit"):
        teaeval.read_prediction(path, force_unit="eV/Å")


def test_it_is_declared_for_one_file_or_beside_it_and_gone_in_a_new_one(own, run, tmp_path, noisy):
    path, new = own(), tmp_path / "new.npz"
    teaeval.write_prediction(tmp_path / "kcal.npz", noisy)
    mine = f"{path}:energy_unit=Ha,length_unit=Å,force_unit=Ha/Bohr,model=mine"
    compared = run("teaeval", "compare", mine, tmp_path / "kcal.npz", *options(TEST_SET),
                   "--patterns", "10")  # fmt: skip
    assert compared.returncode == 0, compared.stderr
    for output in (new, sidecar.path_of(path)):
        done = run("teaeval", "declare", path, "-o", output, *options(TEST_SET | SAID))
        assert done.returncode == 0, done.stderr
    assert "force_unit: hartree/bohr\n" in sidecar.path_of(path).read_text()
    with np.load(new) as written:
        assert "force_unit" not in written
    for file in (path, new):
        np.testing.assert_allclose(
            teaeval.read_prediction(file).forces[:], noisy.forces, rtol=1e-14
        )


def test_a_reference_may_have_it_too(own, run, mini_i, tmp_path):
    test = mini_i.split("folded/test")
    labels, made = tmp_path / "labels.npz", tmp_path / "s.json"
    np.savez(
        labels,
        E=test.energies / MIXED.factors["energies"],
        F=test.forces / MIXED.factors["forces"],
        R=test.positions,
        z=test.numbers,
        frame_id=test.ids,
    )
    reference = teaeval.read_reference(labels, **SAID)
    np.testing.assert_allclose(reference.systems[0].forces[:], test.forces, rtol=1e-14)
    assert reference.force_unit == "Hartree/Bohr"
    against = ["--reference", labels, "--reference-energy-unit", "Ha",
               "--reference-length-unit", "Å"]  # fmt: skip
    wrong = run("teaeval", "score", own(), *options(SAID), *against)
    assert "make sure of the unit of the reference, --reference-energy-unit or " in wrong.stderr
    done = run("teaeval", "score", own(), *options(SAID), *against,
               "--reference-force-unit", "Ha/Bohr", "-o", made, "--bootstrap", "0")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "in Hartree and Hartree/Bohr; no dataset" in done.stdout
    assert json.loads(made.read_text())["reference"]["force_unit"] == "Hartree/Bohr"
    verified = run("teaeval", "verify", made, "--prediction", own(), "--reference", labels)
    assert verified.returncode == 0, verified.stderr
    needless = run("teaeval", "score", own(), *options(TEST_SET | SAID),
                   "--reference-force-unit", "Ha/Bohr")  # fmt: skip
    assert "--reference-force-unit is about a reference" in needless.stderr


def test_a_submission_may_declare_it():
    from teaeval.board.submission import Submitted

    said = SAID | TEST_SET
    assert Submitted(file="p.npz", **said).declared() == said


def test_a_name_that_is_nearly_it_is_told(own):
    with pytest.raises(UsageError, match="did you mean 'force_unit'"):
        teaeval.read_prediction(own(), **TEST_SET, forces_unit="eV/Å")
