"""The shell and Python blocks of the pages are run, one after another, as they stand.

A block of ``text`` behind one is compared with what it printed; a line ``…`` stands for any lines.
A Python block that begins with the name of a file, ``# model.py``, is that file.  What is not run
has the reason before it: ``<!--- skip: next if(True, reason="…") -->``.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import shlex
import subprocess
import sys
import unittest
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sybil import Example, Sybil
from sybil.document import Document
from sybil.parsers.markdown import CodeBlockParser, SkipParser

import baselines
import teadata

REPOSITORY = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "docs/quickstart.md",
    "docs/tutorial.md",
    "docs/installing.md",
    "docs/howto/mace.md",
    "docs/howto/cluster.md",
    "docs/howto/paper.md",
    "docs/howto/cite.md",
    "docs/fetch.md",
    "docs/ingest.md",
    "docs/published.md",
    "docs/formats.md",
)
SLOW = {"docs/tutorial.md", "docs/formats.md", "docs/howto/mace.md"}
ELSEWHERE = {
    "docs/first-score.md": "tests/teaeval/cli/test_newcomer.py",
    "docs/own-data.md": "tests/teadata/create/test_page.py",
    "docs/extending.md": "tests/test_plugins.py",
    "docs/campaigns.md": "tests/baselines/campaign/test_document.py",
    "docs/board.md": "tests/teaeval/board/test_example.py",
}
"""Pages whose blocks another test runs."""

CODE = re.compile(r"^```(bash|sh|shell|python|pycon)\b", re.MULTILINE)
PLAIN = re.compile(r"(teadata|teaeval|baselines)( [^|&;<>()$`*?~{}\[\]\\]*)?")
FILE = re.compile(r"# ([\w-]+\.py)\n")


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files such as the official ones may be, made of the mini edition's frames."""
    folder = tmp_path_factory.mktemp("official")
    parts = {
        "folded_train_1000": "mini-i:folded/train/1000",
        "folded_test": "mini-i:folded/test",
        "complete_train_200": "mini-iii:complete/train/200",
        "complete_test": "mini-iii:complete/test",
    }
    for name, source in parts.items():
        dataset, _, split = source.partition(":")
        frames = teadata.load(dataset).split(split)[: 1000 if "train" in name else 50]
        arrays = {"R": frames.positions, "E": frames.energies, "F": frames.forces}
        if frames.cell is not None:
            arrays["lattice"] = frames.cell[0].T
        np.savez(folder / f"{name}.npz", z=frames.numbers, e_unit="kcal/mol", **arrays)
    for name, subset in {"AcAla3.zip": "folded", "NAME.zip": "complete"}.items():
        with zipfile.ZipFile(folder / name, "w") as archive:
            for file in sorted(folder.glob(f"{subset}_*.npz")):
                archive.write(file, file.name)
    with open(folder / "frames.extxyz", "w", encoding="utf-8") as file:
        for i in range(10):  # of complete_test, the last of the loop
            lattice = " ".join(map(str, frames.cell[i].ravel()))
            print(frames.n_atoms, file=file)
            print(
                f'Lattice="{lattice}" Properties=species:S:1:pos:R:3:forces:R:3 '
                f'pbc="T T F" energy={float(frames.energies[i])!r}',
                file=file,
            )
            rows = np.hstack([frames.positions[i], frames.forces[i]])
            for symbol, row in zip(frames.symbols, rows, strict=True):
                print(symbol, *row.tolist(), file=file)
    return folder


@pytest.fixture
def zenodo(official: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server with the record of the Challenge, as the commands find it."""
    monkeypatch.syspath_prepend(REPOSITORY / "tests" / "teadata" / "remote")
    for name in ("TEADATA_OFFLINE", "TEADATA_MIRROR", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with importlib.import_module("server").Zenodo() as server:
        server.add("14138387", {"NAME.zip": (official / "NAME.zip").read_bytes()})
        monkeypatch.setenv("TEADATA_ZENODO_URL", server.url)
        yield


@pytest.fixture
def mace_model(tmp_path: Path) -> Path:
    """The file of a small MACE that was trained for seconds, as mace_run_train leaves it."""
    pytest.importorskip("mace")
    quick = REPOSITORY / "baselines" / "configs" / "mace" / "quick.yaml"
    smaller = {"size": 24, "max_num_epochs": 6, "num_channels": 8, "dtype": "float64"}
    settings = tmp_path / "smaller.yaml"
    settings.write_text(yaml.safe_dump(yaml.safe_load(quick.read_text()) | smaller))
    model = baselines.load_model("mace", str(settings))
    data = teadata.load("mini-i")
    train, valid = data.split("folded/train/24"), data.split("folded/valid/8")
    (tmp_path / "training").mkdir()
    model.fit(train, valid, tmp_path / "training")
    model.export(tmp_path / "mine.model")
    return tmp_path / "mine.model"


def words(block: str) -> list[list[str]]:
    """The commands of a block of which bash only reads words; none if it has more to do."""
    lines = [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]
    if all(PLAIN.fullmatch(line) for line in lines):
        return [shlex.split(line, comments=True) for line in lines]
    return []


def run_shell(example: Example) -> None:
    """Run a block of bash, which stops at the first error."""
    if commands := words(example.parsed):
        printed = ""
        for line in commands:
            done = example.namespace["run"](*line, columns=100, timeout=280)
            printed += done.stdout
            assert done.returncode == 0, f"{line}\n{printed}{done.stderr}"
        example.namespace["printed"] = printed
        return
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", example.parsed],
        capture_output=True,
        text=True,
        timeout=280,
        env=os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "100",
        },
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{example.parsed}\n{done.stdout}{done.stderr}"
    example.namespace["printed"] = done.stdout


def run_python(example: Example) -> None:
    """Run a block of Python among the names of those before it, or keep it as a file."""
    if named := FILE.match(example.parsed):
        Path(named[1]).write_text(example.parsed, encoding="utf-8")
        return
    names = example.namespace.setdefault("names", {"__name__": "__main__"})
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example.parsed, example.path, "exec"), names)
    example.namespace["printed"] = printed.getvalue()


def compare(example: Example) -> None:
    """Compare what a page shows with what the block before it printed."""
    shown = [line.rstrip() for line in example.parsed.strip("\n").splitlines()]
    printed = [line.rstrip() for line in example.namespace.pop("printed").strip("\n").splitlines()]
    pattern = "".join(r"(?:.*\n)*?" if line == "…" else f"{re.escape(line)}\n" for line in shown)
    text = "\n".join(printed) + "\n"
    assert re.fullmatch(pattern, text), (
        f"{example.path}:{example.line} shows another output\n{text}"
    )


def parsed(page: str) -> Document:
    """The blocks of a page."""
    parsers = [
        SkipParser(),
        CodeBlockParser(language="bash", evaluator=run_shell),
        CodeBlockParser(language="python", evaluator=run_python),
        CodeBlockParser(language="text", evaluator=compare),
    ]
    return Sybil(parsers).parse(REPOSITORY / page)


def run_page(
    page: str, folder: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Any]
) -> tuple[int, int]:
    """Run the blocks of a page in a folder, and count those that ran and those that did not."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TEADATA_HOME", str(folder / "home"))
    monkeypatch.syspath_prepend(folder)
    (folder / "examples").symlink_to(REPOSITORY / "examples")
    ran = skipped = 0
    document = parsed(page)
    document.namespace["run"] = run
    for example in document.examples():
        code = CODE.match(example.document.text[example.region.start :]) is not None
        try:
            example.evaluate()
            ran += code
        except unittest.SkipTest:
            skipped += code
    return ran, skipped


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.slow] * (page in SLOW)) for page in PAGES],
)
def test_the_blocks_of_a_page(run, page, tmp_path, monkeypatch, request):
    if page in ("docs/fetch.md", "docs/ingest.md"):
        request.getfixturevalue("zenodo")
        for file in request.getfixturevalue("official").iterdir():
            (tmp_path / file.name).symlink_to(file)
    if page == "docs/howto/mace.md":
        assert request.getfixturevalue("mace_model").is_file()
    ran, skipped = run_page(page, tmp_path, monkeypatch, run)
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    there = len(CODE.findall(text))
    reasons = re.findall(r"<!--- skip: (?:next|start)(.*)-->", text)
    assert all(re.search(r'reason="[^"]{10,}"', said) for said in reasons), "no reason"
    assert ran + skipped == there, "blocks of another language than bash and python"
    print(f"{page}: {ran} of {there} blocks run")


def test_every_page_that_says_how_is_run(repository):
    begin = re.findall(
        r"^(\.\./)?([\w-]+)$", (repository / "docs/howto/index.md").read_text(), re.MULTILINE
    )
    pages = {f"docs/{name}.md" if up else f"docs/howto/{name}.md" for up, name in begin}
    assert len(pages) > 5
    assert pages <= {*PAGES, *ELSEWHERE}
    for page, test in ELSEWHERE.items():
        assert page.rsplit("/", 1)[-1] in (repository / test).read_text(), test
