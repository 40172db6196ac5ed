"""Scores against references in tables."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import teadata
import teaeval
from teadata.errors import UsageError
from teaeval import Prediction, Score, tables
from teaeval.plots.curves import points
from teaeval.plots.matrix import task_matrix


@pytest.fixture(scope="module")
def scores(tmp_path_factory) -> list[Score]:
    """Two models against one file, and one of them against another file of the same name."""
    frames = teadata.load("mini-i").split("folded/test")[:60]
    made = []
    for folder, noise, models in (("one", 0.0, ("a", "b")), ("two", 1.0, ("a",))):
        root = tmp_path_factory.mktemp(folder)
        rng = np.random.default_rng(0)
        np.savez(
            root / "labels.npz",
            energy=frames.energies + noise,
            forces=frames.forces,
            positions=frames.positions,
            numbers=frames.numbers,
            energy_unit="kcal/mol",
            length_unit="Å",
        )
        for n, model in enumerate(models, start=1):
            prediction = Prediction(
                dataset="",
                subset="",
                energies=frames.energies + n * rng.normal(size=60),
                forces=frames.forces + n * rng.normal(size=frames.forces.shape),
                positions=frames.positions,
                model=model,
            )
            made.append(teaeval.score(prediction, reference=root / "labels.npz", replicates=20))
    return made


def test_another_reference_has_another_table_though_its_name_is_the_same(scores):
    first, second = tables.grids(scores)
    assert first.title != second.title
    assert "labels.npz" in first.title
    assert "no dataset" in first.title
    assert first.groups == ("a", "b")
    assert not any(cell.best for row in second.rows for cell in row.cells)
    assert all(row.cells[0].best for row in first.rows)
    assert first.rows[0].labels == ("C12H22N4O4", "E")
    assert not any("not said" in note for note in first.notes)


def test_records_and_the_score_itself_name_the_reference(scores):
    entries = tables.records(scores)
    assert {entry["edition"] for entry in entries} == {"reference"}
    assert len({entry["frames_sha256"] for entry in entries}) == 2
    assert "reference=labels.npz" in repr(scores[0])


def test_what_needs_training_sets_says_so(scores):
    with pytest.raises(UsageError, match="learning curves need scores of a dataset"):
        points(scores, "MAE")
    with pytest.raises(UsageError, match="task matrices need scores of a dataset"):
        task_matrix(scores)


def test_other_labels_of_one_file_are_another_reference(scores):
    read = scores[0].reference.model_copy(update={"energy_key": "E_old"})
    other = scores[0].model_copy(update={"reference": read})
    assert len(tables.grids([scores[0], other])) == 2
    assert dataclasses.is_dataclass(tables.grids([other])[0])
