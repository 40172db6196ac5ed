"""The task matrix."""

from __future__ import annotations

import numpy as np
import pytest

from teadata.errors import UsageError
from teaeval.plots.matrix import task_matrix


def test_task_matrix(variant, base):
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


@pytest.mark.parametrize("content", ["frames", "splits"])
def test_scores_of_other_builds_of_a_dataset_are_not_in_one_matrix(variant, base, content):
    one, other = variant(base, "MACE", "folded/train/9"), variant(base, "sGDML", "folded/train/9")
    data = other.dataset.model_copy(update={f"{content}_sha256": "1" * 64})
    with pytest.raises(UsageError, match=f"its {content} have SHA-256 .* and {'1' * 64}"):
        task_matrix([one, other.model_copy(update={"dataset": data})])


def test_errors_of_0_are_in_the_matrix(variant, base, tmp_path):
    """A file with the labels has them; they have no place on a logarithmic scale."""
    right = variant(base, "labels", "folded/train/9", factor=0.0)
    for scores, marks in (([right], ["0"]), ([right, variant(base, "MACE", "folded/train/9")], 2)):
        plot = task_matrix(scores, ["F"])
        plot.save(tmp_path / "m.png")
        texts = [t.get_text() for ax in plot.figure.axes for t in ax.texts]
        assert texts == marks or ("0" in texts and len(texts) == marks)


def test_a_reference_of_0_has_no_ratio(base):
    """The energies of a test set of one frame, relative to the lowest."""
    rows = [
        row.model_copy(update={"mae_percent_mean": None}) if row.quantity == "E" else row
        for row in base.rows
    ]
    with pytest.raises(UsageError, match=r"E has no % of mean.*--kind absolute"):
        task_matrix([base.model_copy(update={"rows": rows})])
