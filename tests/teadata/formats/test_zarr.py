from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest
import zarr

from teadata import formats
from teadata.errors import DataError, MissingExtraError


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", ["f.zarr", "f.zarr.zip"])
def test_zarr_is_a_group_that_explains_itself(small, tmp_path, name):
    formats.write(tmp_path / name, small, name="mini-i", theory="GFN2-xTB")
    store = tmp_path / name
    if name.endswith(".zip"):
        store = zarr.storage.ZipStore(store, mode="r")
    group = zarr.open_group(store, mode="r")  # as anybody reads it
    assert group.attrs["theory"] == "GFN2-xTB"
    assert group["forces"].attrs["units"] == "kcal/mol/Å"
    assert group["forces"].metadata.dimension_names == ("frame", "atom", "xyz")
    assert group["positions"].dtype == np.float32  # which holds every bit of them
    np.testing.assert_array_equal(group["energies"][:], small.energies)
    if name.endswith(".zip"):
        store.close()


def test_the_same_frames_give_the_same_bytes(small, tmp_path):
    for name in ("a", "b"):
        formats.write(tmp_path / f"{name}.zarr", small)
        formats.write(tmp_path / f"{name}.zip", small)
    assert content(tmp_path / "a.zarr") == content(tmp_path / "b.zarr")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_frames_of_several_chunks(mini_i, tmp_path):
    frames = mini_i.frames[:600]
    formats.write(tmp_path / "f.zarr", frames)
    np.testing.assert_array_equal(formats.read(tmp_path / "f.zarr").forces, frames.forces)
    assert zarr.open_group(tmp_path / "f.zarr", mode="r")["forces"].nchunks == 3


def test_an_older_store_is_replaced_and_nothing_else(small, tmp_path):
    path = tmp_path / "f.zarr"
    formats.write(path, small)
    formats.write(path, small[:3])
    assert len(formats.read(path)) == 3
    assert list(tmp_path.iterdir()) == [path]

    mine = tmp_path / "mine.zarr"
    mine.mkdir()
    (mine / "thesis.txt").write_text("precious")
    with pytest.raises(DataError, match="is a folder but no Zarr store, and is not replaced"):
        formats.write(mine, small)
    assert content(mine) == {"thesis.txt": b"precious"}

    file = tmp_path / "file.zarr"
    file.write_text("precious")
    with pytest.raises(DataError, match="cannot be written"):
        formats.write(file, small)
    assert file.read_text() == "precious"
    assert sorted(tmp_path.iterdir()) == [path, file, mine]


def test_damage_is_one_clear_error(small, tmp_path):
    path = tmp_path / "f.zarr"
    with pytest.raises(DataError, match="no such file"):
        formats.read(path)
    formats.write(path, small)
    chunk = path / "forces" / "c" / "0" / "0" / "0"
    bits = bytearray(chunk.read_bytes())
    bits[len(bits) // 2] ^= 1
    chunk.write_bytes(bits)
    with pytest.raises(DataError, match=r"f\.zarr: not a readable Zarr store .*checksum"):
        formats.read(path)
    chunk.unlink()
    with pytest.raises(DataError, match="1 of 1 chunks of forces are missing"):
        formats.read(path)
    shutil.rmtree(path / "forces")
    with pytest.raises(DataError, match="has no forces"):
        formats.read(path)
    zarr.create_group(tmp_path / "other.zarr")
    with pytest.raises(DataError, match="in the layout 'tea-frames-1', found None"):
        formats.read(tmp_path / "other.zarr")


def test_without_zarr_the_extra_is_named(small, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(MissingExtraError, match=r"\[zarr\]"):
        formats.write(tmp_path / "f.zarr", small)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(MissingExtraError, match=r"\[zarr\]"):
        formats.read(tmp_path / "f.zarr")
