"""What a file beside a prediction says is taken as if the file said it."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

import teaeval
from teadata.errors import DataError, UsageError
from teaeval.cli import app
from teaeval.predictions.findings import PredictionError

SAID = "dataset: mini-i\nsubset: folded\nenergy_unit: kcal/mol\nlength_unit: Å\n"


@pytest.fixture
def own(tmp_path, noisy):
    path = tmp_path / "own file.npz"
    np.savez(path, E_mine=noisy.energies, forces=noisy.forces, frame_id=noisy.frame_ids)
    return path


def beside(path, text):
    path.with_name(path.name + ".yaml").write_text(text, encoding="utf-8")


def test_every_verb_takes_it(own):
    beside(own, SAID + "energy_key: E_mine\nmodel: mine\ntrain: folded/train/200\n")
    score = teaeval.score(str(own), replicates=0)
    assert (score.prediction.model, score.prediction.train) == ("mine", "folded/train/200")
    for call in (
        ["score", own, "--bootstrap", "0"],
        ["check", own],
        ["compare", own, f"{own}:model=other", "--patterns", "10"],
        ["declare", own, "-o", own.with_name("whole.npz")],
    ):
        done = CliRunner().invoke(app, list(map(str, call)))
        assert done.exit_code == 0, done.output


def test_an_option_goes_before_it_and_the_file_before_neither(own, noisy):
    beside(own, SAID + "energy_key: nothing\nmodel: mine\n")
    read = teaeval.read_prediction(own, energy_key="E_mine", model="other", energy_unit="eV")
    assert read.model == "other"
    assert read.source["energy_unit"] == "eV"
    stated = own.with_name("stated.npz")
    teaeval.write_prediction(stated, noisy)
    beside(stated, "energy_unit: eV\n")
    with pytest.raises(
        PredictionError, match=r"contradicting-energy_unit(.|\n)*stated\.npz\.yaml"
    ) as found:
        teaeval.read_prediction(stated)
    assert "--energy-unit" not in found.value.told()


def test_an_option_for_several_files_does_not_go_before_it(own):
    beside(own, SAID + "energy_key: E_mine\n")
    read = teaeval.read_prediction(own, defaults={"energy_unit": "eV"})
    assert read.source["energy_unit"] == "kcal/mol"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("energy_units: eV\n", UsageError, "unknown declaration 'energy_units'.*'energy_unit'"),
        ("- eV\n", DataError, "expected lines of `name: value`"),
        ("model: 3\n", DataError, "model: expected a text, found 3"),
        ("model: a\nmodel: b\n", DataError, "model is there twice"),
        ("model: [\n", DataError, "not readable as YAML"),
        ("energy_unit: kilo\n", PredictionError, "unknown-energy_unit"),
    ],
)
def test_what_it_may_not_say(own, text, error, message):
    beside(own, text)
    with pytest.raises(error, match=message):
        teaeval.read_prediction(own)


def test_it_is_written_from_options(own):
    options = ["--dataset", "mini-i", "--subset", "folded", "--energy-unit", "kcal/mol"]
    options += ["--length-unit", "Å", "--energy-key", "E_mine", "--model", "mine"]
    done = CliRunner().invoke(app, ["declare", str(own), "-o", f"{own}.yaml", *options])
    assert done.exit_code == 0, done.output
    assert f"next: teaeval score '{own}'" in done.stdout
    assert teaeval.read_prediction(own).model == "mine"
    again = CliRunner().invoke(app, ["declare", str(own), "-o", f"{own}.yaml", "--model", "new"])
    assert again.exit_code == 0, again.output
    assert teaeval.read_prediction(own).model == "new"
