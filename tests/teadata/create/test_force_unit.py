"""Files whose forces are not in energy unit per length unit, as hartree/bohr beside Å."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import teadata
from teadata import Frames, units
from teadata.arrays.extxyz.frame_text import write_frames
from teadata.create import Options, create
from teadata.errors import DataError, UsageError

MIXED = units.UnitSystem("Hartree", "Å", "Hartree/Bohr")
SAID = {"energy_unit": "hartree", "force_unit": "hartree/bohr"}


@pytest.fixture
def mixed(frames, tmp_path):
    """A function that writes frames as extended XYZ in Å, hartree and hartree/bohr."""

    def write(name: str = "mixed.xyz", stated: str = "") -> Path:
        energies = frames.energies / MIXED.factors["energies"]
        head = "Properties=species:S:1:pos:R:3:forces:R:3"
        forces = frames.forces / MIXED.factors["forces"]
        with open(tmp_path / name, "wb") as stream:
            write_frames(
                stream,
                frames.symbols,
                [frames.positions, forces],
                (f"{head} energy={energy!r} {stated}" for energy in energies.tolist()),
                summed=False,
            )
        return tmp_path / name

    return write


def same(found: Frames, expected: Frames) -> None:
    """Whether frames are those that are expected, to rounding."""
    np.testing.assert_array_equal(found.positions, expected.positions)
    np.testing.assert_allclose(found.energies, expected.energies, rtol=1e-15)
    np.testing.assert_allclose(found.forces, expected.forces, rtol=1e-15)


def test_a_file_in_hartree_per_bohr_becomes_what_it_is_in_kcal_per_mol(file, mixed, frames, run):
    done = run("teadata", "create", "own", mixed(), "--energy-unit", "hartree",
               "--force-unit", "hartree/bohr")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Hartree, Å, Hartree/Bohr" in done.stdout
    create("same", file)
    own, as_it_is = teadata.load("own"), teadata.load("same")
    same(own.frames, as_it_is.frames)
    same(own.split("complete/test"), as_it_is.split("complete/test"))
    assert own.card.ingested[0].force_unit == "Hartree/Bohr"
    assert as_it_is.card.ingested[0].force_unit is None
    assert "force_unit" not in (Path(as_it_is.root) / "card.yaml").read_text()


def test_a_file_may_state_it(mixed, file, tmp_path, frames):
    create("stated", mixed(stated="energy_unit=Eh force_unit=Eh/a0"))
    same(teadata.load("stated").frames, frames)
    np.savez(
        tmp_path / "stated.npz",
        R=frames.positions,
        z=frames.numbers,
        E=frames.energies / MIXED.factors["energies"],
        F=frames.forces / MIXED.factors["forces"],
        energy_unit="hartree",
        length_unit="Å",
        force_unit="hartree/bohr",
    )
    create("arrays", tmp_path / "stated.npz")
    same(teadata.load("arrays").frames, frames)


def test_without_it_forces_are_in_energy_per_length(mixed, frames):
    create("own", mixed(), Options(energy_unit="hartree"))
    np.testing.assert_allclose(
        teadata.load("own").frames.forces, frames.forces * units.BOHR, rtol=1e-14
    )


@pytest.mark.parametrize("wrong", ["hartree", "hartree/mile", "bohr"])
def test_a_unit_that_is_none_is_one_clear_error(mixed, run, wrong):
    done = run("teadata", "create", "own", mixed(), "--energy-unit", "hartree",
               "--force-unit", wrong)  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: unknown force unit '{wrong}'; expected an energy unit")
    with pytest.raises(DataError, match=r"says\.xyz: its force_unit: unknown force unit"):
        create("own", mixed("says.xyz", f"energy_unit=Ha force_unit={wrong}"))


def test_what_the_file_states_is_not_overruled(mixed):
    path = mixed(stated="energy_unit=Ha force_unit=Ha/Bohr")
    with pytest.raises(UsageError, match="states Ha/Bohr, and --force-unit says eV/Å"):
        create("own", path, Options(force_unit="eV/Å"))
    create("own", path, Options(**SAID))


def test_a_file_that_states_it_later_only_is_refused(mixed):
    one, other = (mixed(stated=text).read_text() for text in
                  ("energy_unit=Ha", "energy_unit=Ha force_unit=Ha/Bohr"))  # fmt: skip
    path = mixed()
    path.write_text(one + other)
    with pytest.raises(DataError, match="states other units than the frames before it"):
        create("own", path)
