"""A board of submissions on datasets of one's own."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import teadata
import teaeval
from teadata.create import Input, Options, create
from teadata.create.splitting import Wanted
from teaeval.board import entries
from teaeval.board.building import build
from teaeval.board.verification import verify


@pytest.mark.parametrize("said", [{}, {"dataset": "peptide"}], ids=["stated", "declared"])
def test_a_dataset_of_one_s_own_that_has_grown_since(
    said, mini_i, submission, monkeypatch, tmp_path
):
    """File or submission says ``peptide``, and the board what version that was."""
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path / "home"))
    frames = mini_i.split("folded/train/60")
    arrays = {"R": frames.positions, "E": frames.energies, "F": frames.forces}
    np.savez(tmp_path / "f.npz", z=frames.numbers, **arrays)

    def made(version: str, test: int) -> None:
        options = Options("kcal/mol", wanted=Wanted(valid=10, test=test))
        create("peptide", [Input(tmp_path / "f.npz")], options, version=version)

    made("0.1.0", 12)
    test = teadata.load("peptide").test_set("complete")
    listed = [{"file": "p.npz", "score": "score.json", **said}]
    folder = submission(tmp_path / "s", training={"data": "peptide"}, predictions=listed)
    prediction = teaeval.Prediction(
        dataset="peptide", subset="complete", energies=test.energies + 1, forces=test.forces + 1,
        frame_ids=test.ids, numbers=test.numbers, model="Made", train="complete/train/20",
    )  # fmt: skip
    teaeval.write_prediction(folder / "p.npz", prediction)
    scored = teaeval.score(teaeval.read_prediction(folder / "p.npz", **said))
    (folder / "score.json").write_text(scored.model_dump_json())
    board = tmp_path / "board"
    entries.add(folder, board)
    made("0.2.0", 15)
    outcome = verify(board)
    assert (outcome.verified, outcome.differences, outcome.left_out) == (1, [], [])
    build(board, tmp_path / "site")
    (page,) = (tmp_path / "site").glob("task-*.html")
    assert "--dataset peptide@0.1.0" in page.read_text()
    (page,) = (tmp_path / "site").glob("dataset-*.html")
    assert '<canvas id="view-canvas"' in page.read_text()
    shutil.rmtree(tmp_path / "home" / "own" / "peptide" / "0.1.0")
    outcome = verify(board)
    assert (outcome.verified, outcome.differences) == (0, [])
    assert "p.npz is of peptide@0.1.0: " in outcome.left_out[0]
    build(board, tmp_path / "site")  # without the data, and so without structures
    (page,) = (tmp_path / "site").glob("dataset-*.html")
    assert '<canvas id="view-canvas"' not in page.read_text()
