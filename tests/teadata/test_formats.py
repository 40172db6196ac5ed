from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import ase.io
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from teadata import Frames, formats
from teadata.errors import DataError, UsageError
from teadata.formats import npz, parquet

finite = st.floats(allow_nan=False, allow_infinity=False, width=64, min_value=-1e8, max_value=1e8)


@st.composite
def any_frames(draw: st.DrawFn) -> Frames:
    count, atoms = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    periodic = draw(st.booleans())
    cell = draw(arrays(np.float64, (3, 3), elements=st.floats(-9, 9))) + 20 * np.eye(3)
    return Frames(
        numbers=draw(arrays(np.int64, atoms, elements=st.integers(1, 118))),
        positions=draw(arrays(np.float64, (count, atoms, 3), elements=finite)),
        energies=draw(arrays(np.float64, count, elements=finite)),
        forces=draw(arrays(np.float64, (count, atoms, 3), elements=finite)),
        cell=np.tile(cell, (count, 1, 1)) if periodic else None,
        pbc=(periodic,) * 3,
        ids=draw(arrays(np.int64, count, elements=st.integers(0, 2**40), unique=True)),
    )


@pytest.mark.parametrize("suffix", ["h5", "npz", "xyz", "parquet"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(frames=any_frames())
def test_every_format_gives_back_every_bit(suffix, frames):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"frames.{suffix}"
        if suffix == "xyz" and frames.ids.max() >= 2**31:
            with pytest.raises(DataError, match="integers of 32 bits"):
                formats.write(path, frames)
            assert not path.exists()
            return
        formats.write(path, frames)
        again = formats.read(path)
    for name in ("numbers", "positions", "energies", "forces", "cell", "pbc", "ids"):
        np.testing.assert_array_equal(getattr(again, name), getattr(frames, name), err_msg=name)


def test_ase_reads_our_extxyz_bit_for_bit(small, tmp_path):
    path = tmp_path / "frames.xyz"
    formats.write(path, small, name="mini-i", theory="GFN2-xTB")
    images = ase.io.read(path, index=":")
    np.testing.assert_array_equal([image.positions for image in images], small.positions)
    np.testing.assert_array_equal([i.get_potential_energy() for i in images], small.energies)
    np.testing.assert_array_equal([image.get_forces() for image in images], small.forces)
    np.testing.assert_array_equal([image.info["frame_id"] for image in images], small.ids)
    assert images[0].info["energy_unit"] == "kcal/mol"
    assert images[0].get_chemical_formula("hill") == small.formula


def test_real_frame_of_challenge_iii(repository, tmp_path):
    source = repository / "tests/data/challenge3_frame.extxyz"
    with pytest.raises(DataError, match="image 0 has no energy_unit"):
        formats.read(source, "extxyz")
    declared = source.read_text().replace("energy=", "energy_unit=kcal/mol energy=", 1)
    path = tmp_path / "frame.xyz"
    path.write_text(declared)
    frame = formats.read(path)
    assert frame.formula == "C106H6N2"
    assert frame.periodic
    assert np.linalg.norm(frame.cell[0, 0]) == pytest.approx(17.25837925)
    assert np.linalg.norm(frame.cell[0, 2]) == pytest.approx(38.70524185)
    assert frame.energies[0] == -2602430.748856439  # every digit of a large total energy
    np.testing.assert_allclose(frame.forces.sum(axis=1), 0, atol=1e-6)
    reference = ase.io.read(source)
    np.testing.assert_array_equal(frame.positions[0], reference.positions)
    np.testing.assert_array_equal(frame.cell[0], reference.cell.array)


def test_units_are_converted_when_read(small, tmp_path):
    path = tmp_path / "frames.npz"
    content = npz.arrays(small)
    content |= {"e_unit": "eV", "r_unit": "Bohr", "E": np.ones((len(small), 1))}
    np.savez(path, **content)
    frames = formats.read(path)
    assert frames.energies == pytest.approx(23.06054783, rel=1e-9)
    np.testing.assert_allclose(frames.positions, small.positions * 0.529177210903, rtol=1e-14)
    np.testing.assert_allclose(frames.forces, small.forces * 23.06054783 / 0.529177210903, 1e-9)


def test_stress_survives(tmp_path):
    rng = np.random.default_rng(0)
    frames = Frames(
        numbers=[1, 8],
        positions=rng.normal(size=(2, 2, 3)),
        energies=rng.normal(size=2),
        forces=rng.normal(size=(2, 2, 3)),
        cell=rng.normal(size=(2, 3, 3)) + 9 * np.eye(3),
        pbc=(True, True, True),
        stress=rng.normal(size=(2, 3, 3)),
        trajectories=[4, 5],
    )
    for name in ("f.xyz", "f.h5", "f.parquet"):
        formats.write(tmp_path / name, frames)
        np.testing.assert_array_equal(formats.read(tmp_path / name).stress, frames.stress)
    for name in ("f.h5", "f.parquet"):
        np.testing.assert_array_equal(formats.read(tmp_path / name).trajectories, [4, 5])


def test_a_lattice_per_frame_does_not_fit_sgdmls_format(tmp_path):
    frames = Frames(
        numbers=[1],
        positions=np.zeros((2, 1, 3)),
        energies=[0, 0],
        forces=np.zeros((2, 1, 3)),
        cell=[np.eye(3), 2 * np.eye(3)],
        pbc=(True, True, True),
    )
    with pytest.raises(DataError, match="holds one lattice"):
        formats.write(tmp_path / "f.npz", frames)
    assert list(tmp_path.iterdir()) == []


def test_hdf5_is_compact_and_reproducible(small, tmp_path):
    for name in ("a.h5", "b.h5"):
        formats.write(tmp_path / name, small)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    with h5py.File(tmp_path / "a.h5") as file:
        # the labelled positions lie on a grid that single precision holds
        assert file["positions"].dtype == np.float32
        assert file["energies"].dtype == np.float64


@pytest.mark.parametrize("name", ["f.h5", "f.npz", "f.xyz", "f.parquet"])
def test_damaged_files_are_one_clear_error(small, tmp_path, name):
    path = tmp_path / name
    with pytest.raises(DataError, match=r"f\.\w+: "):
        formats.read(path)
    formats.write(path, small)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"f\.\w+: "):
        formats.read(path)
    path.write_text("nonsense\n")
    with pytest.raises(DataError, match=r"f\.\w+: "):
        formats.read(path)


def test_a_write_that_fails_leaves_the_old_file(small, tmp_path, monkeypatch):
    path = tmp_path / "f.npz"
    path.write_text("precious")

    def full_disk(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(DataError, match="No space left"):
        formats.write(path, small)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", ["h5", "npz", "xyz", "parquet"])
def test_a_path_below_a_file_is_one_clear_error(small, tmp_path, suffix):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(DataError, match="cannot be written"):
        formats.write(tmp_path / "file" / f"f.{suffix}", small)
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize("suffix", ["h5", "npz", "xyz", "parquet"])
def test_a_full_disk_is_one_clear_error(suffix):
    """A limit on the size of files, which the kernel enforces as it does a full disk."""
    code = (
        "import sys, resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        f"sys.argv = 'teadata export mini-i --split folded/test -o f.{suffix}'.split()\n"
        "from teadata.cli import main; main()"
    )
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=False
        )
        assert list(Path(folder).iterdir()) == []
    assert done.returncode == 1
    assert f"f.{suffix}: cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_suffix_and_format(small, tmp_path):
    with pytest.raises(UsageError, match=r"'\.pdb'; expected one of: \.h5"):
        formats.write(tmp_path / "f.pdb", small)
    with pytest.raises(UsageError, match="'pdb'; expected one of: hdf5, npz, extxyz"):
        formats.read(tmp_path / "f.npz", "pdb")


def test_parquet_is_a_table_that_explains_itself(small, tmp_path):
    for name in ("a.parquet", "b.parquet"):
        formats.write(tmp_path / name, small, name="mini-i", theory="GFN2-xTB")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    table = pq.read_table(tmp_path / "a.parquet")  # as anybody reads it
    assert table.column_names == ["frame_id", "energy", "positions", "forces", "trajectory"]
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert json.loads(metadata["numbers"]) == small.numbers.tolist()
    assert (metadata["energy_unit"], metadata["length_unit"]) == ("kcal/mol", "Å")
    assert (metadata["name"], metadata["theory"]) == ("mini-i", "GFN2-xTB")
    assert table.schema.field("forces").metadata == {b"unit": "kcal/mol/Å".encode()}
    forces = np.stack(table["forces"].to_numpy()).reshape(small.forces.shape)
    np.testing.assert_array_equal(forces, small.forces)


def test_parquet_of_several_row_groups(mini_i, tmp_path):
    frames, path = mini_i.frames[: parquet.ROW_GROUP + 1], tmp_path / "f.parquet"
    formats.write(path, frames)
    assert pq.ParquetFile(path).num_row_groups == 2
    again = formats.read(path)
    for name in ("positions", "energies", "forces", "ids", "trajectories"):
        np.testing.assert_array_equal(getattr(again, name), getattr(frames, name), err_msg=name)


def test_parquet_of_somebody_else_is_refused(tmp_path):
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"energy": [1.0]}), path)
    with pytest.raises(DataError, match="expected the parquet layout 'tea-frames-1', found None"):
        formats.read(path)
    schema = pa.schema([("energy", pa.float64())], {"layout": "tea-frames-1"})
    pq.write_table(pa.table({"energy": [1.0]}, schema=schema), path)
    with pytest.raises(DataError, match="no column frame_id, positions, forces"):
        formats.read(path)
