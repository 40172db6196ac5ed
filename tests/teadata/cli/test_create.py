"""``teadata create`` and ``remove`` as their user meets them."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from teadata import catalog, formats
from teadata.create import Input, Options, create


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path / "home"))


@pytest.fixture
def file(mini_i, tmp_path):
    frames = mini_i.split("folded/train/100")
    path = tmp_path / "my frames.npz"
    np.savez(
        path, R=frames.positions, E=frames.energies, F=frames.forces, z=frames.numbers
    )  # without units
    return path


@pytest.mark.parametrize(("typed", "status"), [("peptide", 0), ("peptid", 2), ("", 2), ("\x04", 2)])
def test_remove_asks_for_the_name(run, file, tmp_path, typed, status):
    create("peptide", [Input(file)], Options("kcal/mol"))
    here, there = pty.openpty()
    os.write(here, b"\x04" if typed == "\x04" else typed.encode() + b"\n")
    command = Path(sys.executable).parent / "teadata"
    done = subprocess.run(
        [command, "remove", "peptide"], stdin=there, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    assert "Type peptide to remove" in done.stdout
    assert ("peptide" in catalog.ids()) == bool(status)
    assert "Traceback" not in done.stderr


def test_the_whole_life_of_a_dataset(run, file, tmp_path):
    done = run("teadata", "create", "peptide", file, "--valid", 20, "--test", 30)
    assert done.returncode == 2
    assert "does not say in which unit its energies are" in done.stderr
    command = done.stderr.strip().splitlines()[-1]
    assert command.endswith("--energy-unit eV")
    command = command.replace("--energy-unit eV", "--energy-unit kcal/mol")
    done = run(*shlex.split(command), "--title", "A peptide", "--group", "methyl=0-3")
    assert done.returncode == 0, done.stderr
    assert "peptide@0.1.0: C12H22N4O4, 42 atoms" in done.stdout
    assert "11 checks, 0 failed" in done.stdout

    again = run(*shlex.split(command), "--group", "methyl=0-3")
    assert again.returncode == 0
    assert "is here already, with the same frames and splits" in again.stdout
    other = run(*shlex.split(command), "--seed", 1)
    assert other.returncode == 2
    assert "a version never changes" in other.stderr
    assert run(*shlex.split(other.stderr.strip().splitlines()[-1])).returncode == 0
    for version in (["--version", "0.1.0"], ["--version=0.1.0"]):
        earlier = run(*shlex.split(command), "--seed", 2, *version).stderr
        assert earlier.strip().splitlines()[-1].endswith("--seed 2 --version 0.3.0"), earlier

    listed = run("teadata", "list").stdout
    assert "peptide@0.1.0" in listed
    assert "peptide@0.2.0" in listed
    assert "A peptide" in run("teadata", "info", "peptide@0.1.0").stdout
    assert "methyl: 1 molecule, atoms 0–3" in run("teadata", "info", "peptide@0.1.0").stdout
    assert "says nothing to cite" in run("teadata", "cite", "peptide").stdout
    for verb in ("verify", "audit"):
        assert run("teadata", verb, "peptide").returncode == 0
    out = tmp_path / "test.xyz"
    assert (
        run("teadata", "export", "peptide", "--split", "complete/test", "-o", out).returncode == 0
    )
    assert len(formats.read(out)) == 30
    done = run("teadata", "croissant", "peptide", "-o", tmp_path / "croissant")
    assert done.returncode == 0, done.stderr

    done = run("teadata", "remove", "peptide@0.2.0")
    assert (done.returncode, "--yes" in done.stderr) == (2, True)
    assert run("teadata", "remove", "peptide@0.2.0", "--yes").returncode == 0
    done = run("teadata", "remove", "mini-i", "--yes")
    assert (done.returncode, "is not removed" in done.stderr) == (2, True)
    assert run("teadata", "remove", "peptide", "--yes").returncode == 0
    assert "peptide" not in run("teadata", "list").stdout
