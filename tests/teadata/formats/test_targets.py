"""Frames written for other programs, opened by these programs."""

from __future__ import annotations

import json

import ase.io
import dpdata
import numpy as np
import pytest

import teadata
from teadata import Frames, formats, units
from teadata.errors import DataError, UsageError
from teadata.formats import targets


@pytest.fixture(scope="module")
def hydrogen() -> Frames:
    """Periodic frames with stress, under compression."""
    return teadata.load("mini-hydrogen").split("complete/train/10")


@pytest.fixture(scope="module")
def molecule() -> Frames:
    """Frames without a cell."""
    return teadata.load("mini-i").split("folded/train/10")


def assert_alike(found: list[ase.Atoms], frames: Frames) -> None:
    """Atoms have the energies, forces and stress that frames have in ASE's units."""
    expected = frames.to_ase()
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.numbers, other.numbers)
        np.testing.assert_array_equal(one.pbc, other.pbc)
        np.testing.assert_allclose(one.positions, other.positions, rtol=1e-14)
        np.testing.assert_allclose(one.get_potential_energy(), other.get_potential_energy())
        np.testing.assert_allclose(one.get_forces(), other.get_forces(), atol=1e-12)
        if frames.stress is not None:
            np.testing.assert_allclose(one.cell.array, other.cell.array)
            np.testing.assert_allclose(one.get_stress(), other.get_stress(), atol=1e-14)


@pytest.mark.parametrize("program", ["ase", "nequip"])
@pytest.mark.parametrize("system", ["hydrogen", "molecule"])
def test_ase_reads_them_in_its_units(request, tmp_path, program, system):
    """NequIP reads extended XYZ with ASE, from the results of the single-point calculator."""
    frames, path = request.getfixturevalue(system), tmp_path / "f.xyz"
    targets.write(path, frames, program, texts={"dataset": "mini-i", "subset": "folded"})
    images = ase.io.read(path, ":")
    assert_alike(images, frames)
    said = images[0].info
    assert (said["energy_unit"], said["length_unit"]) == ("eV", "Ang")
    assert (said["dataset"], said["subset"]) == ("mini-i", "folded")
    np.testing.assert_allclose(formats.read(path).forces, frames.forces, atol=1e-12)


LOADS = """
import json, sys
from mace.data import AtomicData, KeySpecification, load_from_xyz
from mace.tools import AtomicNumberTable
import torch
torch.set_default_dtype(torch.float64)
for path in sys.argv[1:]:
    keys = KeySpecification.from_defaults()
    energies, found = load_from_xyz(path, keys, extract_atomic_energies=True)
    table = AtomicNumberTable(sorted({int(z) for c in found for z in c.atomic_numbers}))
    data = [AtomicData.from_config(c, z_table=table, cutoff=2.0) for c in found]
    print(json.dumps({
        "isolated": len(energies),
        "energy": [float(d.energy) for d in data],
        "forces": [d.forces.tolist() for d in data],
        "stress": [d.stress[0].tolist() for d in data],
        "stress_weight": float(data[0].stress_weight),
    }))
"""


def test_maces_own_loader_reads_them(run, hydrogen, molecule, tmp_path):
    pytest.importorskip("mace")
    systems = {tmp_path / "hydrogen.xyz": hydrogen, tmp_path / "molecule.xyz": molecule}
    for path, frames in systems.items():
        targets.write(path, frames, "mace")
    (tmp_path / "loads.py").write_text(LOADS)
    done = run(tmp_path / "loads.py", *systems)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[-2:]
    for found, frames in zip(map(json.loads, lines), systems.values(), strict=True):
        expected = frames.to_ase()
        assert found["isolated"] == 0
        energies = [atoms.get_potential_energy() for atoms in expected]
        np.testing.assert_allclose(found["energy"], energies)
        forces = [atoms.get_forces() for atoms in expected]
        np.testing.assert_allclose(found["forces"], forces, atol=1e-12)
        # it trains on stress where there is one
        assert found["stress_weight"] == (frames.stress is not None)
        if frames.stress is not None:
            stress = [atoms.get_stress(voigt=False) for atoms in expected]
            np.testing.assert_allclose(found["stress"], stress, atol=1e-14)


def test_the_labels_for_mace_are_read_back_and_have_a_checksum(hydrogen, tmp_path):
    path = tmp_path / "f.xyz"
    targets.write(path, hydrogen, "mace")
    back = formats.read(path)
    np.testing.assert_allclose(back.forces, hydrogen.forces, atol=1e-12)
    np.testing.assert_allclose(back.stress, hydrogen.stress, atol=1e-12)
    path.write_text(path.read_text().replace("REF_energy=-", "REF_energy=-1", 1))
    with pytest.raises(DataError, match="the frame is not as it was written"):
        formats.read(path)


@pytest.mark.parametrize("system", ["hydrogen", "molecule"])
def test_dpdata_reads_the_folders_for_deepmd(request, tmp_path, system):
    frames, path = request.getfixturevalue(system), tmp_path / "deepmd"
    targets.write(path, frames, "deepmd", title="mini", texts={"dataset": "mini-i@1.0.0"})
    found = dpdata.LabeledSystem(path, fmt="deepmd/npy")
    assert_alike(found.to("ase/structure"), frames)
    if frames.stress is not None:  # compressed hydrogen pushes outwards
        assert np.trace(found["virials"][0]) > 0 > np.trace(frames.stress[0])
    assert (path / "nopbc").exists() != frames.periodic
    np.testing.assert_array_equal(np.load(path / "set.000/frame_id.npy"), frames.ids)
    said = (path / "README.txt").read_text()
    assert "energies in eV" in said
    assert "dataset: mini-i@1.0.0" in said
    assert ("virial" in said) == frames.periodic
    targets.write(path, frames[:2], "deepmd")  # it takes the place of an older one
    assert len(dpdata.LabeledSystem(path, fmt="deepmd/npy")) == 2


def test_what_deepmd_cannot_hold(hydrogen, tmp_path):
    arrays = {"numbers": hydrogen.numbers, "positions": hydrogen.positions[:1]}
    arrays |= {"energies": [0.0], "forces": hydrogen.forces[:1], "cell": hydrogen.cell[:1]}
    slab = Frames(**arrays, pbc=(True, True, False))
    with pytest.raises(DataError, match="in all directions or none"):
        targets.write(tmp_path / "d", slab, "deepmd")
    with pytest.raises(DataError, match="no frames"):
        targets.write(tmp_path / "d", hydrogen[:0], "deepmd")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").touch()
    with pytest.raises(DataError, match="not replaced; move it away"):
        targets.write(tmp_path / "mine", hydrogen, "deepmd")
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("name", "program", "message"),
    [
        ("f.npz", "ase", "ASE reads extended XYZ, expected a name that ends on .xyz"),
        ("f.xyz.gz", "mace", "MACE reads extended XYZ"),
        ("f.h5", "deepmd", "DeePMD-kit reads a folder of arrays, expected a name without .h5"),
        ("f.xyz", "mac", "unknown program 'mac'.*did you mean 'mace'"),
    ],
)
def test_what_a_program_does_not_read(hydrogen, tmp_path, name, program, message):
    with pytest.raises(UsageError, match=message):
        targets.write(tmp_path / name, hydrogen, program)


@pytest.mark.parametrize("suffix", ["h5", "npz", "xyz", "parquet", "zarr"])
@pytest.mark.parametrize("pair", [("eV", "Å"), ("Hartree", "Bohr"), ("kJ/mol", "nm")])
def test_every_format_states_its_units_and_is_read_back(hydrogen, tmp_path, suffix, pair):
    one = np.broadcast_to(hydrogen.cell[0], hydrogen.cell.shape)  # npz holds one lattice
    arrays = {name: getattr(hydrogen, name) for name in hydrogen.__dataclass_fields__}
    frames, path = Frames(**arrays | {"cell": one}), tmp_path / f"f.{suffix}"
    formats.write(path, frames, units=units.UnitSystem(*pair))
    back = formats.read(path)
    for name in ("positions", "energies", "forces", "cell", "stress"):
        expected = getattr(frames, name)
        np.testing.assert_allclose(getattr(back, name), expected, rtol=1e-13, err_msg=name)
