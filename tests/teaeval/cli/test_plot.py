"""The commands that draw figures, and what they do with mistakes."""

from __future__ import annotations

import re

import pytest

import teaeval
from teadata.errors import UsageError


def test_a_wrong_suffix_is_refused_before_anything_is_read(invoke, tmp_path):
    with pytest.raises(UsageError, match=r"written as \.png"):
        invoke("plot", "parity", tmp_path / "nothing.npz", "-o", tmp_path / "x.gif")


def test_every_figure_of_predictions_from_the_command(run, invoke, made, tmp_path):
    file = tmp_path / "prediction.npz"
    teaeval.write_prediction(file, made("mini-hydrogen", "complete", "MACE"))
    done = run("teaeval", "plot", "atoms", file, "-o", tmp_path / "atoms.svg")
    assert done.returncode == 0, done.stderr
    for name in ("worst", "parity", "errors", "elements", "magnitude"):
        invoke("plot", name, file, "-o", tmp_path / f"{name}.svg")
        text = (tmp_path / f"{name}.svg").read_text()
        assert "</svg>" in text
        assert (tmp_path / f"{name}.csv").read_text().count("\n") > 1
    circles = re.findall(r'id="atom-(\d+)"', (tmp_path / "atoms.svg").read_text())
    assert sorted(map(int, circles)) == sorted([*range(32), *range(32)])


@pytest.mark.parametrize("figure", ["matrix", "learning-curve"])
def test_scores_of_other_builds_of_a_dataset_are_an_error_that_names_both(
    run, scores, tmp_path, figure
):
    pytest.importorskip("matplotlib")
    data = scores[1].dataset.model_copy(update={"frames_sha256": "1" * 64})
    one, other = tmp_path / "a.json", tmp_path / "b.json"
    one.write_text(scores[0].model_dump_json())
    other.write_text(scores[1].model_copy(update={"dataset": data}).model_dump_json())
    done = run("teaeval", "plot", figure, one, other, "-o", tmp_path / "x.png")
    assert done.returncode == 2
    for part in (f"{data.frames_sha256} in {other}", f"{scores[0].dataset.frames_sha256} in {one}"):
        assert part in " ".join(done.stderr.split())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "b.json"]
