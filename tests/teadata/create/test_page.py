"""The page about data of one's own, executed: its quick part always, all of it when slow."""

from __future__ import annotations

import re
import shlex
import shutil
import textwrap

import numpy as np
import pytest

import teadata
import teaeval
from teadata import units
from teaeval import Prediction


@pytest.fixture(scope="session")
def commands(repository) -> list[list[str]]:
    text = (repository / "docs" / "own-data.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


@pytest.fixture
def folder(repository, tmp_path):
    shutil.copy(repository / "examples" / "own-data" / "ethanol.xyz.gz", tmp_path)
    return tmp_path


def test_the_data_are_small_and_their_licence_is_said(repository):
    file = repository / "examples" / "own-data" / "ethanol.xyz.gz"
    assert file.stat().st_size < 200_000
    assert "CC BY 4.0" in (repository / "examples" / "README.md").read_text()


def test_what_the_page_does_with_data(commands, folder, run):
    for command in commands:
        if command[0] == "teadata":
            done = run(*command, cwd=folder)
            assert done.returncode == 0, (command, done.stderr)
    data = teadata.load("ethanol")
    assert data.card.version == "0.1.0"
    runs = [set(data.split(name).trajectories) for name in data.splits]
    assert not runs[0] & (runs[1] | runs[2])
    assert len(data.split("complete/test")) == 80


def test_a_dataset_of_ones_own_is_scored_compared_and_reported(commands, folder, run, tmp_path):
    assert run(*commands[0], cwd=folder).returncode == 0
    test = teadata.load("ethanol").split("complete/test")
    files = []
    for i, scale in enumerate((0.1, 0.3)):
        noise = np.random.default_rng(i)
        prediction = Prediction(
            dataset="ethanol",
            subset="complete",
            energies=test.energies + noise.normal(0, scale, len(test)),
            forces=test.forces + noise.normal(0, scale, test.forces.shape),
            frame_ids=test.ids,
            model=f"noise {scale}",
            train="complete/train/50",
        )
        files.append(tmp_path / f"{i}.npz")
        teaeval.write_prediction(files[-1], prediction)
    score = teaeval.score(files[0])
    assert (score.dataset.id, score.dataset.version, score.dataset.edition) == (
        "ethanol",
        "0.1.0",
        "own",
    )
    assert {"E", "F", "F(hydroxyl)"} <= {row.quantity for row in score.rows}
    compared = run("teaeval", "compare", *files)
    assert compared.returncode == 0, compared.stderr
    # the split keeps simulations together, so these are what intervals are over
    simulations = len(np.unique(test.trajectories))
    assert f"jackknife over {simulations} trajectories" in compared.stdout
    assert (score.bootstrap.unit, score.bootstrap.units) == ("trajectory", simulations)
    reported = run("teaeval", "report", *files, "-o", tmp_path / "report.html")
    assert reported.returncode == 0, reported.stderr
    refused = run("teaeval", "hydrogen", "--dataset", "ethanol", "--calculator", "x:y")
    assert refused.returncode == 2
    assert "expected a dataset such as mini-hydrogen" in refused.stderr
    # scores are laid out where nobody has the dataset, too
    run("teaeval", "score", files[0], "-o", tmp_path / "score.json")
    assert run("teadata", "remove", "ethanol", "--yes").returncode == 0
    table = run("teaeval", "table", tmp_path / "score.json")
    assert (table.returncode, "complete->complete" in table.stdout) == (0, True)


def test_the_two_files_of_cp2k_become_one(repository, frames, run, tmp_path):
    """As the page says it, with files as CP2K writes them: Å, hartree, hartree/bohr."""
    text = (repository / "docs" / "own-data.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^  ```python\n(.*?)^  ```", text, re.MULTILINE | re.DOTALL)
    forces = frames.forces / units.HARTREE * units.BOHR
    for name, values in (("pos", frames.positions), ("frc", forces)):
        with open(tmp_path / f"run-{name}-1.xyz", "w") as stream:
            for n, rows in enumerate(values):
                energy = frames.energies[n] / units.HARTREE
                stream.write(f"{frames.n_atoms}\n i = {n:8d}, time = {n / 2:12.3f}, ")
                stream.write(f"E = {energy:20.10f}\n")
                stream.writelines(
                    f"{symbol:>3}{x:20.10f}{y:20.10f}{z:20.10f}\n"
                    for symbol, (x, y, z) in zip(frames.symbols, rows, strict=True)
                )
    (tmp_path / "join.py").write_text(textwrap.dedent(block))
    joined = run(tmp_path / "join.py", cwd=tmp_path)
    assert joined.returncode == 0, joined.stderr
    done = run("teadata", "create", "cp2k", tmp_path / "run.xyz", "--energy-unit", "hartree",
               "--force-unit", "hartree/bohr")  # fmt: skip
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(teadata.load("cp2k").frames.forces, frames.forces, atol=2e-5)


@pytest.mark.slow
def test_the_page(commands, folder, run):
    for command in commands:
        done = run(*command, cwd=folder, timeout=900)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert (folder / "report.html").stat().st_size > 100_000
    assert (folder / "md" / "md.json").is_file() or (folder / "md" / "plan.json").is_file()


@pytest.mark.slow
def test_the_script_writes_such_frames(repository, run, tmp_path, home):
    pytest.importorskip("tblite")
    script = repository / "examples" / "own-data" / "ethanol.py"
    arguments = ("--runs", 2, "--frames", 3, "-o", tmp_path / "few.xyz")
    done = run("python", script, *arguments)
    assert done.returncode == 0, done.stderr
    made = run("teadata", "create", "few", tmp_path / "few.xyz", "--energy-unit", "eV")
    assert made.returncode == 0, made.stderr
