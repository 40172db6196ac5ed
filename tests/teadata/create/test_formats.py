"""Files as people have them: each becomes the dataset that its frames are."""

from __future__ import annotations

import re
from pathlib import Path

import ase.io
import ase.test
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect

import teadata
from teadata import Frames, formats, units
from teadata.create import Input, Options, create
from teadata.create.fields import Keys
from teadata.create.splitting import Wanted
from teadata.errors import DataError, IncompleteError, UsageError

EV = units.EV
TESTDATA = Path(ase.test.__file__).parent / "testdata"
FEW = Wanted(valid=2, test=4)


@pytest.fixture(scope="session")
def few(frames) -> Frames:
    return frames[:12]


def made(*paths: Path, **said: object) -> Frames:
    """All frames of the dataset that files become."""
    said = {"wanted": FEW} | said
    create("own", [Input(path) for path in paths], Options(**said))
    return teadata.load("own").frames


def check(found: Frames, expected: Frames) -> None:
    assert found.symbols == expected.symbols
    np.testing.assert_allclose(found.positions, expected.positions, atol=1e-7)
    np.testing.assert_allclose(found.energies, expected.energies, rtol=1e-12)
    np.testing.assert_allclose(found.forces, expected.forces, atol=1e-6)


def images(frames: Frames, **extra: object) -> list[Atoms]:
    """ASE atoms, with the energies of each atom and a free energy beside the energy."""
    atoms = frames.to_ase()
    for image in atoms:
        results = dict(image.calc.results)
        results["energies"] = np.full(len(image), results["energy"] / len(image))
        results["free_energy"] = results["energy"] - 0.25
        image.calc = SinglePointCalculator(image, **results)
        image.info.clear()
        image.info.update(extra)
    return atoms


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".parquet", ".zarr", ".xyz", ".xyz.gz"])
def test_what_teadata_writes(few, tmp_path, suffix):
    path = tmp_path / f"frames{suffix}"
    formats.write(path, few)
    check(made(path), few)


@pytest.mark.parametrize("suffix", [".traj", ".db", ".extxyz"])
def test_what_ase_writes(few, tmp_path, suffix):
    path = tmp_path / f"frames{suffix}"
    if suffix == ".db":
        with connect(path) as database:
            for image in images(few):
                database.write(image)
        check(made(path), few)
    else:
        ase.io.write(path, images(few))
        check(made(path, energy_unit="eV"), few)


@pytest.mark.parametrize("prefix", ["REF_", "dft_", "MACE_"])
def test_labels_with_a_prefix(few, tmp_path, prefix):
    atoms = few.to_ase()
    for image in atoms:
        image.info[f"{prefix}energy"] = image.calc.results["energy"]
        image.arrays[f"{prefix}forces"] = image.calc.results["forces"]
        image.calc = None
    ase.io.write(tmp_path / "frames.xyz", atoms)
    check(made(tmp_path / "frames.xyz", energy_unit="eV"), few)


def test_a_models_names_are_taken_with_a_word_and_never_beside_a_label(few, tmp_path):
    def written(name, energy, forces):
        atoms = images(few)
        for image in atoms:
            image.info[energy] = image.calc.results["energy"]
            image.arrays[forces] = image.calc.results["forces"]
            image.calc = None
        ase.io.write(tmp_path / name, atoms, format="extxyz")
        return [Input(tmp_path / name)]

    (done,) = create(
        "model", written("a.xyz", "MACE_energy", "MACE_forces"), Options("eV", wanted=FEW)
    )
    assert any("MACE_energy and MACE_forces are taken for the labels" in n for n in done.notes)
    mixed = written("b.xyz", "REF_energy", "MACE_forces")
    with pytest.raises(IncompleteError, match="forces only as MACE_forces") as caught:
        create("mixed", mixed, Options("eV", wanted=FEW))
    assert caught.value.options == ("--forces-key", "MACE_forces")
    said = Options("eV", keys=Keys(forces="MACE_forces"), wanted=FEW)
    (done,) = create("mixed", mixed, said)
    check(teadata.load("mixed").frames, few)
    assert not any("taken for the labels" in note for note in done.notes)


def test_labels_go_before_predictions_and_two_labels_are_asked_for(few, tmp_path):
    atoms = images(few)
    for image in atoms:
        image.info["MACE_energy"] = image.calc.results["energy"] + 1.0
        image.arrays["MACE_forces"] = image.calc.results["forces"] + 1.0
    ase.io.write(tmp_path / "frames.xyz", atoms)
    (done,) = create("first", [Input(tmp_path / "frames.xyz")], Options("eV", wanted=FEW))
    check(teadata.load("first").frames, few)
    assert any("not taken: MACE_energy, MACE_forces" in note for note in done.notes)
    for image in atoms:
        image.info["REF_energy"] = image.calc.results["energy"] + 2.0
    ase.io.write(tmp_path / "frames.xyz", atoms)
    with pytest.raises(IncompleteError, match="as energy and as REF_energy") as caught:
        made(tmp_path / "frames.xyz", energy_unit="eV")
    assert caught.value.options == ("--energy-key", "energy")
    found = made(tmp_path / "frames.xyz", energy_unit="eV", keys=Keys(energies="REF_energy"))
    np.testing.assert_allclose(found.energies, few.energies + 2 * EV)


def test_only_a_free_energy(few, tmp_path):
    atoms = images(few)
    for image in atoms:
        del image.calc.results["energy"]
    ase.io.write(tmp_path / "frames.traj", atoms)
    np.testing.assert_allclose(made(tmp_path / "frames.traj").energies, few.energies - 0.25 * EV)


def test_rmd17_and_md17(arrays, frames, tmp_path):
    np.savez(tmp_path / "rmd17.npz", **arrays)
    with pytest.raises(IncompleteError, match="does not say in which unit") as caught:
        made(tmp_path / "rmd17.npz")
    assert caught.value.options == ("--energy-unit", "kcal/mol")
    check(made(tmp_path / "rmd17.npz", energy_unit="kcal/mol"), frames)
    np.savez(
        tmp_path / "md17.npz",
        E=frames.energies[:, None] / EV,
        F=frames.forces / EV,
        R=frames.positions,
        z=frames.numbers.astype(np.uint8),
        e_unit="eV",
        r_unit="Ang",
        name="peptide",
        theory="unknown",
    )
    create("md17", [Input(tmp_path / "md17.npz")], Options(wanted=FEW))
    check(teadata.load("md17").frames, frames)
    with pytest.raises(UsageError, match="states eV, and --energy-unit says kcal/mol"):
        create("two", [Input(tmp_path / "md17.npz")], Options("kcal/mol"))
    np.savez(tmp_path / "rmd17.npz", **{n: a[:60] for n, a in arrays.items() if len(a) == 120},
             nuclear_charges=arrays["nuclear_charges"])  # fmt: skip
    inputs = [Input(tmp_path / "rmd17.npz"), Input(tmp_path / "md17.npz")]
    (done,) = create("two", inputs, Options("kcal/mol", duplicates="keep"))
    assert [item.energy_unit for item in done.card.ingested] == ["kcal/mol", "eV"]


def deepmd(folder: Path, frames: Frames, sets: int = 2, periodic: bool = False) -> Path:
    """A folder as DeePMD-kit's documentation describes it."""
    folder.mkdir()
    kinds = sorted(set(frames.symbols))
    types = [kinds.index(symbol) for symbol in frames.symbols]
    (folder / "type.raw").write_text("\n".join(map(str, types)) + "\n")
    (folder / "type_map.raw").write_text("\n".join(kinds) + "\n")
    if not periodic:
        (folder / "nopbc").write_text("")
    for i, rows in enumerate(np.array_split(np.arange(len(frames)), sets)):
        part, place = frames[rows], folder / f"set.{i:03d}"
        place.mkdir()
        cells = np.tile(30.0 * np.eye(3), (len(part), 1, 1)) if part.cell is None else part.cell
        np.save(place / "box.npy", cells.reshape(len(part), 9))
        np.save(place / "coord.npy", part.positions.reshape(len(part), -1))
        np.save(place / "energy.npy", part.energies / EV)
        np.save(place / "force.npy", (part.forces / EV).reshape(len(part), -1))
        if part.stress is not None:
            virial = -part.stress / EV * part.volumes[:, None, None]
            np.save(place / "virial.npy", virial.reshape(len(part), 9))
    return folder


def test_deepmd(few, tmp_path):
    check(made(deepmd(tmp_path / "system", few)), few)
    (tmp_path / "system" / "type_map.raw").unlink()
    with pytest.raises(DataError, match=r"has no type_map\.raw"):
        create("other", [Input(tmp_path / "system")])


def test_deepmd_with_cells_and_virials(tmp_path):
    frames = teadata.load("mini-iv").split("complete/train/12")
    found = made(deepmd(tmp_path / "system", frames, periodic=True))
    check(found, frames)
    np.testing.assert_allclose(found.cell, frames.cell)
    if frames.stress is not None:
        np.testing.assert_allclose(found.stress, frames.stress, atol=1e-10)


@pytest.mark.parametrize("name", ["cell", "lattice"])
def test_one_cell_for_all_frames(tmp_path, name):
    frames = teadata.load("mini-iv").split("complete/train/12")
    cell = frames.cell[0] + np.triu(np.ones((3, 3)), 1)  # rows are vectors, sGDML's are columns
    np.savez(
        tmp_path / "a.npz",
        R=frames.positions,
        E=frames.energies,
        F=frames.forces,
        z=frames.numbers,
        e_unit="kcal/mol",
        **{name: cell if name == "cell" else cell.T},
    )
    found = made(tmp_path / "a.npz")
    assert found.pbc.all()
    np.testing.assert_array_equal(found.cell, np.broadcast_to(cell, (12, 3, 3)))


def labelled(frames, **arrays):
    return {
        "R": frames.positions, "E": frames.energies, "F": frames.forces, "z": frames.numbers,
        "e_unit": "kcal/mol", **arrays,
    }  # fmt: skip


def test_nine_numbers_of_a_lattice_are_not_turned_without_a_word(tmp_path):
    """They may be vectors one after another, or a matrix of columns."""
    import h5py

    frames = teadata.load("mini-iv").split("complete/train/12")
    vectors = np.array([[20.0, 0, 0], [5, 19, 0], [2, 3, 18]])
    arrays = labelled(frames, lattice=vectors.ravel())
    np.savez(tmp_path / "a.npz", **arrays)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, value in arrays.items():
            file[name] = value
    for path in (tmp_path / "a.npz", tmp_path / "a.h5"):
        with pytest.raises(DataError, match=r"nine numbers.*first vector is \(20, 0, 0\)"):
            create("own", [Input(path)])
    # what the message says to do
    del arrays["lattice"]
    np.savez(tmp_path / "a.npz", **arrays, cell=np.reshape(vectors.ravel(), (3, 3)))
    np.testing.assert_array_equal(made(tmp_path / "a.npz").cell[5], vectors)


@pytest.mark.parametrize("flat", [False, True])
def test_a_symmetric_lattice_of_nine_numbers_is_certain(tmp_path, flat):
    frames = teadata.load("mini-iv").split("complete/train/12")
    cell = frames.cell[0] * np.eye(3)
    np.savez(tmp_path / "a.npz", **labelled(frames, lattice=cell.ravel() if flat else cell))
    (done,) = create("own", [Input(tmp_path / "a.npz")])
    np.testing.assert_array_equal(teadata.load("own").frames.cell[5], cell)
    assert not [note for note in done.notes if "columns" in note]


def test_columns_of_a_lattice_are_said(tmp_path):
    frames = teadata.load("mini-iv").split("complete/train/12")
    vectors = np.array([[20.0, 0, 0], [5, 19, 0], [2, 3, 18]])
    np.savez(tmp_path / "a.npz", **labelled(frames, lattice=vectors.T))
    (done,) = create("own", [Input(tmp_path / "a.npz")])
    assert "(20, 0, 0), (5, 19, 0), (2, 3, 18); if they are its rows, call it cell" in (
        " ".join(done.notes)
    )
    np.testing.assert_array_equal(teadata.load("own").frames.cell[5], vectors)


@pytest.mark.parametrize("each", [True, False])
def test_lengths_and_angles_of_a_cell_are_named_with_their_conversion(tmp_path, each):
    from ase.geometry import cellpar_to_cell

    frames = teadata.load("mini-iv").split("complete/train/12")
    cell = np.array([20, 20, 18, 90, 90, 120.0])
    cell = np.tile(cell, (12, 1)) if each else cell
    np.savez(tmp_path / "a.npz", **labelled(frames, cell=cell))
    with pytest.raises(DataError, match="seem to be a, b, c, α, β, γ") as caught:
        create("own", [Input(tmp_path / "a.npz")])
    conversion = re.search(r"; cell = (.*?), if positions", str(caught.value))[1]
    cell = eval(conversion, {"cellpar_to_cell": cellpar_to_cell, "cell": cell})
    np.savez(tmp_path / "a.npz", **labelled(frames, cell=cell))
    np.testing.assert_allclose(made(tmp_path / "a.npz").volumes, 20 * 20 * 18 * np.sqrt(0.75))
    np.savez(tmp_path / "a.npz", **labelled(frames, cell=[20.0, 20, 18]))
    with pytest.raises(DataError, match=r"write vectors: cell = np\.diag\(cell\)"):
        create("own", [Input(tmp_path / "a.npz")])


def test_a_folder_of_folders(few, tmp_path):
    (tmp_path / "all").mkdir()
    deepmd(tmp_path / "all" / "a", few[:6], sets=1)
    formats.write(tmp_path / "all" / "b.npz", few[6:])
    (tmp_path / "all" / "run.log").write_text("no frames")
    check(made(tmp_path / "all"), few)


@pytest.mark.parametrize(
    ("name", "energy"),
    [
        ("vasp/OUTCAR_example_1", -68.23102426),
        ("vasp/vasprun_pstress.xml", -20.247200953169394),
    ],
)
def test_outputs_of_vasp(name, energy):
    only = Wanted(valid=0, test=0)
    found = made(TESTDATA / name, wanted=only)
    assert found.periodic
    np.testing.assert_allclose(found.energies / EV, [energy], rtol=1e-10)
    free = Options(keys=Keys(energies="free_energy"), wanted=only)
    create("free", [Input(TESTDATA / name)], free)
    assert teadata.load("free").frames.energies[0] != found.energies[0]


def test_a_trajectory_of_castep():
    found = made(TESTDATA / "castep" / "md.castep", wanted=Wanted(valid=1, test=1))
    assert (len(found), found.formula) == (3, "Si8")
    np.testing.assert_allclose(found.energies[0] / EV, -1351.30020607, rtol=1e-9)


def test_what_has_no_labels_says_so(few, tmp_path):
    np.savez(tmp_path / "no.npz", R=few.positions, z=few.numbers, E=few.energies, grad=few.forces)
    said = r"has no forces.*found E, R, grad, z.*--forces-key. .*the negative of .* such as grad"
    with pytest.raises(IncompleteError, match=said) as caught:
        made(tmp_path / "no.npz", energy_unit="eV")
    assert caught.value.options == ()
    np.savez(tmp_path / "u.npz", R=few.positions, z=few.numbers, U0=few.energies, grad=few.forces)
    with pytest.raises(IncompleteError, match="has no energies") as caught:
        made(tmp_path / "u.npz", energy_unit="eV")
    assert caught.value.options == ()  # no command that takes the gradient for the energy
    atoms = few.to_ase()
    del atoms[7].calc.results["energy"]
    ase.io.write(tmp_path / "no.extxyz", atoms)
    with pytest.raises(IncompleteError, match=r"image 7 .*has no energies"):
        made(tmp_path / "no.extxyz", energy_unit="eV")
    (tmp_path / "some.log").write_text("nothing that ASE knows\n")
    with pytest.raises(DataError, match="finds no structures in it"):
        made(tmp_path / "some.log")
    with pytest.raises(UsageError, match="unknown file suffix"):
        made(Path(__file__))


def test_single_precision_is_refused_where_it_loses_digits(few, tmp_path):
    np.savez(
        tmp_path / "f.npz",
        R=few.positions,
        z=few.numbers,
        E=few.energies.astype(np.float32),
        F=few.forces,
    )
    with pytest.raises(IncompleteError, match="single precision") as caught:
        made(tmp_path / "f.npz", energy_unit="kcal/mol")
    assert caught.value.options == ("--accept-float32",)
    assert len(made(tmp_path / "f.npz", energy_unit="kcal/mol", accept_float32=True)) == 12


def test_frames_that_were_exported_and_labelled_anew(few, tmp_path):
    path = tmp_path / "again.xyz"
    formats.write(path, few)  # in kcal/mol, as it says
    atoms = ase.io.read(path, ":")
    for image, labelled in zip(atoms, few.to_ase(), strict=True):
        image.calc = labelled.calc  # eV, from another program
    ase.io.write(path, atoms)
    with pytest.raises(IncompleteError, match="kcal/mol since teadata exported it") as caught:
        made(path)
    assert caught.value.options == ("--energy-unit", "eV")
    check(made(path, energy_unit="eV"), few)


def test_stress_of_six_values_in_info_is_the_calculators(few, tmp_path):
    atoms = few.to_ase()
    for image in atoms:
        image.cell, image.pbc = 30 * np.eye(3), True
        results = image.calc.results | {"stress": np.arange(6) / 100}
        image.calc = SinglePointCalculator(image, **results)
        image.info["stress"] = image.get_stress(voigt=False)
    ase.io.write(tmp_path / "a.traj", atoms)
    found = made(tmp_path / "a.traj")
    assert found.stress is not None
    np.testing.assert_allclose(found.stress[0, 0], np.array([0, 5, 4]) / 100 * EV)
