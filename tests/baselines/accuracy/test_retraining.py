"""Models trained again and held against their records, by the command."""

from __future__ import annotations

import json

from baselines.accuracy import record as accuracy


def test_check_passes_and_fails_by_its_status(run, recorded, tmp_path):
    """Against its record, and against one of a model that was twice as good."""
    command = ["baselines", "check", "sgdml", "--runs", tmp_path / "runs", "--json"]
    good = run(*command, "--config", recorded / "tiny.yaml", "--records", recorded / "records")
    assert good.returncode == 0, good.stderr
    lines = json.loads(good.stdout)
    assert {line["task"] for line in lines} == {"unfolded->unfolded", "unfolded->folded"}
    assert not any(line["regressed"] for line in lines)
    (record,) = accuracy.read_records(recorded / "records")
    better = record.model_dump()
    better["config"]["lam"] = 1e-9
    for seed in better["trainings"][0]["seeds"]:
        for test in seed["tests"].values():
            for found in test.values():
                found["mae"] /= 2
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "better.json").write_text(json.dumps(better))
    bad = run(*command, "--config", recorded / "tiny.yaml", "--records", tmp_path / "records")
    assert bad.returncode == 1
    assert all(line["regressed"] for line in json.loads(bad.stdout))
    assert "not as it was recorded: lam was 1e-09, is 1e-10" in bad.stderr


def test_a_failed_training_is_a_regression(run, recorded, tmp_path):
    """The runs' folder cannot be made: the command says why, and the check that it failed."""
    (tmp_path / "file").write_text("")
    done = run(
        "baselines", "check", "sgdml", "--config", recorded / "tiny.yaml",
        "--records", recorded / "records", "--runs", tmp_path / "file",
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot be made" in done.stderr
    assert "ended with status 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_reference_trainings_are_selected_by_their_own_option(run, recorded):
    both = run("baselines", "check", "sgdml", "--reference", "--config", "quick")
    assert both.returncode != 0
    assert "--reference or --config" in both.stderr
    missing = run("baselines", "check", "sgdml", "--reference", "--records", recorded / "records")
    assert missing.returncode != 0
    assert "no reference training is recorded here" in missing.stderr
