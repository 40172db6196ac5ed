"""Learning curves, the task matrix and radii of gyration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import teadata
import teaeval
from teadata.elements import MASSES
from teadata.errors import DataError, UsageError
from teaeval import published
from teaeval.observables import gyration as radii
from teaeval.plots import curves
from teaeval.plots.gyration import gyration
from teaeval.plots.matrix import task_matrix
from teaeval.tables.scores import where


@pytest.fixture(scope="module")
def base(made):
    return teaeval.score(made("mini-i", "folded", "MACE"), replicates=20)


def variant(score, model, train, subset="folded", factor=1.0):
    rows = [
        row.model_copy(
            update={
                name: getattr(row, name) * factor
                for name in ("mae", "rmse", "max", "mae_percent_mean", "mae_percent_std")
            }
        )
        for row in score.rows
    ]
    return score.model_copy(
        update={
            "rows": rows,
            "prediction": score.prediction.model_copy(update={"model": model, "train": train}),
            "dataset": score.dataset.model_copy(update={"subset": subset}),
        }
    )


def test_learning_curves(base):
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


def test_labels_of_sizes_do_not_overlap(base):
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


def test_repeated_sizes_are_marked_each_and_joined_by_their_mean(base):
    scores = [
        variant(base, "MACE", f"folded/train/{size}", factor=factor)
        for size, factor in ((10, 1.0), (10, 3.0), (20, 1.0))
    ]
    axes = curves.learning_curves(curves.points(scores)).figure.axes
    lines = [line for line in axes[1].lines if line.get_label() == "MACE"]
    mae = base.row("F").mae
    assert list(lines[0].get_ydata()) == pytest.approx([2 * mae, mae])
    assert any(len(line.get_xdata()) == 3 for line in axes[1].lines)


def test_a_part_of_the_test_set_shows_in_the_title(base, invoke, tmp_path):
    cover = base.coverage.model_copy(update={"scored": 500, "missing": 2000})
    files = [tmp_path / "all.json", tmp_path / "part.json"]
    files[0].write_text(base.model_dump_json())
    part = variant(base, "MACE", "folded/train/50").model_copy(update={"coverage": cover})
    files[1].write_text(part.model_dump_json())
    invoke("plot", "learning-curve", *files, "-o", tmp_path / "lc.png")
    scores = [base, part]
    assert where(scores) == "mini-i@1.0.0 (mini edition), 500 of 2500 frames"
    plot = curves.learning_curves(curves.points(scores), where(scores))
    assert plot.figure.get_suptitle() == where(scores)


def test_other_labels_do_not_share_an_axis(base):
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


def test_task_matrix(base):
    scores = [
        variant(base, "MACE", f"{train}/train/9", test, factor)
        for train, test, factor in (
            ("folded", "folded", 1), ("folded", "unfolded", 5), ("unfolded", "unfolded", 2)
        )
    ]  # fmt: skip
    plot = task_matrix(scores, ["F"], "absolute")
    ax = plot.figure.axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["folded", "unfolded"]
    mae = base.row("F").mae
    grid = ax.images[0].get_array()
    assert grid.filled(np.nan).ravel() == pytest.approx(
        [mae, 5 * mae, np.nan, 2 * mae], nan_ok=True
    )
    assert [t.get_text() for t in ax.texts].count("no score") == 1
    assert len(plot.data) == 3
    with pytest.raises(UsageError, match="scores are of MACE"):
        task_matrix([*scores, scores[0]])
    with pytest.raises(UsageError, match="unknown quantity"):
        task_matrix(scores, ["F(Pb)"])


def test_radius_of_gyration(small):
    heavy = small.numbers > 1
    mass = np.array(MASSES)[small.numbers[heavy]]
    for frame, found in zip(
        small.positions[:, heavy], radii.radius_of_gyration(small), strict=True
    ):
        centre = np.average(frame, axis=0, weights=mass)
        square = np.average(((frame - centre) ** 2).sum(axis=1), weights=mass)
        assert found == pytest.approx(np.sqrt(square))
    with pytest.raises(UsageError, match="periodic"):
        radii.radius_of_gyration(teadata.load("mini-iv").split("complete/train/8"))


def test_gyration_of_files_and_reference(invoke, mini_i, tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "md.csv").write_text(
        "rg,label\n" + "".join(f"{r:.4f},model\n" for r in rng.normal(3.5, 0.1, 500))
    )
    np.savez(tmp_path / "other.npz", rg=rng.normal(3.2, 0.1, 300))
    out = tmp_path / "rg.png"
    invoke(
        "plot", "gyration", tmp_path / "md.csv", tmp_path / "other.npz", "--reference",
        "mini-i:folded", "-o", out,
    )  # fmt: skip
    assert out.read_bytes().startswith(b"\x89PNG")
    plot = gyration(
        {"a": radii.of_reference(mini_i, "folded")} | radii.read(tmp_path / "md.csv")
        | radii.read(tmp_path / "other.npz")
    )  # fmt: skip
    for label, frames in (("a", 2500), ("model", 500), ("other", 300)):
        lines = [d for d in plot.data if d["label"] == label]
        assert sum(d["density"] * (d["rg_high"] - d["rg_low"]) for d in lines) == pytest.approx(1)
        assert {d["frames"] for d in lines} == {frames}
    labels = [t.get_text() for t in plot.figure.legends[0].get_texts()]
    assert labels == ["a (2500 frames)", "model (500 frames)", "other (300 frames)"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "radius\n3\n", "expected rg"),
        ("x.csv", "rg\nthree\n", "cannot be read"),
        ("x.csv", "rg\nnan\n", "positive and finite"),
        ("x.npz", "no zip", "cannot be read"),
        ("x.txt", "3", "csv or .npz"),
    ],
)
def test_what_is_no_file_of_radii(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises((DataError, UsageError), match=message):
        radii.read(tmp_path / name)
