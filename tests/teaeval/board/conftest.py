"""Submissions of real and of made predictions, and the site of a board of some."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import teadata
import teaeval
from teadata.provenance import sha256
from teaeval import Prediction
from teaeval.board import entries
from teaeval.board.building import build

SAID: dict[str, Any] = {
    "model": "Made",
    "version": "1",
    "authors": ["A. Name"],
    "licence": "MIT",
    "training": {"data": "mini-iv"},
    "predictions": [{"file": "p.npz"}],
}

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def tree() -> Callable[[Path], dict[str, str]]:
    """The checksum of every file below a folder, and where links lead."""

    def look(folder: Path) -> dict[str, str]:
        return {
            str(path.relative_to(folder)): str(path.readlink())
            if path.is_symlink()
            else sha256(path)
            for path in sorted(folder.rglob("*"))
            if path.is_symlink() or path.is_file()
        }

    return look


@pytest.fixture(scope="session")
def noise() -> Callable[..., Prediction]:
    """The labels of mini-iv's test set with noise."""

    def predict(scale: float = 1.0, seed: int = 0, size: int = 50) -> Prediction:
        rng = np.random.default_rng(seed)
        test = teadata.load("mini-iv").test_set("complete")
        return Prediction(
            dataset="mini-iv",
            subset="complete",
            energies=test.energies + scale * rng.normal(size=len(test)),
            forces=test.forces + scale * rng.normal(size=test.forces.shape),
            frame_ids=test.ids,
            numbers=test.numbers,
            model="Made",
            train=f"complete/train/{size}",
        )

    return predict


@pytest.fixture(scope="session")
def submission(noise) -> Make:
    """Make a submission: what it says, over SAID, and the prediction p.npz."""

    def make(folder: Path, scale: float = 1.0, seed: int = 0, size: int = 50, **said: Any) -> Path:
        folder.mkdir(parents=True)
        teaeval.write_prediction(folder / "p.npz", noise(scale, seed, size))
        words = SAID | said
        (folder / "submission.yaml").write_text(yaml.safe_dump(words, allow_unicode=True))
        return folder

    return make


@pytest.fixture(scope="session")
def hostile() -> str:
    """The name of a model that a page or a table could obey."""
    return "=1+1<script>alert(1)</script>\"'"


@pytest.fixture(scope="session")
def board(submission, noise, hostile, tmp_path_factory) -> Path:
    """Models of two training sizes; one withdrawn, one incomplete, one with a hostile name."""
    folder = tmp_path_factory.mktemp("board")
    board = folder / "results"
    for n, (name, scale, size) in enumerate(
        (("Best", 1.0, 50), ("Twin", 1.0, 50), ("Far", 4.0, 50), ("Large", 0.5, 100))
    ):
        item = submission(folder / name, scale, n, size, model=name, training={
            "data": "mini-iv", "hours": 0.1 * (n + 1), "hyperparameters": {"width": [8, 16]},
        })  # fmt: skip
        entries.add(item, board)
    gone, _ = entries.add(submission(folder / "gone", 0.1, 7, model="Gone"), board)
    entries.withdraw(board, gone.short, "trained on the test set")
    short = submission(folder / "short", 0.2, 8, model="Short")
    whole = noise(0.2, 8)
    keep = slice(0, len(whole.energies) - 3)
    part = dataclasses.replace(
        whole,
        energies=whole.energies[keep],
        forces=whole.forces[keep],
        frame_ids=whole.frame_ids[keep],
    )
    teaeval.write_prediction(short / "p.npz", part)
    entries.add(short, board)
    item = submission(
        folder / "hostile", 2.0, 9, model=hostile, card="card.md",
        affiliation="@SUM(1+1)*cmd|' /C calc'!A0", authors=["<img src=x onerror=alert(2)>"], code="https://example.org/?q=1&amp;r=2",
    )  # fmt: skip
    (item / "card.md").write_text("</pre><script>alert(3)</script>{{ 7 * 7 }}")
    entries.add(item, board)
    return board


@pytest.fixture(scope="session")
def site(board) -> Path:
    folder = board.parent / "site"
    build(board, folder, "A & B")
    return folder


@pytest.fixture
def tab(browser) -> Iterator[object]:
    """A tab that notes what goes wrong, and what is asked for from elsewhere."""
    tab = browser.new_page(viewport={"width": 1200, "height": 800})
    problems: list[str] = []
    tab.on("console", lambda m: m.type in ("error", "warning") and problems.append(m.text))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("dialog", lambda d: (problems.append(d.message), d.dismiss()))
    tab.on("request", lambda r: r.url.startswith(("file:", "data:")) or problems.append(r.url))
    yield tab
    assert problems == []
    tab.close()
