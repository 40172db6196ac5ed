"""Files of several systems, duplicates, and groups of atoms."""

from __future__ import annotations

from dataclasses import replace

import ase.io
import numpy as np
import pytest

import teadata
from teadata import Frames, formats
from teadata.audit import audit
from teadata.create import Input, Options, create
from teadata.create.splitting import Wanted
from teadata.errors import DataError, IncompleteError, UsageError
from teadata.verify import verify


def reordered(frames: Frames, order: np.ndarray) -> Frames:
    return Frames(
        numbers=frames.numbers[order],
        positions=frames.positions[:, order],
        energies=frames.energies,
        forces=frames.forces[:, order],
    )


@pytest.fixture
def mixed(frames, tmp_path):
    """Two systems in turn, and one of them in two orders of its atoms."""
    other = teadata.load("mini-ii").split("complete/train/30")
    last = reordered(frames[60:100], np.arange(frames.n_atoms)[::-1])
    images = [
        image for two in zip(frames[:30].to_ase(), other.to_ase(), strict=True) for image in two
    ]
    path = tmp_path / "mixed.xyz"
    ase.io.write(path, images + last.to_ase())
    return path, other, last


def test_several_systems_are_named(mixed):
    path, _, last = mixed
    with pytest.raises(IncompleteError, match="hold 3 systems") as caught:
        create("own", [Input(path)], Options("eV"))
    text = str(caught.value)
    assert "C12H22N4O4/1" in text
    assert "C12H22N4O4/2" in text
    assert "differ in the order of their atoms" in text
    assert caught.value.options == ("--system", "C12H22N4O4/2")  # has most frames
    with pytest.raises(IncompleteError, match="hold 2 systems"):
        create("own", [Input(path)], Options("eV", system="C12H22N4O4"))
    with pytest.raises(UsageError, match="unknown system 'C3H8'"):
        create("own", [Input(path)], Options("eV", system="C3H8"))
    create("own", [Input(path)], Options("eV", system="C12H22N4O4/2"))
    np.testing.assert_allclose(teadata.load("own").frames.energies, last.energies, rtol=1e-12)


def test_systems_that_differ_in_periodicity(frames, tmp_path):
    images = frames[:9].to_ase()
    for i, image in enumerate(images):
        image.cell, image.pbc = 30 * np.eye(3), [(0, 0, 0), (1, 1, 0), (1, 1, 1)][i % 3]
    path = tmp_path / "kinds.xyz"
    ase.io.write(path, images)
    with pytest.raises(IncompleteError, match="hold 3 systems") as caught:
        create("own", [Input(path)], Options("eV"))
    said = str(caught.value)
    for kind in ("not periodic", "periodic along a and b", "periodic"):
        assert sum(line.endswith(f"  {kind}") for line in said.splitlines()) == 1


def test_one_system_or_each(mixed):
    path, other, _ = mixed
    create("own", [Input(path)], Options("eV", system=other.formula))
    found = teadata.load("own").frames
    np.testing.assert_allclose(found.positions, other.positions, atol=1e-7)
    assert (found.ids == np.arange(1, 60, 2)).all()
    made = create("all", [Input(path)], Options("eV", each=True))
    names = [done.card.id for done in made]
    assert names == ["all-c12h22n4o4-1", f"all-{other.formula.lower()}", "all-c12h22n4o4-2"]
    assert all(check.passed for name in names for check in verify(teadata.load(name)))
    assert [done.card.ingested[0].frames for done in made] == [30, 30, 40]


def test_atoms_listed_frame_by_frame(frames, tmp_path):
    """QM9-like arrays: a row of atomic numbers per frame, padded with zeros."""
    small, large = frames[:20], teadata.load("mini-ii").split("complete/train/20")
    width = large.n_atoms
    arrays = {"z": np.zeros((40, width), int), "R": np.zeros((40, width, 3))}
    arrays |= {"F": np.zeros((40, width, 3)), "E": np.zeros(40)}
    for i, part in enumerate((small, large)):
        rows, atoms = slice(20 * i, 20 * i + 20), slice(0, part.n_atoms)
        arrays["z"][rows, atoms] = part.numbers
        arrays["R"][rows, atoms], arrays["F"][rows, atoms] = part.positions, part.forces
        arrays["E"][rows] = part.energies
    np.savez(tmp_path / "a.npz", **arrays)
    create("own", [Input(tmp_path / "a.npz")], Options("kcal/mol", system=small.formula))
    found = teadata.load("own").frames
    assert len(found) == 20
    only = {name: array[:20] for name, array in arrays.items()}
    np.savez(tmp_path / "b.npz", **only)  # all rows are of one system, and padded
    create("one", [Input(tmp_path / "b.npz")], Options("kcal/mol"))
    np.testing.assert_array_equal(teadata.load("one").frames.positions, small.positions)
    np.testing.assert_array_equal(found.positions, small.positions)
    assert found.symbols == small.symbols


def test_copies_within_and_between_files_are_left_out(frames, tmp_path):
    moved = replace(frames[:10], positions=frames.positions[:10] + np.array([1.0, -2.0, 0.5]))
    formats.write(tmp_path / "a.npz", Frames.concatenate([frames[:50], frames[20:25]]))
    formats.write(tmp_path / "b.xyz", Frames.concatenate([frames[50:], moved]))
    inputs = [Input(tmp_path / "a.npz"), Input(tmp_path / "b.xyz")]
    (made,) = create("own", inputs, Options())
    assert "15 frames are copies of others, 10 of them in two files" in " ".join(made.notes)
    assert len(teadata.load("own").frames) == 120
    assert all(check.passed for check in verify(teadata.load("own")))


def test_what_is_left_is_no_copy_to_the_audit_either(tmp_path):
    """Of a dimer that is pulled apart, in steps around the tolerance, and beyond any cutoff."""
    lengths = np.concatenate([0.7 + 0.0004 * np.arange(60), np.linspace(6.5, 12, 40)])
    positions = np.zeros((100, 2, 3))
    positions[:, 1, 0] = lengths
    forces = np.zeros_like(positions)
    forces[:, 1, 0] = -100 * (lengths - 0.74) * np.exp(-lengths)
    forces[:, 0] = -forces[:, 1]
    dimer = Frames([1, 1], positions, -600.0 + 0.01 * np.arange(100), forces)
    formats.write(tmp_path / "dimer.xyz", dimer)
    (made,) = create("dimer", [Input(tmp_path / "dimer.xyz")], Options())
    assert "40 frames are copies of others" in " ".join(made.notes)
    data = teadata.load("dimer")
    assert len(data.frames) == 60
    assert all(check.passed for check in verify(data)), list(verify(data))
    (found,) = (finding for finding in audit(data) if finding.name == "duplicates")
    assert found.outcome != "fail"
    assert found.evidence["exact"] == 0
    create("all", [Input(tmp_path / "dimer.xyz")], Options(duplicates="keep"))
    data = teadata.load("all")
    assert "duplicate frames" in [check.name for check in verify(data) if not check.passed]
    (found,) = (finding for finding in audit(data) if finding.name == "duplicates")
    assert found.outcome == "fail"


def test_copies_in_two_roles_are_refused(frames, tmp_path):
    formats.write(tmp_path / "train.npz", frames[:60])
    formats.write(tmp_path / "test.npz", frames[50:])
    inputs = [
        Input(tmp_path / "train.npz", role="train"),
        Input(tmp_path / "test.npz", role="test"),
    ]
    with pytest.raises(IncompleteError, match="10 geometries are in both train and test") as caught:
        create("own", inputs, Options())
    assert caught.value.options == ("--duplicates", "drop")
    create("own", inputs, Options(duplicates="drop"))
    table = teadata.load("own").splits
    assert (len(table.ids("complete/train")), len(table.ids("complete/test"))) == (50, 70)
    assert all(check.passed for check in verify(teadata.load("own")))


def test_one_geometry_with_two_energies_is_said(frames, tmp_path):
    formats.write(tmp_path / "a.npz", frames[:60])
    formats.write(tmp_path / "b.npz", replace(frames[50:], energies=frames.energies[50:] + 2.0))
    (made,) = create("own", [Input(tmp_path / "a.npz"), Input(tmp_path / "b.npz")], Options())
    assert "they differ by up to 2 kcal/mol" in " ".join(made.warnings)


def test_groups_of_atoms(tmp_path):
    frames = teadata.load("mini-iii").split("complete/train/30")
    formats.write(tmp_path / "a.npz", frames)
    options = Options(groups=("mol=98-113", "edge=0-3,7"))
    create("own", [Input(tmp_path / "a.npz")], options)
    groups = teadata.load("own").card.groups
    assert groups == {"mol": [list(range(98, 114))], "edge": [[0, 1, 2, 3, 7]]}
    found = Options(groups=("mol=C8H6N2",), wanted=Wanted(seed=1))
    create("bonds", [Input(tmp_path / "a.npz")], found)
    assert teadata.load("bonds").card.groups == teadata.load("mini-iii").card.groups
    for wrong, said in (
        ("mol", "expected NAME=ATOMS"),
        ("mol=5-200", "expected atoms from 0 to 113"),
        ("mol=5,5", "names an atom twice"),
        ("N=5-7", "a row for the element N already"),
        ("mol=1;2", "expected atoms such as"),
    ):
        with pytest.raises(UsageError, match=said):
            create("wrong", [Input(tmp_path / "a.npz")], Options(groups=(wrong,)))
    with pytest.raises(DataError, match="expected molecules H2O"):
        create("wrong", [Input(tmp_path / "a.npz")], Options(groups=("water=H2O",)))


@pytest.fixture
def with_atoms(frames, tmp_path):
    """Labelled frames behind the energies of single atoms, as MACE's files have them."""
    atoms = [
        ase.Atoms(symbol, info={"REF_energy": energy, "config_type": "IsolatedAtom"})
        for symbol, energy in (("H", -13.6), ("C", -1029.0))
    ]
    images = frames[:40].to_ase()
    for image in images:
        image.info |= {"REF_energy": image.get_potential_energy(), "config_type": "train"}
        image.arrays["REF_forces"] = image.get_forces()
        image.calc = None
    path = tmp_path / "mace.xyz"
    ase.io.write(path, [*atoms, *images, atoms[0]], format="extxyz")
    return path


def test_isolated_atoms_need_no_forces(with_atoms, frames, file):
    with pytest.raises(IncompleteError, match="a single atom: --system FORMULA takes the frames"):
        create("own", [with_atoms], Options("eV"))
    options = Options("eV", system=frames.formula, wanted=Wanted(valid=5, test=10))
    (made,) = create("own", [with_atoms], options)
    found = teadata.load("own").frames
    np.testing.assert_allclose(found.energies, frames.energies[:40], rtol=1e-12)
    np.testing.assert_array_equal(found.ids, np.arange(2, 42))  # places in the file
    assert made.new
    # frames of a second file are counted from behind the atom at the end of the first
    second = file.with_name("second.xyz")
    ase.io.write(second, frames[50:60].to_ase())
    create("two", [with_atoms, second], options)
    assert teadata.load("two").frames.ids.max() == 43 + 9


def test_units_are_those_of_the_frames_that_are_taken(with_atoms, frames, tmp_path):
    images = ase.io.read(with_atoms, ":")
    for image in images[2:-1]:  # the atoms say nothing of units
        image.info |= {"energy_unit": "eV", "length_unit": "Ang"}
    ase.io.write(with_atoms, images)
    atoms = tmp_path / "atoms.xyz"
    ase.io.write(atoms, images[:2])
    create("own", [atoms, with_atoms], Options(system=frames.formula))
    found = teadata.load("own").frames
    np.testing.assert_allclose(found.energies, frames.energies[:40], rtol=1e-12)
    with pytest.raises(UsageError, match=r"mace.xyz: states eV, and --energy-unit says kcal/mol"):
        create("own", [atoms, with_atoms], Options("kcal/mol", system=frames.formula))
    with pytest.raises(UsageError, match="unknown system 'C2H6O'"):
        create("own", [atoms, with_atoms], Options(system="C2H6O"))


def test_a_frame_of_the_system_still_needs_forces(with_atoms, frames):
    images = ase.io.read(with_atoms, ":")
    del images[5].arrays["REF_forces"]
    ase.io.write(with_atoms, images)
    said = r"image 5 .*has no forces.*forces as REF_forces: leave frames without them out"
    with pytest.raises(IncompleteError, match=said):
        create("own", [with_atoms], Options("eV", system=frames.formula))


def test_the_system_with_most_frames_is_proposed(with_atoms, frames):
    images = ase.io.read(with_atoms, ":")
    for image in images:
        image.arrays.setdefault("REF_forces", np.zeros((len(image), 3)))
    ase.io.write(with_atoms, images)
    with pytest.raises(IncompleteError, match="hold 3 systems") as caught:
        create("own", [with_atoms], Options("eV"))
    assert caught.value.options == ("--system", frames.formula)


def test_a_stress_that_only_some_frames_have_is_left_out_with_a_word(frames, tmp_path):
    images = frames[:30].to_ase()
    for i, image in enumerate(images):
        image.cell, image.pbc = [20, 20, 20], True
        image.calc.results |= {"stress": np.zeros(6)} if i < 12 else {}
    ase.io.write(tmp_path / "a.xyz", images)
    (made,) = create("own", tmp_path / "a.xyz", Options("eV"))
    assert "the stress of 12 frames is left out, because the other 18 have none" in made.notes


def test_frames_that_are_not_finite_are_named_at_once(arrays, tmp_path):
    arrays = {name: np.array(values) for name, values in arrays.items()}
    arrays["energies"][7] = np.nan
    arrays["forces"][[3, 9]] = np.inf
    np.savez(tmp_path / "a.npz", **arrays)
    said = "frames 3, 7, 9: NaN or infinity in energies and forces"
    with pytest.raises(DataError, match=said):
        create("own", str(tmp_path / "a.npz"), Options("kcal/mol"))


@pytest.mark.parametrize("given", [[3], 3, [None]])
def test_what_is_no_path_of_a_file(given):
    with pytest.raises(UsageError, match="expected paths of files of frames, or Inputs, found"):
        create("own", given, Options("eV"))


@pytest.mark.parametrize("suffix", [".xyz", ".npz"])
def test_frames_of_two_charges_are_of_two_systems(frames, tmp_path, suffix):
    path, charges = tmp_path / f"ions{suffix}", np.arange(20) % 2
    if suffix == ".npz":
        few = frames[:20]
        np.savez(path, z=few.numbers, R=few.positions, E=few.energies, F=few.forces, charge=charges)
    else:
        images = frames[:20].to_ase()
        for image, charge in zip(images, charges.tolist(), strict=True):
            image.info["charge"] = charge
        ase.io.write(path, images)
    unit = "kcal/mol" if suffix == ".npz" else "eV"
    with pytest.raises(IncompleteError, match="hold 2 systems") as caught:
        create("own", [Input(path)], Options(unit))
    assert "not periodic, charge 1" in str(caught.value)
    made = create("own", [Input(path)], Options(unit, each=True))
    for done, start in zip(made, (0, 1), strict=True):
        assert teadata.load(done.card.id).frames.ids.tolist() == list(range(start, 20, 2))
    assert [any("charge 1" in note for note in done.notes) for done in made] == [False, True]
    assert [done.card.system.name for done in made] == [
        made[0].card.id, "C12H22N4O4, charge 1",
    ]  # fmt: skip


@pytest.mark.parametrize("stated", [{"charge": 0, "spin": 1}, {"charge": 0.137}, {}])
def test_what_states_no_charge_is_of_the_system_without(frames, tmp_path, stated):
    images = frames[:20].to_ase()
    for image in images[10:]:
        image.info.update(stated)
    ase.io.write(tmp_path / "a.xyz", images)
    (done,) = create("own", [Input(tmp_path / "a.xyz")], Options("eV"))
    assert len(teadata.load("own").frames) == 20
    assert not any("charge" in note for note in done.notes)
