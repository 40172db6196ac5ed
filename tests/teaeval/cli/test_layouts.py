"""The command that goes on offers the unit of the layout that a file is in."""

from __future__ import annotations

import shlex

import numpy as np
import pytest

LAYOUTS = {
    "rMD17": ("coords", "energies", "forces", "nuclear_charges"),
    "MD17 and MD22": ("R", "E", "F", "z"),
}


@pytest.mark.parametrize("origin", LAYOUTS)
def test_units_of_published_layouts_are_offered(run, mini_i, tmp_path, origin):
    test = mini_i.split("folded/test")
    arrays = (test.positions, test.energies, test.forces, test.numbers)
    np.savez(tmp_path / "a.npz", **dict(zip(LAYOUTS[origin], arrays, strict=True)))
    done = run("teaeval", "check", tmp_path / "a.npz", "--dataset", "mini-i", "--subset", "folded")
    assert done.returncode == 1
    said, command = done.stdout.strip().splitlines()[-2:]
    assert f"named as those of {origin} in kcal/mol and Å" in said
    assert command.endswith("--energy-unit kcal/mol --length-unit Å")
    assert run(*shlex.split(command)).returncode == 0
    words = ("--reference", tmp_path / "a.npz", "--energy-unit", "eV", "--length-unit", "Å")
    np.savez(tmp_path / "p.npz", energy=test.energies, forces=test.forces, positions=test.positions)
    done = run("teaeval", "score", tmp_path / "p.npz", *words)
    assert "--reference-energy-unit kcal/mol --reference-length-unit Å" in done.stderr


def test_other_names_are_offered_what_ase_writes(run, mini_i, tmp_path):
    test = mini_i.split("folded/test")
    np.savez(tmp_path / "a.npz", energy=test.energies, forces=test.forces)
    done = run("teaeval", "check", tmp_path / "a.npz", "--dataset", "mini-i", "--subset", "folded")
    assert done.stdout.strip().endswith("--energy-unit eV --length-unit Å")
