"""The option --reference of scores, checks, comparisons, figures and reports."""

from __future__ import annotations

import json
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator

import teadata
from teadata.errors import UsageError
from teaeval import PredictionError
from teaeval.cli import remedies

DECLARED = ["--reference-energy-unit", "kcal/mol", "--reference-length-unit", "Å"]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """A reference that states no units, and two predictions of it in eV."""
    root = tmp_path_factory.mktemp("own")
    frames = teadata.load("mini-i").split("folded/test")[:40]
    rng = np.random.default_rng(0)
    paths = {name: root / f"{name}.npz" for name in ("labels", "one", "two")}
    atoms = {"R": frames.positions, "z": frames.numbers}
    np.savez(paths["labels"], E=frames.energies, F=frames.forces, **atoms)
    for n, name in enumerate(("one", "two"), start=1):
        np.savez(
            paths[name],
            E=(frames.energies + n * rng.normal(size=40)) / teadata.units.EV,
            F=(frames.forces + n * rng.normal(size=frames.forces.shape)) / teadata.units.EV,
            e_unit="eV",
            r_unit="Å",
            model=name,
            **atoms,
        )
    return paths


def test_score_check_compare_verify_and_table(files, tmp_path, invoke):
    against = ["--reference", files["labels"], *DECLARED]
    made = tmp_path / "s.json"
    text = invoke("score", files["one"], *against, "--bootstrap", 20, "-o", made)
    assert "no dataset" in text
    assert "left out:" in text
    assert "trained on" not in text
    assert invoke("check", files["one"], *against).endswith("nothing is wrong\n")
    text = invoke("compare", files["one"], files["two"], *against, "--patterns", 100, "--json")
    assert json.loads(text)["reference"]["file"] == "labels.npz"
    text = invoke("verify", made, "--prediction", files["one"], "--reference", files["labels"])
    assert "all as" in text
    assert "labels.npz" in invoke("table", made)


def test_what_is_not_stated_ends_with_the_command_that_goes_on(files, invoke):
    command = ["score", str(files["one"]), "--reference", str(files["labels"])]
    with pytest.raises(PredictionError) as caught:
        invoke(*command)
    advice = remedies.of_findings(command[1], caught.value.findings, ["teaeval", *command])
    assert "--reference-energy-unit kcal/mol --reference-length-unit Å" in advice


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--dataset", "mini-i"], "leave the other out"),
        (["--subset", "folded"], "without subsets"),
        (["--train", "folded/train/200"], "a split of a dataset"),
    ],
)
def test_what_belongs_to_datasets_is_refused_beside_a_reference(files, more, said, invoke):
    with pytest.raises(UsageError, match=said):
        invoke("score", files["one"], "--reference", files["labels"], *DECLARED, *more)


def test_a_dataset_in_place_of_the_file_is_recognised(files, invoke):
    with pytest.raises(UsageError, match="--dataset mini-i --subset NAME"):
        invoke("score", files["one"], "--reference", "mini-i")


def test_what_is_declared_beside_a_reference_is_taken(files, tmp_path, invoke):
    labels = tmp_path / "labels.npz"
    labels.write_bytes(files["labels"].read_bytes())
    beside = Path(f"{labels}.yaml")
    beside.write_text("energy_unit: kcal/mol\nlength_unit: Å\nmodel: GFN2-xTB\n")
    made = tmp_path / "s.json"
    command = ["score", files["one"], "--reference", labels, "--bootstrap", 0]
    told = invoke(*command[:2], "--reference", files["labels"], *DECLARED, "--bootstrap", 0)
    assert invoke(*command, "-o", made).splitlines()[1:-1] == told.splitlines()[1:-1]
    beside.write_text("energy_unit: eV\nlength_unit: Å\n")
    assert "all as" in invoke("verify", made, "--prediction", files["one"], "--reference", labels)
    with pytest.raises(PredictionError, match="unit-of-energy") as caught:
        invoke(*command)
    # it is not the prediction that is wrong
    assert "first make sure of the unit of the reference" in str(caught.value)
    whole = ["teaeval", *map(str, command)]
    advice = remedies.of_findings(str(files["one"]), caught.value.findings, whole)
    assert advice.startswith("to go on, if the unit of the reference is right:")
    beside.write_text("energy_unti: eV\n")
    with pytest.raises(UsageError, match=r"labels.npz.yaml: .*energy_unit"):
        invoke(*command)


def test_a_slope_that_only_a_wrong_unit_of_the_reference_has_is_said(files, invoke):
    # labels in kcal/mol that are declared as kJ/mol, beside predictions in eV, as they say
    wrong = ["--reference-energy-unit", "kJ/mol", "--reference-length-unit", "Å"]
    text = invoke("score", files["one"], "--reference", files["labels"], *wrong, "--bootstrap", 0)
    assert "[slope-of-forces]" in text
    assert "a slope of 4.1" in text


def test_options_of_a_reference_need_one(files, invoke):
    with pytest.raises(UsageError, match="--reference-energy-key is about a reference"):
        invoke("score", files["one"], "--reference-energy-key", "REF_energy")


def test_figures_and_reports(files, tmp_path, invoke):
    against = ["--reference", files["labels"], *DECLARED]
    for name in ("parity", "atoms"):
        invoke("plot", name, files["one"], *against, "-o", tmp_path / f"{name}.svg")
        assert (tmp_path / f"{name}.svg").exists()
    invoke("report", files["one"], *against, "-o", tmp_path / "r.html", "--bootstrap", 10)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "labels.npz" in page
    assert "Left out: " in page


@pytest.fixture
def mixture(tmp_path) -> tuple[Path, Path]:
    """Labels and predictions of two molecules, as ASE's trajectories."""
    rng = np.random.default_rng(0)
    for name, noise in (("labels.traj", 0.0), ("mine.traj", 0.1)):
        frames = []
        for formula in ("H2O", "CH4") * 6:
            atoms = molecule(formula)
            atoms.positions += 0.05 * np.random.default_rng(len(frames)).normal(
                size=(len(atoms), 3)
            )
            forces = atoms.positions + noise * rng.normal(size=(len(atoms), 3))
            energy = len(atoms) + noise * rng.normal()
            atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
            frames.append(atoms)
        ase.io.write(tmp_path / name, frames)
    return tmp_path / "labels.traj", tmp_path / "mine.traj"


def test_tables_of_several_systems_stay_tables_in_a_narrow_terminal(mixture, invoke, monkeypatch):
    labels, mine = mixture
    monkeypatch.setenv("COLUMNS", "60")
    for command in (["score", mine], ["compare", mine, mine]):
        lines = invoke(*command, "--reference", labels).splitlines()
        assert any(line.startswith("H2O") and " F(O) " in line for line in lines)
        assert any(line.startswith("all") and " F(O) " in line for line in lines)
        assert "system       H2O" not in lines


def test_a_figure_of_one_structure_says_which_systems_there_are(mixture, tmp_path, invoke):
    labels, mine = mixture
    with pytest.raises(UsageError, match="one structure, and the reference has 2 systems"):
        invoke("plot", "worst", mine, "--reference", labels, "-o", tmp_path / "worst.svg")


def test_verify_counts_the_rows_of_every_system(mixture, tmp_path, invoke):
    labels, mine = mixture
    made = tmp_path / "s.json"
    invoke("score", mine, "--reference", labels, "-o", made)
    rows = 4 + 4 + 5  # E, F and F of each element, of CH4, of H2O and of all
    text = invoke("verify", made, "--prediction", mine, "--reference", labels)
    assert f"{rows} rows, all as" in text
