"""Scores that can be recomputed, and those that cannot."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import teaeval
from teadata.errors import DataError
from teaeval.scores.reading import read_score
from teaeval.scores.verification import differences, verify


@pytest.fixture
def score_file(prediction_file, tmp_path, run):
    path = tmp_path / "score.json"
    done = run("teaeval", "score", prediction_file, "-o", path, "--bootstrap", 100, "--seed", 5)
    assert done.returncode == 0, done.stderr
    return path


def test_a_score_is_recomputed_number_by_number(score_file, prediction_file, run, tmp_path):
    done = run("teaeval", "verify", score_file, "--prediction", prediction_file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 rows, all as" in done.stdout
    score = json.loads(score_file.read_text())
    score["rows"][1]["mae"] *= 1 + 1e-9
    score["rows"][2]["rmse_interval"][0] = 0.0
    score["dataset"]["frames_sha256"] = "0" * 64
    score["software"] = "tea-benchmark 0.0.9"
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(score))
    done = run("teaeval", "verify", changed, "--prediction", prediction_file)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "dataset.frames_sha256",
        "rows[F].mae",
        "rows[F(H)].rmse_interval[0]",
    ]


def test_another_prediction_is_noticed(score_file, noisy, tmp_path):
    path = tmp_path / "other" / "prediction.npz"
    path.parent.mkdir()
    noisy.forces.flags.writeable = True
    noisy.forces[0, 0, 0] += 1e-3
    teaeval.write_prediction(path, noisy)
    found = verify(read_score(score_file), path)
    assert any(line.startswith("prediction.sha256") for line in found)
    assert any(line.startswith("rows[F].mae") for line in found)
    assert not any(line.startswith("rows[E]") for line in found)


def test_options_of_the_score_are_used_again(noisy, tmp_path, run):
    path = tmp_path / "p.npz"
    np.savez(path, MACE_energy=noisy.energies, mine=noisy.forces, frame_id=noisy.frame_ids)
    options = ["--dataset", "mini-i", "--subset", "folded", "--energy-unit", "kcal/mol",
               "--length-unit", "Å", "--forces-key", "mine"]  # fmt: skip
    score = tmp_path / "score.json"
    done = run("teaeval", "score", path, *options, "-o", score, "--bootstrap", 0)
    assert done.returncode == 0, done.stderr
    done = run("teaeval", "verify", score, "--prediction", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_runs_differ_in_the_time_stamp_alone(prediction_file, run):
    texts = [run("teaeval", "score", prediction_file, "--json").stdout for _ in range(2)]
    stamp = re.compile(r'"created": "[^"]+"')
    assert stamp.sub("", texts[0]) == stamp.sub("", texts[1])
    assert len(stamp.findall(texts[0])) == 1


@pytest.mark.parametrize("content", ["{}", "[1]", '{"rows": 3}', "\x00"])
def test_what_is_no_score(tmp_path, content):
    path = tmp_path / "score.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"score\.json: not a score of this version"):
        read_score(path)
    with pytest.raises(DataError, match="no such file"):
        read_score(tmp_path / "missing.json")


def test_what_only_the_score_states_is_a_difference():
    """A force unit is written only where it is another than energy per length."""
    stated = {"prediction": {"energy_unit": "eV", "force_unit": "Hartree/Bohr"}}
    found = list(differences("", stated, {"prediction": {"energy_unit": "eV"}}))
    assert found == ["prediction.force_unit: stated 'Hartree/Bohr', found None"]
