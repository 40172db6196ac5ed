"""A prediction is examined once, and everything that is made of it takes the result."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import teaeval
from teadata.errors import UsageError
from teaeval import PredictionError, check, report
from teaeval.checks import fixes
from teaeval.engines import Threads
from teaeval.plots.error_summary import summarise, summarise_against
from teaeval.predictions.predicting import failed_frames
from teaeval.scores.comparison import compare_against, compare_examined
from teaeval.scores.examine import check_against, examine
from teaeval.scores.scoring import score_against, score_examined


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


@pytest.mark.parametrize("dataset", [None, "mini-i"])
def test_a_file_is_examined_as_what_it_holds(noisy, prediction_file, dataset):
    found = teaeval.examine(prediction_file, dataset)
    assert isinstance(found.prediction, teaeval.Prediction)
    expected = examine(noisy)
    assert summarise(found).by_atom.mean() == pytest.approx(summarise(expected).by_atom.mean())
    assert check_against(prediction_file, expected.test, expected.dataset)[1] == found.findings


@pytest.mark.parametrize("given", ["file", "path", "prediction", 3])
@pytest.mark.parametrize(
    "call",
    [
        summarise,
        summarise_against,
        score_examined,
        score_against,
        lambda given: compare_examined(given, given),
        lambda given: compare_against(given, given),
    ],
)
def test_what_was_not_examined_is_told_so(noisy, prediction_file, call, given):
    values = {"file": str(prediction_file), "path": prediction_file, "prediction": noisy}
    with pytest.raises(UsageError, match=r"expected what (teaeval\.examine|examine_against) gives"):
        call(values.get(given, given))


@pytest.mark.parametrize(
    "call",
    [
        lambda given: teaeval.write_prediction("made.npz", given),
        failed_frames,
        fixes.fix_sign,
        lambda given: fixes.fix_atoms(given, [1, 0]),
        lambda given: fixes.fix_per_atom(given, 42),
        lambda given: fixes.fix_units(given, "energy", "eV"),
    ],
)
def test_a_file_where_a_prediction_is_needed(prediction_file, call):
    for given in (str(prediction_file), prediction_file):
        with pytest.raises(UsageError, match=r"as teaeval\.read_prediction gives of a file, found"):
            call(given)


def test_a_report_of_one_file(prediction_file, tmp_path):
    for name in ("a.html", "b.html"):
        given = prediction_file if name == "a.html" else [prediction_file]
        report.write(given, str(tmp_path / name), frames=1, replicates=0)
    assert (tmp_path / "a.html").stat().st_size == (tmp_path / "b.html").stat().st_size
    with pytest.raises(UsageError, match="expected predictions or the paths of their files"):
        report.write(3, tmp_path / "c.html")


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


def test_frames_in_place_of_a_prediction_are_told_how_one_is_made(mini_i):
    with pytest.raises(UsageError, match=r"found Frames; one is made of arrays: teaeval\.Predic"):
        teaeval.score(mini_i.split("folded/test"))
