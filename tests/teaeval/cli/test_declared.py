"""What a prediction file does not say is declared in the same way to every command."""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

import teaeval
from teadata import Dataset
from teaeval import Prediction

DECLARED = ("--dataset", "--subset", "--energy-unit", "--length-unit", "--energy-key",
            "--forces-key", "--model", "--train")  # fmt: skip

VERBS = (
    ("score",), ("check",), ("compare",), ("report",), ("plot", "atoms"), ("plot", "worst"),
    ("plot", "parity"), ("plot", "errors"), ("plot", "elements"), ("plot", "magnitude"),
)  # fmt: skip


@pytest.fixture(scope="module")
def by_ase(mini_i: Dataset, fair: Prediction, tmp_path_factory) -> Path:
    test = mini_i.split("folded/test")
    images = []
    for n in range(len(test)):
        image = ase.Atoms(numbers=test.numbers, positions=test.positions[n])
        image.calc = SinglePointCalculator(
            image, energy=fair.energies[n] / 23.0605, forces=fair.forces[n] / 23.0605
        )
        images.append(image)
    path = tmp_path_factory.mktemp("own") / "own.xyz"
    ase.io.write(path, images, format="extxyz")
    return path


@pytest.fixture
def own(by_ase: Path, tmp_path: Path) -> Path:
    """Somebody's own file from ASE: energies, forces and positions, nothing else."""
    return Path(shutil.copy(by_ase, tmp_path))


SAID = ("--dataset", "mini-i", "--subset", "folded", "--energy-unit", "eV", "--length-unit", "Å")


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_command_that_takes_predictions_has_the_options(verb, invoke):
    text = invoke(*verb, "--help")
    assert [option for option in DECLARED if f"{option} " not in text] == []


def test_the_way_of_a_newcomer_with_a_file_of_ones_own(own, prediction_file, invoke, tmp_path):
    name = ("--model", "mine", "--train", "folded/train/500")
    text = invoke("score", own, *SAID, *name, "-o", tmp_path / "mine.json")
    assert "mine trained on folded/train/500" in text
    compared = json.loads(invoke("compare", own, prediction_file, *SAID, "--json"))
    assert compared["first"].endswith("own.xyz")
    assert compared["second"] == "noise"
    mine = f"{own}:model=mine,energy_unit=eV"
    rest = ("--dataset", "mini-i", "--subset", "folded", "--length-unit", "Å")
    figure = tmp_path / "errors.svg"
    invoke("plot", "errors", mine, prediction_file, *rest, "-o", figure)
    assert "mine" in figure.with_suffix(".csv").read_text()
    invoke("report", mine, prediction_file, *rest, "--worst", "1", "-o", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert "trained on: not said: mine" in page
    invoke("score", prediction_file, "-o", tmp_path / "noise.json")
    invoke("score", own, *SAID, "--model", "mine", "-o", tmp_path / "mine.json")
    table = invoke("table", tmp_path / "mine.json", tmp_path / "noise.json")
    assert "folded->folded" in table
    assert "?->folded" not in table
    assert table.count("trained on: not said: mine") == 1


def test_the_file_s_own_word_goes_before_what_is_said_of_several(
    own, prediction_file, invoke, tmp_path
):
    """The second file is in kcal/mol, and says so; alone, it may not be contradicted."""
    text = invoke("compare", own, prediction_file, *SAID)
    assert "noise" in text
    with pytest.raises(teaeval.PredictionError, match="contradicting-energy_unit"):
        invoke("compare", own, f"{prediction_file}:energy_unit=eV", *SAID)
    with pytest.raises(teaeval.PredictionError, match="contradicting-energy_unit"):
        invoke("score", prediction_file, "--energy-unit", "eV")


def test_one_name_is_not_given_to_several_models(prediction_file, run, tmp_path):
    other = tmp_path / "other.npz"
    shutil.copy(prediction_file, other)
    done = run("teaeval", "compare", prediction_file, other, "--model", "mine")
    assert done.returncode == 2
    assert f"{prediction_file}:model=mine {other}:model=NAME" in done.stderr


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ("foldet/train/200", "did you mean 'folded'"),
        ("folded/test", "unknown training set"),
        ("folded/valid", "expected one of: folded/train/<size>, folded/valid/<size>"),
        ("folded/valid/100000", "frames, so sizes 1 to"),
        ("folded/train/100000", "frames, so sizes 1 to"),
        ("folded", "not of the form"),
    ],
)
def test_a_wrong_training_set_is_refused(train, said, noisy, prediction_file, run, tmp_path):
    silent = tmp_path / "silent.npz"
    teaeval.write_prediction(silent, dataclasses.replace(noisy, train=None))
    template = ("template", "mini-i", "--subset", "folded", "-o", tmp_path / "t.npz")
    for command in (("score", silent), template):
        done = run("teaeval", *command, "--train", train)
        assert done.returncode in (1, 2)
        assert said in done.stderr
    assert not (tmp_path / "t.npz").exists()


def test_a_model_can_be_trained_on_validation_frames(noisy, tmp_path):
    path = tmp_path / "exchanged.npz"
    teaeval.write_prediction(path, dataclasses.replace(noisy, train="folded/valid/50"))
    score = teaeval.score(path, replicates=0, with_details=True)
    assert score.prediction.train == "folded/valid/50"
    assert score.details.novelty.train_frames == 50
    assert score.task == "folded->folded"


def test_a_score_with_a_declared_name_is_verified(prediction_file, run, tmp_path):
    score = tmp_path / "score.json"
    assert run("teaeval", "score", prediction_file, "--model", "mine", "-o", score).returncode == 0
    done = run("teaeval", "verify", score, "--prediction", prediction_file)
    assert done.returncode == 0, done.stdout
    assert json.loads(score.read_text())["options"] == {"model": "mine"}


def test_a_template_says_who_will_predict(invoke, tmp_path):
    path = tmp_path / "mine.npz"
    who = ("--model", "mine", "--train", "folded/train/200")
    invoke("template", "mini-i", "--subset", "folded", *who, "-o", path)
    read = teaeval.read_prediction(path)
    assert (read.model, read.train) == ("mine", "folded/train/200")


def test_an_unknown_declaration_is_named(prediction_file, run):
    done = run("teaeval", "score", f"{prediction_file}:energy_units=eV")
    assert done.returncode == 2
    assert "did you mean 'energy_unit'" in done.stderr


def test_declare_writes_a_file_that_says_everything(own, mini_i, run, tmp_path):
    whole = tmp_path / "whole.npz"
    done = run("teaeval", "declare", own, *SAID, "--model", "mine", "-o", whole)
    assert done.returncode == 0, done.stderr
    assert f"next: teaeval score {whole}" in done.stdout
    read = teaeval.read_prediction(whole)
    assert (read.dataset, read.subset, read.model) == (mini_i.card.full_id, "folded", "mine")
    assert read.frame_ids.tolist() == mini_i.splits.ids("folded/test").tolist()
    first, second = (
        json.loads(run("teaeval", "score", *call, "--json").stdout)["rows"]
        for call in ((own, *SAID), (whole,))
    )
    assert first[0]["mae"] == pytest.approx(second[0]["mae"], rel=1e-12)


@pytest.mark.parametrize("verb", [("score",), ("check",), ("declare", "-o", "out.npz")])
def test_what_is_missing_is_one_command_to_copy(verb, own, run, tmp_path):
    done = run("teaeval", verb[0], own, *verb[1:], "--subset", "folded", cwd=tmp_path)
    assert done.returncode == 1
    line = (done.stdout + done.stderr).splitlines()[-1]
    copied = shlex.split(line)
    assert copied[:2] == ["teaeval", verb[0]]
    assert run(*copied, cwd=tmp_path).returncode == 0


COMMANDS = (
    "submit init made --prediction bare.npz --model mine --author A --licence MIT",
    "verify score.json --prediction bare.npz",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_without_the_options_names_the_one_that_has_them(command, noisy, run, tmp_path):
    arrays = {"energy": noisy.energies, "forces": noisy.forces, "frame_id": noisy.frame_ids}
    np.savez(tmp_path / "bare.npz", **arrays)
    (tmp_path / "bare.npz.yaml").write_text("dataset: mini-i\nsubset: folded\n")
    said = ["--energy-unit", "kcal/mol", "--length-unit", "Å"]
    done = run("teaeval", "score", "bare.npz", *said, "-o", "score.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    score = json.loads((tmp_path / "score.json").read_text())
    score["options"] = {}  # of a file that said all of it
    (tmp_path / "score.json").write_text(json.dumps(score))
    done = run("teaeval", *command.split(), cwd=tmp_path)
    assert "pass --energy-unit to `teaeval declare`" in done.stderr
    assert "--reference" not in done.stderr
    first, again = done.stderr.splitlines()[-2:]
    assert again.split() == ["teaeval", *command.split()]
    words = shlex.split(first.replace(" eV ", " kcal/mol "))
    assert words[:5] == ["teaeval", "declare", "bare.npz", "-o", "bare.npz.yaml"]
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = run(*shlex.split(again), cwd=tmp_path)
    assert "undeclared" not in done.stderr
    assert "Error" not in done.stderr


def test_a_fix_is_named_with_the_command_that_has_it(own, prediction_file, run, tmp_path):
    said = [{"eV": "kcal/mol"}.get(part, part) for part in SAID]
    figure = tmp_path / "a.png"
    done = run("teaeval", "plot", "errors", own, *said, "--model", "m", "-o", figure)
    assert done.returncode == 1
    copied = shlex.split(done.stderr.splitlines()[-1])
    assert copied[:3] == ["teaeval", "score", str(own)]
    assert copied[-2:] == ["--fix", "units"]
    assert run(*copied).returncode == 0


def test_an_offset_is_said_where_it_spoils_the_energies(
    noisy, prediction_file, run, invoke, tmp_path
):
    far = tmp_path / "far.npz"
    teaeval.write_prediction(
        far, dataclasses.replace(noisy, energies=noisy.energies - 5e4, model="far")
    )
    text = run("teaeval", "compare", far, prediction_file, "--patterns", "100").stdout
    assert "warning: A: [energy-offset]" in text
    invoke("report", far, "--worst", "1", "--bootstrap", "0", "-o", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert page.index("[energy-offset]") < page.index("<table")
    invoke("plot", "parity", far, "-o", tmp_path / "p.svg")
    invoke("plot", "parity", prediction_file, "-o", tmp_path / "q.svg")
    assert (tmp_path / "p.csv").read_text().count("\n") > 2500


def test_a_dataset_of_one_subset_needs_none_said(made, run, tmp_path):
    prediction = dataclasses.replace(made("mini-iii", "complete", "m"), train=None)
    whole, silent = tmp_path / "whole.npz", tmp_path / "silent.npz"
    teaeval.write_prediction(whole, prediction)
    with np.load(whole) as archive:
        np.savez(silent, **{k: v for k, v in archive.items() if k != "subset"})
    done = run("teaeval", "score", silent, "--bootstrap", 0)
    assert done.returncode == 0, done.stderr
    assert "test set complete" in done.stdout
    template = tmp_path / "template.npz"
    assert run("teaeval", "template", "mini-iii", "-o", template).returncode == 0
    done = run("teaeval", "template", "mini-i", "-o", tmp_path / "none.npz")
    assert done.returncode == 2
    assert "say which with --subset, one of: complete, folded, unfolded" in done.stderr
