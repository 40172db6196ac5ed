"""What a board keeps of submissions, and how it tells what was changed."""

from __future__ import annotations

import hashlib
import json
import shlex

import numpy as np
import pytest

import teaeval
from teadata.errors import DataError, UsageError
from teadata.provenance import sha256
from teaeval.board import entries
from teaeval.board.building import build
from teaeval.board.verification import verify


def test_a_board_keeps_what_it_is_given_and_marks_what_counts_no_longer(tree, submission, tmp_path):
    board = tmp_path / "board"
    first = submission(tmp_path / "a")
    filed, new = entries.add(first, board)
    assert new
    kept = tree(board)
    lines = "".join(
        f"{sha256(first / name)}  {name}\n" for name in sorted(("p.npz", "submission.yaml"))
    )
    assert hashlib.sha256(lines.encode()).hexdigest() == filed.entry.id
    assert entries.add(first, board)[1] is False
    assert tree(board) == kept
    second = submission(tmp_path / "b", scale=0.5)
    with pytest.raises(UsageError, match=f"--supersedes {filed.short}"):
        entries.add(second, board)
    assert tree(board) == kept
    better, _ = entries.add(second, board, supersedes=filed.short)
    other, _ = entries.add(submission(tmp_path / "c", version="2"), board)
    entries.withdraw(board, other.short, "a bug")
    with pytest.raises(UsageError, match="withdrawn already"):
        entries.withdraw(board, other.short, "a bug")
    status = {item.short: (item.status, item.reason) for item in entries.read_entries(board)}
    assert status == {
        filed.short: ("superseded", better.short),
        better.short: ("active", ""),
        other.short: ("withdrawn", "a bug"),
    }
    after = tree(board)
    assert {name: after[name] for name in kept} == kept
    outcome = verify(board)
    assert (outcome.differences, outcome.verified) == ([], 3)


def test_verify_finds_what_was_changed_and_says_what_was_left_out(submission, noise, run, tmp_path):
    board = tmp_path / "board"
    filed, _ = entries.add(submission(tmp_path / "a"), board)
    two = [{"file": "p.npz"}, {"file": "q.npz"}]
    said = {"data": "mini-iv", "size": [50, 100]}
    large = submission(tmp_path / "b", version="large", predictions=two, training=said)
    teaeval.write_prediction(large / "q.npz", noise(size=100))
    with pytest.raises(UsageError, match="unknown prediction file"):
        entries.add(large, board, leave_out=["r.npz"])
    entries.add(large, board, leave_out=["p.npz"])
    outcome = verify(board)
    assert outcome.differences == []
    assert outcome.verified == 2
    assert "p.npz is left out for its size (SHA-256" in outcome.left_out[0]
    said = run("teaeval", "board", "verify", board).stdout.splitlines()[-1]
    assert said.endswith(
        "2 predictions of 2 entries are as filed; not verified, each named above with its reason: 1"
    )
    entries.add(submission(tmp_path / "c", version="larger"), board, largest=0.001)
    assert len(verify(board).left_out) == 2
    score = filed.folder / "scores" / "0.json"
    forged = score.read_text().replace('"replicates": 1000', '"replicates": 999')
    score.write_text(forged)
    assert any("bootstrap.replicates" in line for line in verify(board).differences)
    prediction = filed.path("p.npz")
    teaeval.write_prediction(prediction, teaeval.template("mini-iv", "complete"))
    assert any("is not the file that was added" in line for line in verify(board).differences)
    score.write_text("cut")
    outcome = verify(board)  # the others are still verified
    assert (outcome.entries, outcome.verified) == (2, 1)
    (said,) = outcome.differences
    assert "is not as it was filed" in said
    assert "put its files back from a copy of the board, or remove this folder" in said
    with pytest.raises(DataError, match="is not as it was filed"):
        build(board, tmp_path / "site")


def test_a_board_with_a_link_in_it_shows_nothing_of_where_it_leads(submission, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret")
    folder = submission(tmp_path / "s", card="card.md")
    (folder / "card.md").write_text("A card.")
    for name in ("submission/card.md", "scores/0.json", "entry.json"):
        board = tmp_path / f"board-{name.replace('/', '-')}"
        filed, _ = entries.add(folder, board)
        (filed.folder / name).unlink()
        (filed.folder / name).symlink_to(secret)
        with pytest.raises(DataError, match="is a link"):
            build(board, tmp_path / "site")
        assert not (tmp_path / "site").exists()


def test_only_a_model_itself_is_superseded(submission, tmp_path):
    filed, _ = entries.add(submission(tmp_path / "a"), tmp_path / "board")
    other = submission(tmp_path / "b", model="Other")
    with pytest.raises(UsageError, match="only of one of the same model"):
        entries.add(other, tmp_path / "board", supersedes=filed.short)
    with pytest.raises(UsageError, match="unknown entry"):
        entries.add(other, tmp_path / "board", supersedes="ffff")
    with pytest.raises(UsageError, match="is no board"):
        entries.add(other, tmp_path / "a")


def test_a_problem_names_the_file_of_the_submission(submission, tmp_path):
    folder = submission(tmp_path / "s")
    (folder / "p.npz").write_text("no npz")
    with pytest.raises(DataError) as caught:
        entries.add(folder, tmp_path / "board")
    assert "\n  p.npz: not an npz file" in str(caught.value)
    assert ".tea-" not in str(caught.value)  # where it was copied to meanwhile


def _cut(path, content):
    path.write_bytes(content[: len(content) // 2])


def _flipped(path, content):
    changed = bytearray(content)
    changed[200] ^= 255
    path.write_bytes(bytes(changed))


def _array(path, content):
    with open(path, "wb") as stream:
        np.save(stream, np.arange(3.0))


def _other(path, content):
    """The errors of another model: half as large."""
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["absolute"] = arrays["absolute"] / 2
    np.savez(path, **arrays)


def _fewer(path, content):
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["count"] = arrays["count"][:, :3]
    np.savez(path, **arrays)


@pytest.mark.parametrize("damage", [_cut, _flipped, _array, _other, _fewer])
def test_errors_by_unit_that_are_not_those_of_the_score_are_named(damage, submission, tmp_path):
    """Places come from them, and the numbers beside the places from the score."""
    board = tmp_path / "board"
    filed, _ = entries.add(submission(tmp_path / "a"), board)
    units = filed.folder / "units" / "0.npz"
    damage(units, units.read_bytes())
    with pytest.raises(DataError, match=f"{filed.short}: is not as it was filed .*units") as caught:
        build(board, tmp_path / "site")
    assert "put its files back from a copy of the board" in str(caught.value)
    assert not (tmp_path / "site").exists()


def test_verify_goes_on_after_an_entry_that_is_none(submission, tmp_path):
    board = tmp_path / "board"
    filed, _ = entries.add(submission(tmp_path / "a"), board)
    entries.add(submission(tmp_path / "b", model="Other"), board)
    (board / "entries" / "notes.txt").write_text("mine")
    told = filed.folder / "entry.json"
    told.write_bytes(told.read_bytes()[:50])
    outcome = verify(board)
    assert (outcome.entries, outcome.verified) == (1, 1)
    first, second = outcome.differences
    assert filed.short in first
    assert "is no JSON" in first
    assert "notes.txt: is not as it was filed (is a file, expected the folder" in second
    assert second.endswith("or remove this file")


def test_what_is_filed_supersedes_nothing_later(submission, invoke, tmp_path):
    board = tmp_path / "board"
    old, _ = entries.add(submission(tmp_path / "a"), board)
    second = submission(tmp_path / "b", version="2")
    new, _ = entries.add(second, board)
    with pytest.raises(UsageError, match="cannot take the place") as caught:
        entries.add(second, board, supersedes=old.short)
    command = str(caught.value).partition("to mark that one: ")[2]
    invoke(*shlex.split(command)[1:])
    third = submission(tmp_path / "c", version="3")
    newest, _ = entries.add(third, board, supersedes=new.short)
    assert entries.add(third, board, supersedes=new.short)[1] is False
    with pytest.raises(UsageError, match=f"superseded already, by {newest.short}"):
        entries.add(submission(tmp_path / "d", version="4"), board, supersedes=new.short)
    said = invoke("submit", "add", tmp_path / "a", "--board", board)
    assert f"note: it is withdrawn (superseded by {new.short}), and stays so" in said
    assert f"(by {newest.short})" in invoke("submit", "add", second, "--board", board)
    with pytest.raises(UsageError, match=rf"{old.short} \(Made 1\)"):
        entries.withdraw(board, "Made", "which one?")


@pytest.mark.parametrize("name", ["two\u00a0words", "a\nb", " x"])
def test_a_board_may_be_in_a_folder_of_any_name(name, submission, tmp_path):
    entries.add(submission(tmp_path / "s"), tmp_path / name)
    assert json.loads((tmp_path / name / "board.json").read_text())["title"] == "Board"
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is no board"):
        entries.add(tmp_path / "s", tmp_path / "file")
