"""Commands that replace a folder are killed at each move: the old one or the new is there."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import teadata
from teadata import formats
from teadata.files import STAGING
from teadata.verify import verify

DYING = """
import os, signal, sys
moves, move = int(sys.argv.pop(1)), os.replace
def moving(old, new):
    global moves
    if moves == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    moves -= 1
    move(old, new)
os.replace = moving
from teadata.cli import main
main()
"""
"""``teadata``, killed before it moves something for the n-th time."""


@pytest.fixture
def killed(run, tmp_path) -> Callable[..., None]:
    """Run a command until it is killed, or done."""
    script = tmp_path / "dying.py"
    script.write_text(DYING)

    def until(moves: int, *arguments: object, cwd: Path) -> None:
        done = run(script, moves, *arguments, cwd=cwd)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr

    return until


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.name.startswith(STAGING)]


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def ingest(size: int, *more: str) -> tuple[str, ...]:
    file = f"r{size}.npz"
    return ("ingest", file, "--dataset", "tea2023-i", "--map",
            f"{file}=folded/train/{size}", *more)  # fmt: skip


def test_an_ingest_that_replaces_a_dataset(run, killed, home, tmp_path):
    mini = teadata.load("mini-i")
    for size in (200, 500):
        formats.write(tmp_path / f"r{size}.npz", mini.split(f"folded/train/{size}"))
    assert run("teadata", *ingest(500), cwd=tmp_path).returncode == 0
    datasets, seen = home / "datasets", []
    for moves in range(10):
        killed(moves, *ingest(200, "--replace"), cwd=tmp_path)
        if not (datasets / "tea2023-i").exists():  # the next command is one that fails
            failed = run("teadata", *ingest(200, "--energy-unit", "furlong"), cwd=tmp_path)
            assert failed.returncode != 0
            seen.append("between")
        dataset = teadata.load("tea2023-i")
        assert all(check.passed for check in verify(dataset))
        seen.append(len(dataset.frames))
        if seen[-1] == 200:
            break
    assert seen[-1] == 200
    assert "between" in seen
    assert run("teadata", *ingest(200, "--replace"), cwd=tmp_path).returncode == 0
    assert leftovers(datasets) == []


def export(size: int) -> tuple[str, ...]:
    return ("export", "mini-i", "--split", f"folded/train/{size}", "-o", "e.zarr", "--replace")


def test_an_export_over_an_older_store(run, killed, tmp_path):
    pytest.importorskip("zarr")
    mini = teadata.load("mini-i")
    expected = {size: mini.split(f"folded/train/{size}").energies for size in (200, 500)}
    place, copies = tmp_path / "here", []
    place.mkdir()
    assert run("teadata", *export(500), cwd=place).returncode == 0
    for moves in range(10):
        killed(moves, *export(200), cwd=place)
        if not (place / "e.zarr").exists():
            copies.append(shutil.copytree(place, tmp_path / f"copy{moves}"))
        energies = formats.read(place / "e.zarr").energies
        np.testing.assert_array_equal(energies, expected[len(energies)])
        if len(energies) == 200:
            break
    assert len(energies) == 200
    (copy,) = copies  # between the two moves: what is written next there is whole too
    for folder in (place, copy):
        assert run("teadata", *export(500), cwd=folder).returncode == 0
        assert len(formats.read(folder / "e.zarr").energies) == 500
        assert leftovers(folder) == []
