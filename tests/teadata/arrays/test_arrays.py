"""Files of arrays, read in pieces: what is read is what was written, or an error says why not."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teadata import formats, units
from teadata.arrays import open_arrays, text
from teadata.errors import DataError, UsageError

SUFFIXES = ("npz", "h5", "zarr", "zarr.zip", "parquet", "xyz")

FUZZ = int(os.environ.get("FUZZ", "60"))
"""Damaged files of each format that are read."""

NAMES = {
    "npz": {"energies": "E", "forces": "F", "positions": "R", "ids": "frame_id"},
    "xyz": {"energies": "energy", "forces": "forces", "positions": "pos", "ids": "frame_id"},
    "parquet": {"energies": "energy", "forces": "forces", "positions": "positions"},
}
"""Names of fields in a file, where they are not those of the fields."""


def name_of(suffix: str, field: str) -> str:
    return NAMES.get(suffix, {}).get(field, {"ids": "frame_id"}.get(field, field)
                                     if suffix == "parquet" else field)  # fmt: skip


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("rows", [1, 3, 8, 100])
def test_pieces_make_the_whole(small, tmp_path, suffix, rows):
    path = tmp_path / f"f.{suffix}"
    formats.write(path, small)
    file = open_arrays(path)
    names = [name_of(suffix, field) for field in ("energies", "forces", "ids")]
    pieces = list(file.pieces(names, rows))
    assert [len(piece[names[0]]) for piece in pieces] == [
        min(rows, 8 - start) for start in range(0, 8, rows)
    ]
    for field, name in zip(("energies", "forces", "ids"), names, strict=True):
        expected = getattr(small, field)
        whole = file.whole(name)
        joined = np.concatenate([piece[name] for piece in pieces])
        np.testing.assert_array_equal(whole, joined)
        np.testing.assert_array_equal(whole.reshape(expected.shape), expected)
        assert file.shape(name) == whole.shape
        assert file.dtype(name).kind == whole.dtype.kind


def test_ase_files_are_in_ev(small, tmp_path):
    import ase.db
    import ase.io

    images = small.to_ase()
    ase.io.write(tmp_path / "f.traj", images)
    with ase.db.connect(tmp_path / "f.db") as database:
        for image in images:
            database.write(image, key_value_pairs={"frame_id": image.info["frame_id"]})
    for path in (tmp_path / "f.traj", tmp_path / "f.db"):
        file = open_arrays(path)
        np.testing.assert_allclose(file.whole("energy") * units.EV, small.energies, rtol=1e-14)
        (piece,) = file.pieces(["forces"], 10)
        np.testing.assert_allclose(piece["forces"] * units.EV, small.forces, rtol=1e-12)
        np.testing.assert_array_equal(file.whole("numbers"), small.numbers)
        np.testing.assert_array_equal(file.whole("frame_id"), small.ids)
        assert file.conventions["energy_unit"] == "eV"


def test_what_a_file_states(tmp_path):
    np.savez(tmp_path / "f.npz", a=np.array(["x", "x"]), b=np.array([1, 2]), c=np.array(b"y"))
    file = open_arrays(tmp_path / "f.npz")
    assert file.stated(["missing", "a"]) == "x"
    assert file.stated(["c"]) == "y"
    assert file.stated(["missing"]) is None
    with pytest.raises(DataError, match="expected one b for all frames, found 2: 1, 2"):
        file.stated(["b"])
    with h5py.File(tmp_path / "f.h5", "w") as hdf:
        hdf.create_group("set").attrs["energy_unit"] = "eV"
    assert open_arrays(tmp_path / "f.h5").stated(["energy_unit"]) == "eV"
    with pytest.raises(ValueError, match="expected one value"):
        text(np.zeros(2))


def test_images_that_differ(small, tmp_path):
    path = tmp_path / "f.xyz"
    formats.write(path, small)
    lines = re.sub(" crc32=.*", "", path.read_text()).splitlines(keepends=True)
    size = small.n_atoms + 2
    lines[size * 3 + 1] = lines[size * 3 + 1].replace("frame_id=", "other=")
    path.write_text("".join(lines))
    file = open_arrays(path)
    assert len(file.whole("energy")) == 8
    with pytest.raises(DataError, match="only 7 of 8 images have frame_id"):
        file.whole("frame_id")
    with pytest.raises(DataError, match=r"image 3 \(line 134\) has no frame_id"):
        list(file.pieces(["frame_id"], 2))
    lines[size * 5 + 2] = "O " + lines[size * 5 + 2][2:]
    path.write_text("".join(lines))
    with pytest.raises(DataError, match=r"image 5 \(line 222\) has other atoms.*--reference"):
        list(open_arrays(path).pieces(["energy"], 2))


def test_columns_of_ragged_lists(tmp_path):
    table = pa.table({"forces": [[1.0, 2.0], [3.0]], "energy": [1.0, None]})
    pq.write_table(table, tmp_path / "f.parquet")
    file = open_arrays(tmp_path / "f.parquet")
    with pytest.raises(DataError, match="lists of different lengths"):
        file.whole("forces")
    np.testing.assert_array_equal(file.whole("energy"), [1.0, np.nan])


def test_hdf5_that_leads_elsewhere(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(80))
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["energy"] = np.zeros(10)
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["energy"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/energy")
        file["forces"] = np.zeros(3)
    file = open_arrays(tmp_path / "link.h5")
    np.testing.assert_array_equal(file.whole("forces"), np.zeros(3))
    with pytest.raises(DataError, match="energy is a link into another file"):
        file.whole("energy")
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        raw = [(str(tmp_path / "secret"), 0, 80)]
        file.create_dataset("energy", (10,), float, external=raw)
    with pytest.raises(DataError, match="energy takes its values from another file"):
        open_arrays(tmp_path / "raw.h5").whole("energy")


def test_names_that_stand_for_no_format(tmp_path):
    (tmp_path / "f.txt").write_text("")
    with pytest.raises(UsageError, match=r"unknown file suffix '.txt'"):
        open_arrays(tmp_path / "f.txt")
    with pytest.raises(UsageError, match="unknown format 'pickle'"):
        open_arrays(tmp_path / "f.txt", "pickle")
    with pytest.raises(DataError, match="no such file"):
        open_arrays(tmp_path / "missing.npz")


@pytest.fixture(scope="module")
def written(mini_i, tmp_path_factory) -> dict[str, bytes]:
    import ase.io

    frames = mini_i.split("folded/train/8")
    folder = tmp_path_factory.mktemp("written")
    for suffix in SUFFIXES:
        if suffix != "zarr":
            formats.write(folder / f"f.{suffix}", frames)
    ase.io.write(folder / "f.traj", frames.to_ase())
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", [f"f.{s}" for s in (*SUFFIXES, "traj") if s != "zarr"])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), cut=st.booleans())
def test_damaged_files_are_an_error_or_still_arrays(written, tmp_path, name, seed, cut):
    """Cut off, or with some bytes changed: no crash, no other exception than ours."""
    rng = random.Random(seed)
    data = bytearray(written[name])
    if cut:
        del data[rng.randrange(len(data)) :]
    else:
        for _ in range(rng.randint(1, 20)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    path = Path(tmp_path) / name
    path.write_bytes(data)
    said = name
    try:
        file = open_arrays(path)
        for array in file.names:
            assert isinstance(file.whole(array), np.ndarray)
        for piece in file.pieces([n for n in file.names if n in ("E", "energy", "energies")], 3):
            assert all(isinstance(array, np.ndarray) for array in piece.values())
    except DataError as error:
        said = str(error)
    assert name in said
