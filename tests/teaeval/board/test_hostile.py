"""Submissions of strangers: hostile words and files are problems, and do nothing else."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import teaeval
from teadata.errors import DataError, TeaError
from teaeval.board import entries
from teaeval.board.checking import check

ALIASES = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 8)}]\n" for n in range(12)
)

HOSTILE = {
    "aliases": ALIASES,
    "a tag": "model: !!python/object/apply:os.system ['touch owned']\n",
    "deep": "model: " + "[" * 5000 + "]" * 5000,
    "no UTF-8": b"model: \xff\xfe",
    "control characters": 'model: "Made\\x1b]0;owned\\a"\n',
    "a right-to-left name": "model: Made\u202eexe\n",
    "blank letters": "model: \u3164\u3164\n",
    "a space that is none": "model: MA\u00a0CE\n",
    "a heap of marks": "model: M" + "\u0300" * 50 + "\n",
    "long": "model: " + "x" * 400_000,
    "a key twice": "model: A\nmodel: B\n",
    "no mapping": "- a\n",
    "a number of a million digits": "model: " + "9" * 100_000,
    "a date that is none": "model: 2024-99-99\n",
    "nothing": "",
    "markup": "model: <script>alert(1)</script>\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_words_are_problems_and_nothing_else(tree, name, submission, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = submission(tmp_path / "s")
    content = HOSTILE[name]
    (folder / "submission.yaml").write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )
    before = tree(tmp_path)
    assert check(folder).problems
    with pytest.raises(TeaError):
        entries.add(folder, tmp_path / "board")
    assert tree(tmp_path) == before


def hostile_files(folder: Path, outside: Path) -> None:
    """Put something else in the place of the prediction, by the folder's name."""
    prediction = folder / "p.npz"
    kind = folder.name
    prediction.unlink()
    if kind == "link":
        prediction.symlink_to(outside)
    elif kind == "pipe":
        os.mkfifo(prediction)
    elif kind == "folder":
        prediction.mkdir()
    elif kind == "pickle":
        np.savez(prediction, energy=np.array([{}], dtype=object), forces=np.zeros(3))
    elif kind == "text":
        prediction.write_text("owned")
    elif kind == "sidecar":
        shutil.copy(outside, prediction)
        (folder / "p.npz.yaml").write_text(ALIASES)
    elif kind == "huge":
        with open(prediction, "wb") as stream:
            stream.truncate((2 << 30) + 1)


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "pickle", "text", "sidecar", "huge"])
def test_hostile_files_are_problems_and_nothing_else(kind, submission, tmp_path):
    outside = submission(tmp_path / "outside") / "p.npz"
    folder = submission(tmp_path / kind)
    hostile_files(folder, outside)
    assert check(folder).problems
    with pytest.raises(TeaError):
        entries.add(folder, tmp_path / "board")
    assert not (tmp_path / "board").exists()


@pytest.mark.parametrize("value", [1e308, 1e200])
def test_errors_beyond_all_measure_do_not_break_a_board(tree, value, noise, submission, tmp_path):
    made = noise()
    forces = made.forces.copy()
    forces[7, 0, 0] = value
    folder = submission(tmp_path / "s")
    teaeval.write_prediction(folder / "p.npz", dataclasses.replace(made, forces=forces))
    (problem,) = check(folder).problems
    assert problem.startswith("p.npz: has or gives a number that is not finite or above 1e+100")
    board = tmp_path / "board"
    entries.add(submission(tmp_path / "other"), board)
    before = tree(board)
    with pytest.raises(DataError, match="not finite"):
        entries.add(folder, board)
    assert tree(board) == before
    assert len(list(entries.read_entries(board))) == 1


def test_a_folder_below_a_link_and_a_hidden_file_are_not_read(submission, tmp_path):
    outside = submission(tmp_path / "outside")
    folder = submission(tmp_path / "s", predictions=[{"file": "there/p.npz"}])
    (folder / "there").symlink_to(outside)
    assert any("there/p.npz: is a link, or below one" in text for text in check(folder).problems)
    hidden = submission(tmp_path / "h", predictions=[{"file": ".p.npz"}])
    assert any("predictions.0.file" in text for text in check(hidden).problems)
    with pytest.raises(DataError, match="is a link"):
        entries.add(folder, tmp_path / "board")


def test_random_damage_to_the_words_never_ends_in_a_traceback(submission, tmp_path):
    folder = submission(tmp_path / "s", training={"data": "x", "hyperparameters": {"a": [1, 2]}})
    (folder / "p.npz").unlink()  # words alone are looked at
    words = folder / "submission.yaml"
    whole = words.read_bytes()
    rng = np.random.default_rng(0)
    pieces = [
        b"&a",
        b"*a",
        b"!!",
        b"{",
        b"[",
        b"- ",
        b"\x00",
        b"\xe2\x80\xae",
        b": ",
        b"\n",
        b"1e999",
    ]
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(len(damaged)))
            damaged[at : at + int(rng.integers(0, 4))] = pieces[rng.integers(len(pieces))]
        words.write_bytes(bytes(damaged))
        assert check(folder).problems
