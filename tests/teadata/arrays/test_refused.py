"""Files that claim too much, lead elsewhere or were not finished: one sentence each, by format."""

from __future__ import annotations

import io
import json
import os
import shlex
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import ase.db
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr
from ase import Atoms

from teadata import formats
from teadata.arrays import open_arrays
from teadata.errors import DataError

N, A = 12, 3
ENERGY = np.arange(N) + 0.5
FORCES = np.arange(N * A * 3, dtype=float).reshape(N, A, 3)


def unwritten_chunks(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("forces", FORCES.shape, float, chunks=(4, A, 3))[:8] = FORCES[:8]


def never_written(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("forces", FORCES.shape, float)


def external_link(path: Path) -> None:
    with h5py.File(path.with_name("other.h5"), "w") as file:
        file["forces"] = FORCES
    with h5py.File(path, "w") as file:
        file["energy"] = ENERGY
        file["forces"] = h5py.ExternalLink("other.h5", "/forces")


def lone_external_link(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["group"] = h5py.ExternalLink("other.h5", "/")


def soft_link_through_an_external_one(path: Path) -> None:
    external_link(path)
    with h5py.File(path, "r+") as file:
        file["out"] = h5py.ExternalLink("other.h5", "/")
        del file["forces"]
        file["forces"] = h5py.SoftLink("/out/forces")


def link_to_itself(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["energy"] = ENERGY
        file["forces"] = h5py.SoftLink("/forces")


def virtual(path: Path) -> None:
    layout = h5py.VirtualLayout(FORCES.shape, float)
    layout[:] = h5py.VirtualSource("other.h5", "forces", shape=FORCES.shape)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("forces", layout)


def missing_filter(path: Path) -> None:
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk(FORCES.shape)
    settings.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
    with h5py.File(path, "w") as file:
        space = h5py.h5s.create_simple(FORCES.shape)
        made = h5py.h5d.create(file.id, b"forces", h5py.h5t.IEEE_F64LE, space, settings)
        made.write_direct_chunk((0, 0, 0), b"\x28\xb5\x2f\xfd", 0)


def left_open(path: Path) -> None:
    code = (
        f"import h5py, os; f = h5py.File({str(path)!r}, 'w', libver='latest'); f['forces'] = [0.0];"
        "f.swmr_mode = True; f.flush(); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)


def cut_off(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["forces"] = FORCES
    path.write_bytes(path.read_bytes()[:1500])


def member(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def member_twice(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("forces.npy", member(FORCES))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("forces.npy", member(FORCES * 0))


def member_of_two_names(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("forces.npy", member(FORCES))
        archive.writestr("forces", member(FORCES))


def shape_that_lies(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("forces.npy", member(ENERGY).replace(b"(12,), }", b"(99,), }"))


def pickled(path: Path) -> None:
    np.savez(path, forces=np.array([None, {}], dtype=object))


def rows_of_nothing(path: Path) -> None:
    count = 80_000_000
    schema = pa.schema([("forces", pa.float64()), ("energy", pa.float64())])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        zeros = pa.array(np.zeros(count // 4))
        for _ in range(4):
            writer.write_table(pa.table([zeros, zeros], schema))


def column_twice(path: Path) -> None:
    pq.write_table(pa.table([pa.array(ENERGY)] * 2, ["forces", "forces"]), path)


def damaged_page(path: Path) -> None:
    table = pa.table({"forces": pa.array(np.arange(9999.0))})
    pq.write_table(table, path, write_page_checksum=True, use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[20_000] ^= 1
    path.write_bytes(data)


def zarr_store(path: Path, **options: object) -> None:
    zarr.create_group(path).create_array("forces", data=FORCES, **options)  # type: ignore[arg-type]


def pickling_codec(path: Path) -> None:
    zarr.create_group(path, zarr_format=2).create_array("forces", data=FORCES)
    described = path / "forces" / ".zarray"
    found = json.loads(described.read_text())
    described.write_text(json.dumps(found | {"filters": [{"id": "pickle"}]}))


def unknown_codec(path: Path) -> None:
    zarr_store(path)
    described = path / "forces" / "zarr.json"
    found = json.loads(described.read_text())
    found["codecs"].append({"name": "mine.runs_code", "configuration": {}})
    described.write_text(json.dumps(found))


def link_out_of_the_store(path: Path) -> None:
    zarr_store(path)
    (path / "forces").rename(path.with_name("elsewhere"))
    (path / "forces").symlink_to(path.with_name("elsewhere"))


def many_chunks(path: Path) -> None:
    group = zarr.create_group(path)
    group.create_array("forces", shape=(40_000_000,), dtype=np.int8, chunks=(1,))


def deep_metadata(path: Path) -> None:
    zarr_store(path)
    (path / "forces" / "zarr.json").write_text("[" * 200_000)


def no_database_of_ase(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (a)")


CASES = {
    "unwritten chunks": (unwritten_chunks, "f.h5", "1 of 3 chunks are missing"),
    "never written": (never_written, "f.h5", "created but never written"),
    "external link": (external_link, "f.h5", "forces is a link into another file"),
    "lone external link": (lone_external_link, "f.h5", "group is a link into another file"),
    "two links": (soft_link_through_an_external_one, "f.h5", "is a link into another file"),
    "link to itself": (link_to_itself, "f.h5", "a link that leads nowhere"),
    "virtual dataset": (virtual, "f.h5", "takes its values from another file"),
    "missing filter": (missing_filter, "f.h5", "Zstandard .HDF5 filter 32015., .* hdf5plugin"),
    "left open": (left_open, "f.h5", "h5clear -s f.h5"),
    "cut off": (cut_off, "f.h5", "is cut off: 1500 bytes"),
    "member twice": (member_twice, "f.npz", "holds forces.npy twice"),
    "two names": (member_of_two_names, "f.npz", "holds forces and forces.npy"),
    "shape that lies": (shape_that_lies, "f.npz", "has 792 bytes, and its file has 96"),
    "pickled": (pickled, "f.npz", "pickled Python objects"),
    "parquet bomb": (rows_of_nothing, "f.parquet", "claim to hold 1280000000, over 100 times"),
    "column twice": (column_twice, "f.parquet", "two columns named forces"),
    "damaged page": (damaged_page, "f.parquet", "checksum|damaged"),
    "pickle filter": (pickling_codec, "f.zarr", "asks for the codec 'pickle'"),
    "unknown codec": (unknown_codec, "f.zarr", "asks for the codec 'mine.runs_code'"),
    "link out of a store": (link_out_of_the_store, "f.zarr", "forces is a link out of the store"),
    "many chunks": (many_chunks, "f.zarr", "40000000 of 40000000 chunks of forces are missing"),
    "deep metadata": (deep_metadata, "f.zarr", "not readable as JSON"),
    "no database of ASE": (no_database_of_ase, "f.db", "none of ASE's"),
    "pipe": (os.mkfifo, "f.npz", "a device, pipe or socket"),
    "empty": (Path.touch, "f.parquet", r"is empty \(0 bytes\)"),
    "folder": (Path.mkdir, "f.parquet", "is a folder, expected one file"),
    "dangling link": (lambda path: path.symlink_to("gone"), "f.h5", "link that leads nowhere"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "name", "message"), CASES.values(), ids=CASES)
def test_what_is_wrong_is_said(tmp_path, make, name, message):
    path = tmp_path / name
    make(path)
    with pytest.raises(DataError, match=message) as caught:
        open_arrays(path).whole("forces")
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_database_is_not_written_to(tmp_path):
    path = tmp_path / "f.db"
    no_database_of_ase(path)
    before = path.read_bytes()
    with pytest.raises(DataError):
        open_arrays(path)
    assert path.read_bytes() == before


def test_a_file_that_is_written_by_another_program(tmp_path):
    path = tmp_path / "f.h5"
    with h5py.File(path, "w") as file:
        file["forces"] = FORCES
    code = (
        f"import h5py, time; f = h5py.File({str(path)!r}, 'r+'); print('open', flush=True);"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        try:
            with pytest.raises(DataError, match="is open in another program"):
                open_arrays(path)
        finally:
            other.kill()


def in_a_folder(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mine/forces.npy", member(FORCES))


def zarr_in_a_folder(path: Path) -> None:
    store = path.with_name("mine.zarr")
    zarr_store(store)
    with zipfile.ZipFile(path, "w") as archive:
        for file in store.rglob("*"):
            archive.write(file, file.relative_to(path.parent))


def fortran(path: Path) -> None:
    np.savez(path, forces=np.asfortranarray(FORCES))


def linked(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["run/forces"] = FORCES
        file["forces"] = h5py.SoftLink("/run/forces")


def two_groups_deep(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a/b/forces"] = FORCES


def lists_of_lists(path: Path) -> None:
    pq.write_table(pa.table({"forces": FORCES.tolist()}), path)


def tensors(path: Path) -> None:
    pq.write_table(pa.table({"forces": pa.FixedShapeTensorArray.from_numpy_ndarray(FORCES)}), path)


READ = {
    "npz in a folder": (in_a_folder, "f.npz"),
    "Zarr in a folder": (zarr_in_a_folder, "f.zip"),
    "Fortran order": (fortran, "f.npz"),
    "link within the file": (linked, "f.h5"),
    "groups in groups": (two_groups_deep, "f.h5"),
    "lists of lists": (lists_of_lists, "f.parquet"),
    "tensors": (tensors, "f.parquet"),
}


@pytest.mark.parametrize(("make", "name"), READ.values(), ids=READ)
def test_what_is_right_is_read(tmp_path, make, name):
    make(tmp_path / name)
    file = open_arrays(tmp_path / name)
    assert file.shape("forces") == FORCES.shape
    np.testing.assert_array_equal(file.whole("forces"), FORCES)
    pieces = [piece["forces"] for piece in file.pieces(["forces"], 5)]
    np.testing.assert_array_equal(np.concatenate(pieces), FORCES)


@pytest.mark.parametrize("group", ["C2H6O", 'a "b"', "$it's `odd`"])
def test_a_group_of_many_is_copied_by_the_command_that_the_error_names(tmp_path, group):
    path = tmp_path / "a file.h5"
    with h5py.File(path, "w") as file:
        for name in (group, "other", "third", "~"):
            file[f"data/{name}/forces"] = FORCES
    with pytest.raises(DataError, match=r"4 groups: .*, other, third, …; expected") as caught:
        open_arrays(path)
    command = str(caught.value).partition("To take one: ")[2]
    assert command.startswith("python -c ")
    pasted = ["sh", "-c", command.replace("python", shlex.quote(sys.executable), 1)]
    subprocess.run(pasted, check=True)
    (copied,) = set(tmp_path.iterdir()) - {path}
    np.testing.assert_array_equal(open_arrays(copied).whole("forces"), FORCES)
    assert subprocess.run(pasted, capture_output=True).returncode == 1  # nothing is replaced


@pytest.mark.parametrize("text", ["Å".encode("latin-1"), "Å".encode(), "Å"])
def test_texts_in_latin_1(tmp_path, text):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file.attrs["length_unit"] = np.bytes_(text) if isinstance(text, bytes) else text
    np.savez(tmp_path / "f.npz", length_unit=text)
    for name in ("f.h5", "f.npz"):
        assert open_arrays(tmp_path / name).stated(["length_unit"]) == "Å"


def test_two_names_that_contradict(tmp_path):
    path = tmp_path / "f.npz"
    np.savez(path, energy_unit="kcal/mol", e_unit="eV", r_unit="Ang", length_unit="ang")
    file = open_arrays(path)
    with pytest.raises(DataError, match="energy_unit = 'kcal/mol' and e_unit = 'eV' contradict"):
        file.stated(["energy_unit", "e_unit"])
    assert file.stated(["r_unit", "length_unit"], str.casefold) == "Ang"
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file.attrs["dataset"] = "mini-i"
        file["dataset"] = "mini-ii"
    with pytest.raises(DataError, match="dataset = 'mini-i' and the array dataset = 'mini-ii'"):
        open_arrays(tmp_path / "f.h5").stated(["dataset"])


def test_units_in_a_databases_metadata(tmp_path):
    with ase.db.connect(tmp_path / "f.db") as database:
        database.metadata = {
            "_distance_unit": "Ang",
            "_property_unit_dict": {"energy": "kcal/mol", "forces": "kcal/mol/Ang"},
        }
        database.write(Atoms("H2"), data={"energy": np.array([1.0]), "forces": np.ones((2, 3))})
    file = open_arrays(tmp_path / "f.db")
    assert file.stated(["energy_unit"]) == "kcal/mol"
    assert file.stated(["length_unit"]) == "Ang"
    assert file.whole("energy").tolist() == [[1.0]]
    assert file.stated(["force_unit"]) is None
    with ase.db.connect(tmp_path / "mixed.db") as database:
        database.metadata = {
            "_distance_unit": "Ang",
            "_property_unit_dict": {"energy": "Ha", "forces": "Ha/Bohr"},
        }
        database.write(Atoms("H2"), data={"energy": np.array([1.0]), "forces": np.ones((2, 3))})
    mixed = open_arrays(tmp_path / "mixed.db")
    stated = [mixed.stated([f"{kind}_unit"]) for kind in ("energy", "length", "force")]
    assert stated == ["Ha", "Ang", "Ha/Bohr"]


@pytest.mark.parametrize("name", ["ids", "energies", "forces", "positions"])
def test_every_array_of_a_file_that_is_written_has_a_checksum(small, tmp_path, name):
    path = tmp_path / "f.h5"
    formats.write(path, small)
    with h5py.File(path) as file:
        place = file[name].id.get_chunk_info(0)
        assert file[name].fletcher32
    data = bytearray(path.read_bytes())
    data[place.byte_offset + 5] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError):
        formats.read(path)
