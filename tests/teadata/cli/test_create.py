"""``teadata create`` and ``remove`` as their user meets them."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from teadata import catalog, formats, units
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
    assert command.endswith("--energy-unit kcal/mol")
    done = run(*shlex.split(command), "--title", "A peptide", "--group", "methyl=0-3")
    assert done.returncode == 0, done.stderr
    assert "peptide@0.1.0: C12H22N4O4, 42 atoms" in done.stdout
    assert "13 checks, 0 failed" in done.stdout
    assert re.search(r"peptide@0.1.0 +yes +own +C12H22N4O4 +42", run("teadata", "list").stdout)

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


@pytest.fixture
def frames(mini_i):
    return mini_i.split("folded/train/100")


def test_a_failed_check_is_said_at_the_end_with_what_undoes_it(run, frames, tmp_path):
    formats.write(tmp_path / "a.npz", replace(frames, forces=-frames.forces))
    done = run("teadata", "create", "own", tmp_path / "a.npz")
    assert done.returncode == 0, done.stderr
    assert "audit, sign of forces: FAILED" in done.stdout
    last = done.stdout.strip().splitlines()[-1]
    assert "own@0.1.0 was made although 1 of the checks failed" in last
    command = re.search("`(.*)`", last)[1]
    assert run(*shlex.split(command)).returncode == 0
    assert run("teadata", "info", "own").returncode == 2


def test_positions_in_bohr_are_suspected(run, frames, tmp_path):
    arrays = {"R": frames.positions / units.BOHR, "z": frames.numbers}
    arrays |= {"E": frames.energies / units.HARTREE, "e_unit": "hartree"}
    arrays |= {"F": frames.forces / units.force_factor("hartree", "bohr")}
    np.savez(tmp_path / "a.npz", **arrays)
    done = run("teadata", "create", "own", tmp_path / "a.npz")
    assert "audit, shortest distances: warning" in done.stdout
    assert "make the dataset again with --length-unit Bohr" in done.stdout
    assert "1 not judged" in done.stdout  # the sign: there are no bonds
    done = run("teadata", "audit", "own")
    assert re.search(r"sign of forces +not judged +fewer", done.stdout)
    again = ("teadata", "create", "own", tmp_path / "a.npz", "--length-unit", "Bohr")
    done = run(*again, "--version", "0.2.0")
    assert "13 checks, 0 failed, 0 warnings;" in done.stdout


def test_energies_in_another_unit_than_forces_are_suspected(run, frames, tmp_path):
    formats.write(tmp_path / "a.npz", replace(frames, energies=frames.energies / units.EV))
    done = run("teadata", "create", "own", tmp_path / "a.npz")
    assert "audit, energies and forces: warning" in done.stdout
    assert "energies in eV taken for kcal/mol" in done.stdout
    assert "--energy-unit or --force-unit" in done.stdout


def test_a_croissant_of_the_name_of_a_file_is_refused(run, tmp_path):
    done = run("teadata", "croissant", "mini-i", "-o", tmp_path / "c.json")
    assert done.returncode == 2
    assert "expected that of a folder" in done.stderr
    assert str(tmp_path / "c") in done.stderr
    assert not (tmp_path / "c.json").exists()
