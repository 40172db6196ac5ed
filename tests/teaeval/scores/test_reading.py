"""Records of scores that somebody edited are refused, with the field and its value."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from teadata.errors import DataError
from teaeval.scores.reading import read_score


@pytest.fixture
def content(scores):
    return json.loads(scores[0].model_dump_json())


def write(path, content, text=None):
    path.write_text(json.dumps(content) if text is None else text)
    return path


def test_what_is_written_is_read(scores, tmp_path):
    for score in scores:
        path = tmp_path / "s.json"
        path.write_text(score.model_dump_json(indent=2))
        assert read_score(path) == read_score(str(path)) == score


ROW = ("rows", 1)
CHANGES = [
    (ROW, {"mae": float("nan")}, "mae: nan, expected a number"),
    (ROW, {"mae_percent_mean": float("inf")}, "mae_percent_mean: inf"),
    (ROW, {"mae_interval": [float("nan"), 1.0]}, "mae_interval: "),
    (ROW, {"mae": -1.0}, r"rows\[F\].mae: -1.0, expected a number of 0 or more"),
    (ROW, {"mae": 0.0}, r"mae_percent_mean: [\d.]+, expected 0.0, which follows from mae"),
    (ROW, {"mae_percent_mean": 0.01}, "mae_percent_mean: 0.01, expected"),
    (ROW, {"max_percent_std": None}, "max_percent_std: None, expected"),
    (ROW, {"rmse": 0.1}, r"rmse: 0.1, expected mae [\d.]+ or more"),
    (ROW, {"max": 0.1}, r"max: 0.1, expected rmse [\d.]+ or more"),
    (ROW, {"mae_interval": [100.0, 200.0]}, "expected limits around"),
    (ROW, {"mae_interval": [9.0, 1.0]}, "expected its limits in order"),
    (ROW, {"max_interval": [0.0, 1e9]}, "expected no limit above"),
    (ROW, {"count": 0}, r"rows\[F\].count: 0"),
    (ROW, {"count": 7}, r"rows\[F\].count: 7"),
    (ROW, {"unit": "eV/Å"}, "unit: 'eV/Å', expected 'kcal/mol/Å'"),
    (ROW, {"quantity": "E"}, "rows: E is there 2 times"),
    (ROW, {"mean_reference": -3.0}, "mean_reference: -3.0"),
    ((), {"rows": []}, "rows: there are none"),
    ((), {"bootstrap": None}, "but the score has no bootstrap"),
    ((), {"options": {"path": "/etc/passwd"}}, "options: 'path', expected some of dataset"),
    ((), {"fixes": ["rm"]}, "fixes: 'rm', expected some of"),
    (("coverage",), {"scored": 10**9}, "coverage: 1000000000 scored"),
    (("coverage",), {"missing": 3}, "3 missing"),
    (("coverage",), {"frames": 3}, "coverage.frames: 3, the dataset's are"),
    (("dataset",), {"frames_sha256": "zz"}, "frames_sha256: 'zz', expected 64 hexadecimal"),
    (("dataset",), {"atoms": 0}, "dataset.atoms: 0"),
    (("bootstrap",), {"replicates": 10**12}, "replicates: 1000000000000, expected 1 to"),
    (("bootstrap",), {"replicates": -5}, "replicates: -5"),
    (("bootstrap",), {"seed": -1}, "seed: -1"),
    (("bootstrap",), {"level": 2.0}, "level: 2.0"),
    (("bootstrap",), {"units": 0}, "units: 0"),
]


@pytest.mark.parametrize(("where", "change", "said"), CHANGES)
def test_a_changed_number_is_named(content, tmp_path, where, change, said):
    place = content
    for key in where:
        place = place[key]
    place.update(copy.deepcopy(change))
    with pytest.raises(DataError, match=said) as caught:
        read_score(write(tmp_path / "s.json", content))
    assert str(caught.value).startswith(f"{tmp_path}/s.json: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["null", "[]", "hello", "\0", "[" * 100_000, '{"a":' * 100_000, '{"layout": 1']
)
def test_what_is_no_score(tmp_path, text):
    with pytest.raises(DataError, match="not a score of this version"):
        read_score(write(tmp_path / "s.json", None, text))


def test_a_name_that_is_there_twice(content, tmp_path):
    text = json.dumps(content).replace('"level"', '"level": 0.5, "level"', 1)
    with pytest.raises(DataError, match=r"level: is there twice, as 0\.5 and as 0\.95"):
        read_score(write(tmp_path / "s.json", None, text))


def test_a_device_is_not_read():

    with pytest.raises(DataError, match="is a device, pipe or socket"):
        read_score(Path("/dev/zero"))
