"""Submissions: how they begin, and what a check says of them."""

from __future__ import annotations

import dataclasses
import json
import math
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

import teaeval
from teadata.errors import DataError, PathError, UsageError
from teadata.provenance import sha256
from teaeval.board import entries
from teaeval.board.beginning import begin
from teaeval.board.checking import check
from teaeval.board.verification import verify


def test_everything_that_is_wrong_is_said_at_once(submission, tmp_path):
    folder = submission(
        tmp_path / "s",
        training={"data": "x", "hourz": 3, "memory_gib": 1e300},
        authors=[],
        weights="javascript:alert(1)",
        predictions=[{"file": "../p.npz", "claim": {}}],
    )
    said = "\n".join(check(folder).problems)
    assert "did you mean 'hours'?" in said
    assert "did you mean 'claims'?" in said
    for place in ("authors", "weights", "training.memory_gib", "predictions.0.file"):
        assert f"{place}: " in said


def test_hyperparameters_stay_what_they_are(submission, tmp_path):
    given = {"a": 0, "b": 1, "c": True, "d": 1.5, "e": "x", "f": [0, 1, "y"], "g": None}
    folder = submission(tmp_path / "s", training={"data": "x", "hyperparameters": given})
    read = check(folder).submission.training.hyperparameters
    assert repr(read) == repr(given)
    given["f"] = [{"nested": 1}]
    folder = submission(tmp_path / "t", training={"data": "x", "hyperparameters": given})
    assert "training.hyperparameters.f" in check(folder).problems[0]


def test_the_score_is_that_of_the_bytes_and_a_claim_must_follow(submission, tmp_path):
    folder = submission(tmp_path / "s")
    computed = teaeval.score(folder / "p.npz")
    found = check(folder)
    assert found.problems == []
    assert found.scored[0].score.rows == computed.rows
    mae = computed.row("F").mae
    for claimed, right in (
        (round(mae, 3), True),
        (round(mae, 3) - 0.002, False),
        (1.0, False),
        (0.5, False),
    ):
        said = {"predictions": [{"file": "p.npz", "claims": {"F": {"mae": claimed}}}]}
        other = submission(tmp_path / f"c{claimed}", **said)
        assert (check(other).problems == []) is right
    assert "claims.F.mae is 0.5, and the file gives" in check(other).problems[0]
    forged = json.loads(computed.model_dump_json())
    forged["rows"][1]["mae"] *= 0.9
    (folder / "score.json").write_text(json.dumps(forged))
    words = yaml.safe_load((folder / "submission.yaml").read_text())
    words["predictions"][0]["score"] = "score.json"
    (folder / "submission.yaml").write_text(yaml.safe_dump(words))
    assert any("score.json: rows[F].mae: stated" in text for text in check(folder).problems)


def test_sizes_records_and_tasks_must_belong_together(submission, noise, tmp_path):
    folder = submission(
        tmp_path / "s",
        training={"data": "x", "size": [77]},
        predictions=[{"file": "p.npz", "record": "r.json"}, {"file": "q.npz"}],
        simulations=["md.json"],
    )
    (folder / "r.json").write_text("{}")
    (folder / "md.json").write_text('{"name": 3}')
    teaeval.write_prediction(folder / "q.npz", noise(2.0))
    said = "\n".join(check(folder).problems)
    assert "q.npz: is of the same training and test set as p.npz" in said
    assert "training.size: [77]" in said
    assert "r.json: has SHA-256" in said
    assert "md.json: not a record of simulations" in said


def _with_time(record: dict, value: float) -> dict:
    times = {"time": value, "stable_time": value}
    replicas = [record["replicas"][0] | times, *record["replicas"][1:]]
    return record | {"replicas": replicas}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: _with_time(r, math.nan), "time: expected a finite number, found nan"),
        (lambda r: _with_time(r, 1e300), "above 1e+100"),
        (lambda r: _with_time(r, -1.0), "replicas.0.time: expected 0 or more, found -1.0"),
        (lambda r: r | {"replicas": r["replicas"] * 400}, "replicas, expected 1000 at most"),
        (lambda r: r | {"subset": "fold\u202eed"}, "characters that are not seen"),
        (lambda r: r | {"software": "x" * 3000}, "of more than 2000"),
    ],
)
def test_a_record_that_no_figure_can_be_made_of_is_refused(
    change, said, submission, repository, tmp_path
):
    (whole, *_) = sorted((repository / "examples" / "board").glob("entries/*/submission/md.json"))
    folder = submission(tmp_path / "s", simulations=["md.json"])
    (folder / "md.json").write_bytes(whole.read_bytes())
    assert check(folder).problems == []
    (folder / "md.json").write_text(json.dumps(change(json.loads(whole.read_bytes()))))
    (problem,) = check(folder).problems
    assert problem.startswith("md.json: ")
    assert said in problem


def test_simulations_of_one_kind_are_one_record(submission, repository, tmp_path):
    whole = repository / "examples" / "board" / "entries"
    for field, name in (("simulations", "md.json"), ("hydrogen", "hydrogen.json")):
        (record, *_) = sorted(whole.glob(f"*/submission/{name}"))
        folder = submission(tmp_path / field, **{field: ["a.json", "b.json"]})
        shutil.copyfile(record, folder / "a.json")
        shutil.copyfile(record, folder / "b.json")
        (problem,) = check(folder).problems
        assert problem.startswith("b.json: another record is of mini-")


def test_simulations_are_copied_into_a_new_submission(noise, repository, tmp_path):
    teaeval.write_prediction(tmp_path / "p.npz", noise())
    for kelvin in (300, 500):
        (tmp_path / f"md/{kelvin}K").mkdir(parents=True)
        record = repository / f"examples/simulations/mace-{kelvin}K.json"
        shutil.copyfile(record, tmp_path / f"md/{kelvin}K/md.json")
    said = {"model": "MACE", "authors": ["A. Name"], "licence": "MIT"}
    begin(tmp_path / "s", [tmp_path / "p.npz"], said=said, simulations=[tmp_path / "md"])
    found = check(tmp_path / "s")
    assert found.problems == []
    assert found.submission.simulations == ["md.json", "500K-md.json"]
    assert [one.settings.temperature for one in found.simulations] == [300, 500]
    (tmp_path / "bad.json").write_text("{}")
    for path, message in (("bad.json", "not a record of simulations"), ("gone", "no such file")):
        with pytest.raises(DataError, match=message):
            begin(tmp_path / "t", [tmp_path / "p.npz"], simulations=[tmp_path / path])
    assert not (tmp_path / "t").exists()
    again = [tmp_path / "md/300K"] * 4
    with pytest.raises(UsageError, match="no name is free for it"):
        begin(tmp_path / "t", [tmp_path / "p.npz"], simulations=again)


def test_a_training_of_less_than_a_second_can_be_submitted(noise, repository, tmp_path):
    record = json.loads((repository / "examples" / "mini-i_folded_sgdml.record.json").read_bytes())
    path = tmp_path / "record.json"
    path.write_text(json.dumps(record | {"wall_seconds": 0.05}))
    teaeval.write_prediction(tmp_path / "p.npz", dataclasses.replace(noise(), record=sha256(path)))
    begin(tmp_path / "s", [tmp_path / "p.npz"], [path], {"authors": ["A. Name"], "licence": "MIT"})
    found = check(tmp_path / "s")
    assert found.problems == []
    assert found.submission.predictions[0].hours == pytest.approx(0.05 / 3600, rel=1e-3)


def test_predictions_of_one_stem_and_of_one_training(noise, repository, tmp_path):
    whole = json.loads((repository / "examples" / "mini-i_folded_sgdml.record.json").read_bytes())
    records = [tmp_path / "r1.json", tmp_path / "r2.json"]
    for n, path in enumerate(records):
        plan = whole["plan"] | {
            "seed": n,
            "config": whole["plan"]["config"] | {"nested": [[n]], "n": n},
        }
        path.write_text(json.dumps(whole | {"plan": plan}))
    made = [tmp_path / name for name in ("p.npz", "p.parquet", "q.npz")]
    for n, (path, record) in enumerate(
        zip(made, (records[0], records[1], records[0]), strict=True)
    ):
        size = 50 * (n + 1)
        teaeval.write_prediction(path, dataclasses.replace(noise(size=size), record=sha256(record)))
    said = {"authors": ["A. Name"], "licence": "MIT"}
    speed = tmp_path / "speed.json"
    timing = {"one_us_per_atom": 123.456, "hardware": {"cores": "1"}}
    speed.write_text(json.dumps(timing | {"record": sha256(records[0])}))
    begin(tmp_path / "s", made, records, said, [speed])
    found = check(tmp_path / "s")
    assert found.problems == []
    named = [item.record for item in found.submission.predictions]
    assert named == ["p.npz.record.json", "p.parquet.record.json", "p.npz.record.json"]
    times = [(item.us_per_atom, item.inference_class) for item in found.submission.predictions]
    assert times == [(123, "one core"), (None, None), (123, "one core")]
    settings = found.submission.training.hyperparameters
    assert set(whole["plan"]["config"]) - {"size"} <= set(settings) | {"size"}
    assert not {"nested", "n"} & set(settings)  # those in which the trainings differ
    assert found.submission.training.hardware_class == "CPU"
    (tmp_path / "other").mkdir()
    again = tmp_path / "other" / "P.npz"
    shutil.copyfile(made[0], again)
    with pytest.raises(UsageError, match=r"name of its own: cp .*other/P\.npz P-2\.npz"):
        begin(tmp_path / "t", [made[0], again], records, said)
    with pytest.raises(UsageError, match=r"r2\.json: is of a training"):
        begin(tmp_path / "t", [made[0]], records, said)
    with pytest.raises(UsageError, match=r"speed\.json: is of a training"):
        begin(tmp_path / "t", [made[1]], [], said, [speed])
    with pytest.raises(DataError, match="baselines bench RUN --json"):
        begin(tmp_path / "t", made, records, said, [records[0]])
    assert not (tmp_path / "t").exists()


def test_predictions_of_several_models_need_a_name(noise, tmp_path):
    made = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for path, model in zip(made, ("GAP", "MACE"), strict=True):
        teaeval.write_prediction(path, dataclasses.replace(noise(), model=model))
    said = r"several models: GAP \(.*a\.npz\), MACE \(.*b\.npz\); a submission is of one: .*--model"
    with pytest.raises(UsageError, match=said):
        begin(tmp_path / "s", made)
    assert not (tmp_path / "s").exists()
    begin(tmp_path / "s", made, [], {"model": "Both"})
    assert "model: Both" in (tmp_path / "s/submission.yaml").read_text(encoding="utf-8")


def test_what_nobody_has_filled_in_is_missing(noise, tmp_path):
    teaeval.write_prediction(tmp_path / "p.npz", noise())
    begin(tmp_path / "s", [tmp_path / "p.npz"])
    missing = [text.partition(":")[0] for text in check(tmp_path / "s").problems]
    assert missing == ["authors", "licence"]


def test_forces_that_single_precision_cannot_hold_are_named(noise, tmp_path):
    made = noise()
    made.forces[3, 1, 2] = -1e39
    teaeval.write_prediction(tmp_path / "p.npz", made)
    with pytest.raises(UsageError, match=r"a force of 1e\+39, and single precision ends at 3.4"):
        begin(tmp_path / "s", [tmp_path / "p.npz"], [], {"model": "Made"}, float32=True)
    assert not (tmp_path / "s").exists()


def test_a_path_that_goes_upwards_is_named_as_it_is(submission, tmp_path, monkeypatch):
    folder = submission(tmp_path / "s", predictions=[{"file": "../q.npz"}])
    monkeypatch.chdir(folder)
    problems = check(folder.relative_to(folder)).problems
    assert any("../q.npz" in text for text in problems)
    assert problems == [text.replace(f"{folder}/", "") for text in check(folder).problems]


def test_what_a_file_beside_a_prediction_declares_goes_with_it(noise, tmp_path):
    made = noise()
    arrays = {"E": made.energies, "F": made.forces, "frame_id": made.frame_ids}
    np.savez(tmp_path / "p.npz", **arrays)
    said = {"dataset": "mini-iv", "subset": "complete", "train": "complete/train/50"}
    said |= {"energy_unit": "kcal/mol", "length_unit": "Å"}
    (tmp_path / "p.npz.yaml").write_text(yaml.safe_dump(said, allow_unicode=True))
    known = {"model": "Made", "authors": ["A. Name"], "licence": "MIT"}
    begin(tmp_path / "s", [tmp_path / "p.npz"], [], known, float32=True)
    found = check(tmp_path / "s")
    assert found.problems == []
    assert found.submission.predictions[0].declared() == said
    entries.add(tmp_path / "s", tmp_path / "board")
    outcome = verify(tmp_path / "board")
    assert (outcome.verified, outcome.differences, outcome.left_out) == (1, [], [])
    told = tmp_path / "s" / "submission.yaml"
    told.write_text(told.read_text().replace("  energy_unit: kcal/mol\n", ""))
    (problem,) = check(tmp_path / "s").problems
    assert "write the line `energy_unit: …` below it in submission.yaml" in problem
    assert "--" not in problem
    with np.load(tmp_path / "s" / "p.npz") as stored:
        assert stored["F"].dtype == np.float32
        assert np.array_equal(stored["F"], made.forces.astype(np.float32))
    teaeval.write_prediction(tmp_path / "p.parquet", made)
    with pytest.raises(UsageError, match="--float32 takes"):
        begin(tmp_path / "t", [tmp_path / "p.parquet"], [], known, float32=True)
    assert not (tmp_path / "t").exists()


def test_training_sizes_are_numbers_however_they_are_written(submission, noise, tmp_path):
    folder = submission(tmp_path / "s", predictions=[{"file": "p.npz"}, {"file": "q.npz"}])
    other = dataclasses.replace(noise(2.0), train="complete/train/0050")
    teaeval.write_prediction(folder / "q.npz", other)
    (problem,) = check(folder).problems
    assert problem.startswith("q.npz: is of the same training and test set as p.npz")


def test_a_command_to_copy_replaces_nothing(noise, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in ("p.npz", "other/p.npz", "p-2.npz"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        teaeval.write_prediction(tmp_path / place, noise())
    with pytest.raises(UsageError, match=r"cp other/p.npz p-3.npz"):
        begin(tmp_path / "s", [Path("p.npz"), Path("other/p.npz")])
    with pytest.raises(UsageError, match="is given twice"):
        begin(tmp_path / "s", [Path("p.npz"), Path("p.npz")])
    with pytest.raises(PathError, match="other: is a folder"):
        begin(tmp_path / "s", [Path("p.npz")], [Path("other")])
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(UsageError, match="the folder that this runs in"):
        begin(Path(), [tmp_path / "p.npz"])
    assert not (tmp_path / "s").exists()


def test_names_of_arrays_that_a_submission_cannot_say(noise, invoke, tmp_path):
    """They stood in the file beside it, and were lost: what is scored would be another array."""
    made = noise()
    file = tmp_path / "p.npz"
    np.savez(file, energy=made.energies, MACE_forces=made.forces, frame_id=made.frame_ids)
    said = {"dataset": "mini-iv", "subset": "complete", "forces_key": "MACE_forces"}
    said |= {"energy_unit": "kcal/mol", "length_unit": "Å"}
    (tmp_path / "p.npz.yaml").write_text(yaml.safe_dump(said, allow_unicode=True))
    with pytest.raises(UsageError, match="forces_key, which a submission cannot say") as caught:
        begin(tmp_path / "s", [file])
    command = shlex.split(str(caught.value).partition("usual names: ")[2])
    invoke(*command[1:])
    begin(tmp_path / "s", [Path(command[-1])], [], {"model": "M", "authors": ["A"], "licence": "x"})
    assert check(tmp_path / "s").problems == []


def test_a_folder_that_is_no_submission(tmp_path):
    assert check(tmp_path).problems == [
        "submission.yaml: is not in the folder; `teaeval submit init` writes it, into a new folder"
    ]
