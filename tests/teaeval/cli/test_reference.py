"""The option --reference of scores, checks, comparisons, figures and reports."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

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
    assert "--reference-energy-unit eV --reference-length-unit Å" in advice


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
