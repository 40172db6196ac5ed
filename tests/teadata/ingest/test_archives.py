"""Archives that are not what they should be: nothing is written, and the reason is said."""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from teadata.arrays import decompression
from teadata.errors import DataError, UsageError
from teadata.ingest import archives
from teadata.ingest.archives import find


def files(path: Path) -> list[str]:
    return sorted(p.name for p in path.rglob("*") if p.is_file())


def zipped(path: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def add(archive: tarfile.TarFile, name: str, data: bytes = b"", kind: bytes = b"0") -> None:
    info = tarfile.TarInfo(name)
    info.size, info.type = len(data), kind
    if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        info.linkname = "/etc/passwd"
    archive.addfile(info, io.BytesIO(data))


@pytest.fixture
def staging(tmp_path) -> Path:
    return tmp_path / "staging"


def test_only_files_of_frames_are_unpacked_under_their_labels(tmp_path, staging):
    inner = zipped(tmp_path / "inner.zip", **{"x/train.xyz": b"1", "x/notes.txt": b"2"})
    entries = {"a/valid.npz": b"3", "b.h5": b"4", "__MACOSX/._b.h5": b"5", ".hidden.npz": b"6"}
    zipped(tmp_path / "all.zip", **entries, **{"inner.zip": inner.read_bytes()})
    found = find([tmp_path / "all.zip"], staging)
    assert {f.label: f.path.read_bytes() for f in found.frames} == {
        "all.zip/a/valid.npz": b"3",
        "all.zip/b.h5": b"4",
        "all.zip/inner.zip/x/train.xyz": b"1",
    }
    assert {f.given for f in found.frames} == {tmp_path / "all.zip"}
    assert [f.label for f in found.indices] == ["all.zip/inner.zip/x/notes.txt"]
    assert found.passed == []


@pytest.mark.parametrize(
    "name", ["../evil.npz", "a/../../evil.npz", "/evil.npz", "..\\evil.npz", "c:\\evil.npz"]
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_lead_out_of_the_folder(tmp_path, staging, name, kind):
    path = tmp_path / f"data.{kind}"
    if kind == "zip":
        zipped(path, **{"good.npz": b"1", name: b"2"})
    else:
        with tarfile.open(path, "w") as archive:
            add(archive, "good.npz", b"1")
            add(archive, name, b"2")
    with pytest.raises(DataError, match=r"evil\.npz' would be written outside.*nothing of this"):
        find([path], staging)
    assert files(tmp_path) == [path.name]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar(tmp_path, staging, kind):
    with tarfile.open(tmp_path / "data.tar.gz", "w:gz") as archive:
        add(archive, "good.npz", b"1")
        add(archive, "evil.npz", kind=kind)
    with pytest.raises(DataError, match=r"'evil.npz' is a (link|device)"):
        find([tmp_path / "data.tar.gz"], staging)
    assert files(tmp_path) == ["data.tar.gz"]


def test_links_and_encryption_in_a_zip(tmp_path, staging):
    info = zipfile.ZipInfo("evil.npz")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match=r"'evil.npz' is a link"):
        find([tmp_path / "data.zip"], staging)
    path = zipped(tmp_path / "data.zip", **{"secret.npz": b"1234"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the bit that says encrypted
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"'secret.npz' is a encrypted file|an encrypted file"):
        find([path], staging)


def bomb(path: Path, size: int) -> Path:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("folded_test.npz", "w", force_zip64=True) as entry,
    ):
        for _ in range(size >> 24):
            entry.write(bytes(1 << 24))
    return path


def test_a_bomb_is_refused_before_anything_is_unpacked(tmp_path, staging, monkeypatch):
    monkeypatch.setattr(decompression, "HARMLESS", 1 << 26)
    path = bomb(tmp_path / "bomb.zip", 10 << 23)  # declared 80 MiB in 82 kB
    assert path.stat().st_size < 1e5
    with pytest.raises(DataError, match=r"that claim to hold 83886080, over 100 times as much"):
        find([path], staging)
    assert files(staging) == []


def test_ten_gigabytes_in_ten_megabytes(tmp_path, staging):
    """As a bomb says it: the directory of the archive claims ten gigabytes."""
    path = zipped(tmp_path / "bomb.zip", **{"folded_test.npz": bytes(10 << 20)})
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", (4 << 30) - 2)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"claim to hold 4294967294"):
        find([path], staging)


def test_an_npz_is_an_archive_too(tmp_path, monkeypatch):
    monkeypatch.setattr(decompression, "HARMLESS", 1 << 20)
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path / "home"))
    from teadata.ingest import ingest

    zeros = {"R": np.zeros((1000, 42, 3)), "F": np.zeros((1000, 42, 3)), "E": np.zeros(1000)}
    path = tmp_path / "folded_test.npz"
    np.savez_compressed(path, z=np.ones(42, int), **zeros)
    with pytest.raises(DataError, match=r"claim to hold .* over 100 times"):
        ingest([path], "tea2023-i")


def test_an_entry_that_is_longer_than_it_says(tmp_path, staging):
    path = zipped(tmp_path / "data.zip", **{"folded_test.npz": bytes(100_000)})
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 50_000)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"truncated or damaged|not as long as it says"):
        find([path], staging)


@pytest.mark.parametrize("suffix", ["zip", "tar.gz", "tar", "tar.xz"])
def test_damaged_archives(tmp_path, staging, suffix):
    path = tmp_path / f"data.{suffix}"
    path.write_bytes(b"no archive at all")
    with pytest.raises(DataError, match=r"data.*truncated or damaged"):
        find([path], staging)


def test_a_full_disk(tmp_path, staging, monkeypatch):
    path = zipped(tmp_path / "data.zip", **{"folded_test.npz": bytes(5000)})
    usage = type("Usage", (), {"free": 4999})
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DataError, match=r"needs 5000 bytes in .*, 4999 are free"):
        find([path], staging)


def test_archives_in_archives_end_somewhere(tmp_path, staging):
    path = zipped(tmp_path / "0.zip", **{"folded_test.npz": b"1"})
    for depth in range(1, 5):
        path = zipped(tmp_path / f"{depth}.zip", **{path.name: path.read_bytes()})
    assert len(find([tmp_path / "2.zip"], staging).frames) == 1
    with pytest.raises(DataError, match=r"archives within archives, 3 deep"):
        find([path], staging)


def test_what_is_no_file_of_frames(tmp_path, staging):
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(UsageError, match=r"notes.txt: expected a file of frames \(\.npz"):
        find([tmp_path / "notes.txt"], staging)


def patched(path: Path, method: int) -> Path:
    """An archive that says of its entry that it is compressed by another method."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train.npz", bytes(500))
    data = bytearray(path.read_bytes())
    for start, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", data, data.index(start) + offset, method)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("method", [9, 93])
def test_a_compression_that_is_not_read(tmp_path, staging, method):
    path = patched(tmp_path / "data.zip", method)  # Deflate64, as Windows writes it, and zstd
    with pytest.raises(DataError, match=r"not read here .*unpack the archive yourself"):
        find([path], staging)


@pytest.mark.parametrize("method", [8, 12, 14])
def test_what_is_not_compressed_as_it_says_is_damaged(tmp_path, staging, method):
    path = patched(tmp_path / "data.zip", method)
    with pytest.raises(DataError, match=r"data\.zip: the archive is truncated or damaged"):
        find([path], staging)


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_damage_in_the_middle_of_a_tar_is_always_noticed(tmp_path, staging, kind):
    path = tmp_path / f"data.tar.{kind}"
    noise = np.random.default_rng(1).bytes(300_000)
    with tarfile.open(path, f"w:{kind}") as archive:
        add(archive, "train.xyz", noise)
        add(archive, "test.xyz", noise[::-1])
    whole = path.read_bytes()
    for place in range(len(whole) // 8, len(whole) * 7 // 8, len(whole) // 12):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(DataError, match=r"data\.tar\..*: the archive is truncated or damaged"):
            find([path], staging)


def test_a_colon_leads_nowhere(tmp_path, staging):
    path = zipped(tmp_path / "data.zip", **{"T=300K: run 1/train.npz": b"1"})
    assert [file.path.read_bytes() for file in find([path], staging).frames] == [b"1"]


def test_two_entries_of_one_name_are_refused(tmp_path, staging):
    with tarfile.open(tmp_path / "data.tar", "w") as archive:
        add(archive, "train.npz", b"1")
        add(archive, "train.npz", b"2")
    with pytest.raises(DataError, match=r"two entries are called 'train.npz'; unpack the archive"):
        find([tmp_path / "data.tar"], staging)


def test_files_of_one_name_are_told_apart(tmp_path, staging, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.npz").write_text(name)
    (tmp_path / "b" / "x.npz").write_text("x")
    monkeypatch.chdir(tmp_path)
    given = [Path("a/data.npz"), Path("b/data.npz"), Path("b/x.npz"), tmp_path / "a" / "data.npz"]
    found = find(given, staging)
    assert {file.label: file.path.read_text() for file in found.frames} == {
        "a/data.npz": "a",
        "b/data.npz": "b",
        "x.npz": "x",
    }
    assert len(found.frames) == 3
