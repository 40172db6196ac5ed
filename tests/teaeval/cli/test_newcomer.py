"""The first page of the documents, executed: from a file that ASE wrote to tables and a report."""

from __future__ import annotations

import re
import shlex
import shutil
import sys

import numpy as np
import pytest


@pytest.fixture
def folder(repository, tmp_path, mini_i):
    """A file as ASE writes it, and the example."""
    import ase.io
    from ase.calculators.singlepoint import SinglePointCalculator

    images = mini_i.split("folded/test").to_ase()
    noise = np.random.default_rng(0)
    for atoms in images:
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = SinglePointCalculator(
            atoms,
            energy=energy + noise.normal(0, 0.05),
            forces=forces + noise.normal(0, 0.05, forces.shape),
        )
        atoms.info.pop("frame_id", None)
    ase.io.write(tmp_path / "own.xyz", images)
    shutil.copy(repository / "examples/mini-i_folded_sgdml.npz", tmp_path)
    return tmp_path


def test_eight_commands_as_they_stand(repository, folder, run):
    text = (repository / "docs/first-score.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    commands = [shlex.split(line) for line in block.splitlines()]
    assert len(commands) == 8
    said = []
    for program, *arguments in commands:
        program = sys.executable if program == "python" else program
        done = run(program, *arguments, cwd=folder)
        assert done.returncode == 0, (arguments, done.stderr)
        assert "error" not in done.stderr
        said.append(done.stdout)
    assert "next: teaeval score own.xyz" in said[0]
    assert "mine, trained on: not said" in said[1]
    assert "A: mine\nB: sGDML" in said[3]
    assert "mine" in said[6]
    assert "sGDML" in said[6]
    assert re.search(r"mini-i.*mine", said[7])
    made = {path.name for path in folder.iterdir()}
    assert {
        "own.xyz.yaml",
        "own.json",
        "sgdml.json",
        "parity.png",
        "parity.csv",
        "report.html",
    } <= made
