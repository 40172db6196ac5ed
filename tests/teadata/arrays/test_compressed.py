"""Files that are compressed in another way than their names say are named as that."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import shutil
import subprocess
import zipfile

import pytest

from teadata import formats
from teadata.arrays import open_arrays
from teadata.errors import DataError
from teadata.indices import read


@pytest.fixture
def plain(mini_i, tmp_path):
    path = tmp_path / "f.xyz"
    formats.write(path, mini_i.split("folded/train/3"))
    return path.read_bytes()


def refused(path) -> str:
    with pytest.raises(DataError) as caught:
        open_arrays(path).whole("energy")
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".xyz", ".extxyz"])
def test_gzip_without_its_suffix_is_read_after_the_command_in_the_error(plain, tmp_path, suffix):
    path = tmp_path / f"my frames{suffix}"
    path.write_bytes(gzip.compress(plain))
    said = refused(path)
    assert f"is gzip-compressed, which its name does not say; name it my frames{suffix}.gz" in said
    subprocess.run(said.rpartition(": ")[2], shell=True, check=True)
    assert len(open_arrays(tmp_path / f"my frames{suffix}.gz").whole("energy")) == 3


def test_text_that_is_called_gzip(plain, tmp_path):
    path = tmp_path / "f.xyz.gz"
    path.write_bytes(plain)
    said = refused(path)
    assert "is not gzip-compressed, which its name says" in said
    assert said.endswith(f"mv {path} {tmp_path / 'f.xyz'}")


COMPRESSED = [
    (kind, name)
    for kind in ("bzip2", "xz", "gzip")
    for name in ("f.xyz", "f.npz", "f.h5")
    if (kind, name) != ("gzip", "f.xyz")  # which is only named anew
]


@pytest.mark.parametrize(("kind", "name"), COMPRESSED)
def test_other_compression_is_undone_by_the_command_in_the_error(tmp_path, mini_i, kind, name):
    path, compress = tmp_path / name, {"bzip2": bz2, "xz": lzma, "gzip": gzip}[kind].compress
    formats.write(path, mini_i.split("folded/train/3"))
    path.write_bytes(compress(path.read_bytes()))
    said = refused(path)
    assert f"is {kind}-compressed" in said
    if shutil.which(kind) is not None:
        subprocess.run(said.rpartition(": ")[2], shell=True, check=True)
        assert len(formats.read(tmp_path / f"f-plain{path.suffix}")) == 3


def test_zip_zstd_and_what_is_compressed_twice(plain, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xyz", "w") as archive:
        archive.writestr("f.xyz", plain)
    assert "is zip-compressed" in refused(tmp_path / "a.xyz")
    (tmp_path / "b.xyz").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(20))
    assert "is zstd-compressed" in refused(tmp_path / "b.xyz")
    (tmp_path / "c.xyz.gz").write_bytes(gzip.compress(gzip.compress(plain)))
    assert "is compressed twice" in refused(tmp_path / "c.xyz.gz")


def test_indices_and_references_and_predictions(plain, tmp_path, run):
    (tmp_path / "i.csv").write_bytes(gzip.compress(b"0\n1\n"))
    with pytest.raises(DataError, match=r"i\.csv: is gzip-compressed"):
        read(tmp_path / "i.csv", "train")
    path = tmp_path / "f.xyz"
    path.write_bytes(gzip.compress(plain))
    (tmp_path / "r.xyz").write_bytes(plain)
    for words in ((path,), (tmp_path / "r.xyz", "--reference", path)):
        done = run("teaeval", "score", *words)
        assert done.returncode == 1
        assert re.search(r"is gzip-compressed, .*name it f\.xyz\.gz", done.stderr), done.stderr
