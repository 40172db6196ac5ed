"""Learning curves: a point a training, a line a model, published values apart."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

import teaeval
from teadata.errors import DataError, UsageError
from teaeval import published
from teaeval.plots import curves
from teaeval.tables.scores import where


def test_learning_curves(variant, base):
    scores = [
        variant(base, model, f"folded/train/{size}", factor=100 / size)
        for model in ("MACE", "sGDML")
        for size in (400, 100, 200)
    ]
    plot = curves.learning_curves(curves.points(scores))
    energy, force = plot.figure.axes
    assert (energy.get_ylabel(), force.get_ylabel()) == (
        "energy MAE (kcal/mol)", "force MAE (kcal/mol/Å)"
    )  # fmt: skip
    assert [t.get_text() for t in energy.get_legend().get_texts()] == ["MACE", "sGDML"]
    lines = [line for line in force.lines if len(line.get_xdata()) == 3]
    assert len(lines) == 2
    assert list(lines[0].get_xdata()) == [100, 200, 400]
    mae = base.row("F").mae
    assert list(lines[0].get_ydata()) == pytest.approx([mae, mae / 2, mae / 4])
    assert len({line.get_color() for line in lines}) == 2
    assert len(plot.data) == 12
    assert {(p["size"], p["value"]) for p in plot.data if p["quantity"] == "F"} == {
        (size, s.row("F").mae) for s, size in zip(scores, (400, 100, 200) * 2, strict=True)
    }
    assert "mini edition" in plot.figure.get_suptitle()


def test_labels_of_sizes_do_not_overlap(variant, base):
    """800 is marked but not named beside 1000, with so small a size as 25; every other is named."""
    scores = [
        variant(base, "MACE", f"folded/train/{size}") for size in (25, 50, 200, 600, 800, 1000)
    ]
    plot = curves.learning_curves(curves.points(scores))
    plot.figure.canvas.draw()
    for ax in plot.figure.axes:
        labels = [t for t in ax.get_xticklabels() if t.get_text()]
        assert [t.get_text() for t in labels] == ["25", "50", "200", "600", "1000"]
        ends = [(t.get_window_extent().x0, t.get_window_extent().x1) for t in labels]
        assert all(a[1] < b[0] for a, b in itertools.pairwise(ends))


def test_repeated_sizes_are_marked_each_and_joined_by_their_mean(variant, base):
    scores = [
        variant(base, "MACE", f"folded/train/{size}", factor=factor)
        for size, factor in ((10, 1.0), (10, 3.0), (20, 1.0))
    ]
    axes = curves.learning_curves(curves.points(scores)).figure.axes
    lines = [line for line in axes[1].lines if line.get_label() == "MACE"]
    mae = base.row("F").mae
    assert list(lines[0].get_ydata()) == pytest.approx([2 * mae, mae])
    assert any(len(line.get_xdata()) == 3 for line in axes[1].lines)


def test_a_part_of_the_test_set_shows_in_the_title(variant, base, noisy, invoke, tmp_path):
    energies = noisy.energies.copy()
    energies[500:] = np.nan
    failed = dataclasses.replace(noisy, energies=energies)
    files = [tmp_path / "all.json", tmp_path / "part.json"]
    files[0].write_text(base.model_dump_json())
    scored = teaeval.score(failed, replicates=0, allow_failed=True)
    part = variant(scored, "MACE", "folded/train/50")
    files[1].write_text(part.model_dump_json())
    invoke("plot", "learning-curve", *files, "-o", tmp_path / "lc.png")
    scores = [base, part]
    assert where(scores) == "mini-i@1.0.0 (mini edition), 500 of 2500 frames"
    plot = curves.learning_curves(curves.points(scores), where(scores))
    assert plot.figure.get_suptitle() == where(scores)


def test_other_labels_do_not_share_an_axis(variant, base):
    official = base.dataset.model_copy(update={"id": "tea2023-i", "edition": "official"})
    with pytest.raises(UsageError, match="one dataset"):
        curves.learning_curves(curves.points([base, base.model_copy(update={"dataset": official})]))
    with pytest.raises(DataError, match="trained on"):
        curves.points([variant(base, "MACE", None)])
    with pytest.raises(UsageError, match="unknown measure"):
        curves.points([base], "median")


def test_physnets_published_curve_is_table_si6(invoke, tmp_path):
    invoke("plot", "learning-curve", "--published", "-o", tmp_path / "lc.svg")
    text = (tmp_path / "lc.csv").read_text().splitlines()
    assert len(text) == 11
    plot = curves.learning_curves(curves.published_points("RMSE"))
    assert [d["value"] for d in plot.data if d["quantity"] == "F"] == [
        p.test_error for p in published.physnet() if p.quantity == "RMSE(F)"
    ]


def test_published_values_are_not_put_beside_mini_scores(base, invoke, tmp_path):
    score = tmp_path / "score.json"
    score.write_text(base.model_dump_json())
    with pytest.raises(UsageError, match="do not belong"):
        invoke("plot", "learning-curve", score, "--published", "-o", tmp_path / "lc.png")
    assert not (tmp_path / "lc.png").exists()


def test_scores_of_other_builds_of_a_dataset_are_not_on_one_curve(variant, base):
    one, other = (variant(base, "MACE", f"folded/train/{size}") for size in (100, 200))
    data = other.dataset.model_copy(update={"frames_sha256": "1" * 64})
    with pytest.raises(UsageError, match=f"{base.dataset.frames_sha256} in .*{'1' * 64} in "):
        curves.points([one, other.model_copy(update={"dataset": data})])


def test_an_error_of_0_is_named(variant, base):
    """It had no mark, without a word: the axis is logarithmic."""
    scores = [
        variant(base, "MACE", "folded/train/9"),
        variant(base, "x", "folded/train/9", factor=0),
    ]
    with pytest.raises(UsageError, match="x, trained on 9 frames: the E MAE is 0"):
        curves.learning_curves(curves.points(scores))
