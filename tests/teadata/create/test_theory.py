"""The level of theory: what the user says, else what all files state of labels that are there."""

from __future__ import annotations

import numpy as np
import pytest

import teadata
from teadata import formats
from teadata.create import Input, Options, create
from teadata.errors import IncompleteError

LEVEL = "PBE0+MBD / tight"


def made(*paths, name="own", **said):
    (done,) = create(name, [Input(path) for path in paths], Options(**said))
    return done.card.level_of_theory.method, " ".join(done.notes)


@pytest.mark.parametrize("suffix", [".npz", ".xyz", ".xyz.gz", ".h5", ".parquet", ".zarr"])
def test_what_an_exported_file_states(frames, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    formats.write(path, frames, theory=LEVEL)
    theory, notes = made(path)
    assert theory == LEVEL
    assert f"the level of theory is {LEVEL}, as stated in a{suffix}" in notes
    assert made(path, name="two", theory="MP2")[0] == "MP2"


@pytest.mark.parametrize(
    "options",
    [[], *(["--for", name] for name in ("ase", "mace", "nequip")), ["--energy-unit", "Hartree"]],
    ids=" ".join,
)
def test_a_dataset_exported_and_created_again(run, frames, tmp_path, options):
    formats.write(tmp_path / "a.npz", frames)
    create("first", tmp_path / "a.npz", Options(theory=LEVEL))
    done = run("teadata", "export", "first", *options, "-o", tmp_path / "b.xyz")
    assert done.returncode == 0, done.stderr
    done = run("teadata", "create", "again", tmp_path / "b.xyz")
    assert f"the level of theory is {LEVEL}, as stated in b.xyz" in " ".join(done.stdout.split())
    assert teadata.load("again").card.level_of_theory.method == LEVEL


@pytest.mark.parametrize(
    ("said", "expected"), [(b"CCSD(T)", "CCSD(T)"), ("unknown", "unknown"), (3, "unknown")]
)
def test_what_sgdml_states(frames, tmp_path, said, expected):
    np.savez(
        tmp_path / "a.npz",
        R=frames.positions,
        z=frames.numbers,
        E=frames.energies,
        F=frames.forces,
        theory=said,
    )
    assert made(tmp_path / "a.npz", energy_unit="kcal/mol")[0] == expected


def test_files_that_do_not_agree(frames, tmp_path):
    paths = [tmp_path / f"{name}.xyz" for name in "abc"]
    for i, (path, theory) in enumerate(zip(paths, ("PBE", "PBE", "MP2"), strict=True)):
        formats.write(path, frames[40 * i : 40 * i + 40], theory=theory)
    with pytest.raises(IncompleteError, match=r"state PBE .a.xyz, b.xyz., MP2 .c.xyz.") as caught:
        made(*paths)
    assert caught.value.options == ("--theory", "PBE")
    assert made(*paths, name="said", theory="DFT")[0] == "DFT"
    assert made(*paths[:2], name="same")[0] == "PBE"
    formats.write(paths[2], frames[80:])
    theory, notes = made(*paths)
    assert theory == "unknown"
    assert "a.xyz, b.xyz states the level of theory PBE, not so all of c.xyz" in notes


def test_frames_of_one_file_that_do_not_agree(frames, tmp_path):
    formats.write(tmp_path / "a.xyz", frames[:60], theory="PBE")
    formats.write(tmp_path / "b.xyz", frames[60:], theory="MP2")
    both = tmp_path / "both.xyz"
    both.write_text("".join((tmp_path / name).read_text() for name in ("a.xyz", "b.xyz")))
    with pytest.raises(IncompleteError, match=r"state MP2 .both.xyz., PBE .both.xyz."):
        made(both)


def test_each_system_has_its_own(frames, tmp_path):
    import ase.io
    from ase.build import molecule
    from ase.calculators.singlepoint import SinglePointCalculator

    images, random = [], np.random.default_rng(3)
    for name, theory in (("H2O", "PBE"), ("NH3", "MP2")):
        for _ in range(30):
            atoms = molecule(name)
            atoms.rattle(0.05, rng=random)
            atoms.info["theory"] = theory
            forces = random.normal(size=(len(atoms), 3))
            atoms.calc = SinglePointCalculator(atoms, energy=random.normal(), forces=forces)
            images.append(atoms)
    ase.io.write(tmp_path / "a.xyz", images)
    done = create("own", tmp_path / "a.xyz", Options("eV", each=True))
    found = {made.card.id: made.card.level_of_theory.method for made in done}
    assert found == {"own-h2o": "PBE", "own-h3n": "MP2"}


def test_a_level_of_labels_that_were_replaced_is_not_taken(frames, tmp_path):
    import ase.io

    formats.write(tmp_path / "a.xyz", frames[:40], theory=LEVEL, units=teadata.units.ASE)
    ase.io.write(tmp_path / "b.xyz", ase.io.read(tmp_path / "a.xyz", index=":"))
    assert made(tmp_path / "a.xyz")[0] == LEVEL
    assert made(tmp_path / "b.xyz", name="anew", energy_unit="eV")[0] == "unknown"
