"""The gallery in the documents: complete, drawn by one command, and true to its data."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from teaeval.hydrogen.record import read_record
from teaeval.tables.numbers import significant


def page(repository: Path) -> str:
    return (repository / "docs" / "figures.md").read_text()


def test_one_command_draws_every_figure(repository, tmp_path):
    shown = set(re.findall(r"\]\(figures/(.+?)\.png\)", page(repository)))
    lying = {path.stem for path in (repository / "docs" / "figures").glob("*.png")}
    assert shown == lying
    if shutil.which("make") is None:
        pytest.skip("no make")
    done = subprocess.run(
        ["make", "-n", "figures", f"OUT={tmp_path}", f"RUNS={tmp_path}/runs"],
        capture_output=True,
        text=True,
        cwd=repository,
        check=True,
    )
    drawn = set(re.findall(rf"{tmp_path}/([a-z-]+)\.png", done.stdout))
    assert drawn == shown
    # the board's predictions are there: nothing is trained for the figures that are drawn of them
    gallery, _, rest = done.stdout.partition("baselines train")
    assert len(re.findall(r"-o \S+\.png", gallery)) >= 13
    assert "sgdml" not in rest


def test_the_figure_of_hydrogen_is_of_the_shipped_records(repository):
    """As the makefile names them, which draws the figure."""
    makefile = (repository / "Makefile").read_text()
    models = re.search(
        r"^HYDROGEN = \$\(foreach model,(.+?),examples/hydrogen/", makefile, re.MULTILINE
    )
    assert models is not None
    with open(repository / "docs" / "figures" / "hydrogen.csv", newline="") as stream:
        lines = [line for line in csv.DictReader(stream) if line["quantity"] == "pressure"]
    drawn = {
        (line["label"], float(line["temperature"]), float(line["density"])): float(line["value"])
        for line in lines
        if line["label"] != "reference"
    }
    expected = {}
    for model in models.group(1).split():
        record = read_record(repository / "examples" / "hydrogen" / f"{model}.json")
        for state in record.states:
            if state.observed is not None and state.observed.pressure is not None:
                key = (record.plan.label, state.temperature, state.density)
                expected[key] = state.observed.pressure.value
    assert drawn == pytest.approx(expected)


def test_the_numbers_beside_the_learning_curve_are_its(repository):
    with open(repository / "docs" / "figures" / "learning-curve.csv", newline="") as stream:
        lines = [line for line in csv.DictReader(stream) if line["quantity"] == "F"]
    assert [int(line["size"]) for line in lines] == [25, 50, 100, 200, 300]
    values = [float(line["value"]) for line in lines]
    assert values == sorted(values, reverse=True)
    stated = re.search(r"Force MAE: (.+?) and (\S+) kcal", page(repository))
    assert stated is not None
    numbers = [*stated.group(1).split(", "), stated.group(2)]
    assert numbers == [significant(value) for value in values]


@pytest.mark.slow
def test_the_three_commands_of_the_document(repository, tmp_path):
    """As they stand there, but for the sizes."""
    pytest.importorskip("sgdml")
    block = re.search(r"Three commands.*?```bash\n(.*?)```", page(repository), re.DOTALL)
    assert block is not None
    commands = block.group(1).replace("25 50 100 200 300", "4 6 8 10 12")
    assert len(commands.splitlines()) == 3
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", commands],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "learning-curve.png").stat().st_size > 10_000
    with open(tmp_path / "learning-curve.csv", newline="") as stream:
        lines = [line for line in csv.DictReader(stream) if line["quantity"] == "F"]
    assert sorted(int(line["size"]) for line in lines) == [4, 6, 8, 10, 12]
