"""Many scores as one table: layout, the best of a row, editions apart, ratios to the paper."""

from __future__ import annotations

import csv
import io

import pytest

import teaeval
from teadata.errors import UsageError
from teadata.output.text import to_csv
from teaeval import Score, published, tables
from teaeval.tables import render


def official(score: Score) -> Score:
    """The same numbers, as if they were of the official data."""
    data = score.dataset.model_copy(update={"id": "tea2023-i", "edition": "official"})
    return score.model_copy(update={"dataset": data})


def test_rows_are_tasks_and_quantities_columns_are_models_and_measures(scores):
    (grid,) = tables.grids(scores)
    assert grid.title == "mini-i@1.0.0 (mini edition)"
    assert grid.groups == ("MACE", "sGDML", "mine")  # the paper's order, then the others
    assert grid.columns == ("MAE", "RMSE", "MAX")
    quantities = ["E", "F", "F(H)", "F(C)", "F(N)", "F(O)"]
    assert [row.labels for row in grid.rows] == [
        (task, q) for task in ("folded->folded", "unfolded->folded") for q in quantities
    ]
    force = grid.rows[1]
    assert force.cells[0].text == teaeval.tables.numbers.significant(
        scores[1].row("F").mae_percent_mean
    )
    assert [cell.best for cell in force.cells[:6]] == [True, True, True, False, False, False]
    assert [cell.text for cell in force.cells[6:]] == ["–"] * 3
    # alone in its row: nothing to be better than
    assert not any(cell.best for cell in grid.rows[7].cells)


@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_a_score_that_left_frames_out_is_never_the_best(scores, form):
    first, best, _ = scores
    failed = best.coverage.model_copy(update={"scored": 990, "missing": 10})
    partial = best.model_copy(update={"coverage": failed})
    worse = first.model_copy(
        update={"prediction": first.prediction.model_copy(update={"model": "worse"})}
    )
    (grid,) = tables.grids([first, partial, worse])
    assert grid.groups[0] == "MACE"
    for row in grid.rows:
        assert [cell.best for cell in row.cells[:3]] == [False] * 3
        assert any(cell.best for cell in row.cells[3:])
    text = render.FORMATS[form]([grid])
    assert "no number is marked as the best: MACE (990 of" in text
    (alone,) = tables.grids([first, partial])  # one complete score: nothing to be better than
    assert not any(cell.best for row in alone.rows for cell in row.cells)
    entries = tables.records([partial])
    assert {(entry["frames"], entry["scored"]) for entry in entries} == {
        (failed.frames, failed.scored)
    }


@pytest.mark.parametrize("kind", tables.KINDS)
def test_records_have_the_numbers_of_the_scores(scores, kind):
    found = list(csv.DictReader(io.StringIO(to_csv(tables.records(scores, kind)))))
    assert len(found) == 3 * 6 * 3
    field = "rmse" if kind == "absolute" else f"rmse_percent_{kind}"
    for line in found:
        if line["model"] == "MACE" and line["measure"] == "RMSE":
            assert float(line["value"]) == getattr(scores[1].row(line["quantity"]), field)
            assert float(line["low"]) < float(line["value"]) < float(line["high"])


def test_a_ratio_to_the_paper_only_where_the_data_are_the_papers(scores):
    (mini,) = tables.grids(scores, against=True)
    assert not any(cell.ratio for row in mini.rows for cell in row.cells)
    assert any("do not compare" in note for note in mini.notes)
    assert {r["published"] for r in tables.records(scores, against=True)} == {None}
    both = [official(s) for s in scores]
    (grid,) = tables.grids(both, "std", against=True)
    expected = scores[1].row("F").mae_percent_std / published.value(
        "I", "folded", "folded", "F", "MACE", "MAE", "std"
    )
    assert grid.rows[1].cells[0].ratio == f"×{expected:.2f}"
    assert not any(cell.ratio for cell in grid.rows[7].cells)  # no such model in the paper
    (absolute,) = tables.grids(both, "absolute", against=True)
    assert not any(cell.ratio for row in absolute.rows for cell in row.cells)


def test_physnet_has_ratios_of_absolute_errors_by_the_size_it_was_trained_on(scores):
    score = official(scores[1])
    score = score.model_copy(
        update={
            "dataset": score.dataset.model_copy(update={"subset": "complete"}),
            "prediction": score.prediction.model_copy(
                update={"model": "PhysNet", "train": "complete/train/400"}
            ),
        }
    )
    (entry,) = (e for e in published.physnet() if (e.n_train, e.quantity) == (400, "MAE(F)"))
    found = tables.records([score], "absolute", against=True)
    forces = [line for line in found if (line["quantity"], line["measure"]) == ("F", "MAE")]
    assert [line["ratio"] for line in forces] == [score.row("F").mae / entry.test_error]
    assert {line["published"] for line in found if line["measure"] == "MAX"} == {None}
    (grid,) = tables.grids([score], against=True)
    assert any("--kind absolute" in text for text in grid.notes)


def test_editions_never_share_a_table(scores):
    grids = tables.grids([scores[0], official(scores[1])])
    assert [grid.title.split()[1] for grid in grids] == ["(mini", "(official"]
    assert [grid.groups for grid in grids] == [("sGDML",), ("MACE",)]


def test_other_data_never_share_a_table(scores):
    """The same dataset and version, but other frames: no number is the best of both."""
    other = scores[1].dataset.model_copy(update={"frames_sha256": "1" * 64})
    moved = scores[1].model_copy(update={"dataset": other})
    grids = tables.grids([scores[0], moved])
    assert len(grids) == 2
    assert all("other data, not to be compared" in grid.title for grid in grids)
    assert "frames 11111111" in grids[1].title
    assert not any(cell.best for grid in grids for row in grid.rows for cell in row.cells)
    lines = tables.records([scores[0], moved])
    assert {line["frames_sha256"] for line in lines} == {
        scores[0].dataset.frames_sha256,
        "1" * 64,
    }


def test_one_test_set_has_one_number_of_frames(scores):
    fewer = scores[1].dataset.model_copy(update={"frames": 3})
    with pytest.raises(UsageError, match="they are not of one test set"):
        tables.grids([scores[0], scores[1].model_copy(update={"dataset": fewer})])


def test_sizes_tell_trainings_of_a_model_apart_and_repetitions_are_refused(scores):
    sizes = [
        s.model_copy(
            update={"prediction": s.prediction.model_copy(update={"train": train, "model": "m"})}
        )
        for s, train in zip(scores, ("folded/train/9", "folded/train/90"), strict=False)
    ]
    assert tables.grids(sizes)[0].groups == ("m (9)", "m (90)")
    with pytest.raises(UsageError, match=r"2 scores are of m \(9\)"):
        tables.grids([sizes[0], sizes[0]])


def test_trainings_of_different_sizes_and_warnings_are_named(scores):
    assert not any("different numbers" in note for note in tables.grids(scores)[0].notes)
    other = scores[1].prediction.model_copy(update={"train": "folded/train/500"})
    (grid,) = tables.grids([scores[0], scores[1].model_copy(update={"prediction": other})])
    (said,) = (note for note in grid.notes if "different numbers of frames" in note)
    assert said.endswith("sGDML: 200; MACE: 500")
    found = "[few-frames] expected 30 frames; found 3. To mend it: …"
    (grid,) = tables.grids([scores[0].model_copy(update={"warnings": [found]}), scores[1]])
    (said,) = (note for note in grid.notes if note.startswith("scored with warnings"))
    assert said.endswith("sGDML [few-frames]")


def test_the_labels_are_never_the_best(scores):
    found = "[reference-itself] expected …; found those of the reference"
    labels = scores[1].model_copy(update={"warnings": [found]})  # the better one
    (grid,) = tables.grids([scores[0], labels])
    assert not any(cell.best for row in grid.rows for cell in row.cells[-3:])
    assert "what is the reference itself is never marked as the best" in grid.notes
