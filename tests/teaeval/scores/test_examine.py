"""A prediction is examined once, and everything that is made of it takes the result."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import teaeval
from teadata.errors import UsageError
from teaeval import PredictionError, check
from teaeval.engines import Threads
from teaeval.plots.error_summary import summarise
from teaeval.scores.comparison import compare_examined
from teaeval.scores.examine import examine
from teaeval.scores.scoring import score_examined


@pytest.fixture
def passes(monkeypatch) -> list[str]:
    """The functions that this machine's cores are given, one for each pass over the forces."""
    seen: list[str] = []
    original = Threads.map

    def counted(self, work, items):
        seen.append(work.__name__)
        return original(self, work, items)

    monkeypatch.setattr(Threads, "map", counted)
    return seen


def test_scores_and_figures_are_made_of_one_examination(noisy, passes):
    examined = examine(noisy, details=True)
    once = list(passes)
    assert once
    score = score_examined(examined, replicates=20)
    summary = summarise(examined)
    assert passes == once
    assert summary.by_atom.mean() == pytest.approx(score.row("F").mae)
    alone = teaeval.score(noisy, replicates=20, with_details=True)
    assert score.model_copy(update={"created": alone.created}) == alone


def test_a_report_examines_each_prediction_once(noisy, prediction_file, passes, invoke, tmp_path):
    examine(noisy)
    once = list(passes)
    passes.clear()
    output = tmp_path / "report.html"
    teaeval.write_prediction(tmp_path / "b.npz", dataclasses.replace(noisy, model="other"))
    invoke("report", prediction_file, tmp_path / "b.npz", "-o", output, "--bootstrap", 10)
    assert passes == 2 * once


def test_a_figure_examines_each_prediction_once(noisy, prediction_file, passes, invoke, tmp_path):
    examine(noisy)
    once = list(passes)
    passes.clear()
    invoke("plot", "parity", prediction_file, prediction_file, "-o", tmp_path / "parity.svg")
    assert passes == 2 * once


def test_a_comparison_examines_each_prediction_once(noisy, passes):
    examined = examine(noisy, by_frame=True)
    once = list(passes)
    assert compare_examined(examined, examined, replicates=10).rows[0].mae.difference == 0
    assert passes == once


def test_only_a_prediction_that_was_mended_is_examined_again(noisy, passes):
    right = examine(noisy, fixes=["sign"])
    once = list(passes)
    assert (right.fixes, right.fixed) == (["sign"], [])
    assert right.prediction is noisy
    wrong = dataclasses.replace(noisy, forces=-noisy.forces)
    mended = examine(wrong, fixes=["sign"])
    assert passes == 3 * once
    assert mended.fixed == ["fixed: sign of the forces flipped"]
    np.testing.assert_array_equal(mended.prediction.forces, noisy.forces)
    with pytest.raises(UsageError, match="unknown fix 'everything'"):
        examine(noisy, fixes=["everything"])


def test_an_error_stops_everything_and_carries_all_findings(noisy):
    cut = dataclasses.replace(
        noisy,
        energies=noisy.energies[1:] + 50.0,
        forces=noisy.forces[1:],
        frame_ids=noisy.frame_ids[1:],
    )
    with pytest.raises(PredictionError, match="missing-frames") as caught:
        examine(cut)
    assert {item.code for item in caught.value.findings} == {"missing-frames", "energy-offset"}
    with pytest.raises(PredictionError, match="shape-of-forces"):
        examine(dataclasses.replace(noisy, forces=noisy.forces[:, :5]), allow_failed=True)


def test_failed_frames_are_warnings_where_they_are_allowed(noisy):
    energies = noisy.energies.copy()
    energies[2] = np.nan
    part = dataclasses.replace(noisy, energies=energies)
    examined = examine(part, allow_failed=True)
    assert [(item.code, item.severity) for item in examined.findings] == [
        ("not-finite-energy", "warning")
    ]
    np.testing.assert_array_equal(np.flatnonzero(~examined.compared.scored), [2])
    nothing = dataclasses.replace(noisy, energies=np.full_like(energies, np.nan))
    with pytest.raises(PredictionError, match="not-finite-energy"):
        examine(nothing, allow_failed=True)


def test_a_good_prediction_has_no_finding(noisy, mini_i):
    rows, found = check(noisy, mini_i)
    assert found == []
    np.testing.assert_array_equal(rows, np.arange(len(rows)))
