"""Zenodo and mirrors: which bytes are asked for, and which are taken."""

from __future__ import annotations

import pytest

from teadata import TeaError, remote
from teadata.errors import DataError
from teadata.remote import NetworkError

from .server import Fault

NAME = "large file.npz"


@pytest.fixture
def folder(tmp_path, contents, monkeypatch):
    """A mirror's folder with one file."""
    path = tmp_path / "mirror" / "101" / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(contents[NAME])
    monkeypatch.setenv("TEADATA_MIRROR", str(tmp_path / "mirror"))
    return path


@pytest.mark.parametrize("kind", ["wrong range", "refuse range", "ignore range", "false range"])
def test_a_server_bad_at_ranges_still_serves(zenodo, hasty, contents, kind):
    record = remote.resolve("101")
    zenodo.faults.extend([Fault("drop", at=200_000), Fault(kind)])
    (path,) = remote.fetch_files(record, [NAME], patience=hasty)
    assert path.read_bytes() == contents[NAME]
    ranges = [request.range for request in zenodo.downloads]
    assert ranges[0] is None
    assert ranges[1] is not None
    # after a wrong answer everything is asked for; all of it at once needs no third request
    assert ranges[2:] == ([] if kind == "ignore range" else [None])


@pytest.mark.parametrize("kind", ["short length", "long length", "too much"])
def test_wrong_lengths_end_in_an_error_that_names_them(zenodo, hasty, kind):
    record = remote.resolve("101")
    zenodo.faults.extend([Fault(kind)] * 4)
    with pytest.raises(NetworkError, match=r"given up after 4 attempts: expected 400000 bytes"):
        remote.fetch_files(record, [NAME], patience=hasty)
    assert not remote.file_path(record, record.file(NAME)).exists()


def test_a_mirrors_folder_needs_no_network(zenodo, contents, folder, monkeypatch):
    record = remote.resolve("101")
    monkeypatch.setenv("TEADATA_OFFLINE", "1")
    (path,) = remote.fetch_files(record, [NAME])
    assert path.read_bytes() == contents[NAME]
    assert zenodo.downloads == []


def test_a_mirrors_url(zenodo, hasty, contents, monkeypatch):
    monkeypatch.setenv("TEADATA_MIRROR", f"{zenodo.url}/mirror/")
    record = remote.resolve("101")
    zenodo.faults.append(Fault("drop", at=100_000))
    (path,) = remote.fetch_files(record, [NAME], patience=hasty)
    assert path.read_bytes() == contents[NAME]
    first, second = [request for request in zenodo.requests if "mirror" in request.path]
    assert first.path == "/mirror/101/large%20file.npz"
    assert second.range is not None
    monkeypatch.setenv("TEADATA_OFFLINE", "1")
    with pytest.raises(NetworkError, match="TEADATA_OFFLINE forbids"):
        remote.fetch_files(record, ["small.npz"])


def test_a_mirror_is_believed_no_checksum(zenodo, hasty, contents, folder, monkeypatch):
    record = remote.resolve("101")
    folder.write_bytes(contents[NAME][:-1] + b"\0")
    with pytest.raises(DataError, match=r"expected md5 \w+ .says record 101.*mirror"):
        remote.fetch_files(record, [NAME])
    folder.write_bytes(b"short")
    with pytest.raises(DataError, match="expected 400000 bytes in the mirror, found 5"):
        remote.fetch_files(record, [NAME])
    folder.unlink()
    with pytest.raises(DataError, match=r"not in the mirror .*unset TEADATA_MIRROR"):
        remote.fetch_files(record, [NAME])
    monkeypatch.setenv("TEADATA_MIRROR", f"{zenodo.url}/nowhere")
    with pytest.raises(NetworkError, match=r"status 404 .*unset it to ask Zenodo"):
        remote.fetch_files(record, [NAME], patience=hasty)
    assert not remote.file_path(record, record.file(NAME)).exists()


def test_a_mirror_that_is_away_is_named(zenodo, hasty, monkeypatch):
    record = remote.resolve("101")
    monkeypatch.setenv("TEADATA_MIRROR", "http://127.0.0.1:9/tea")
    with pytest.raises(TeaError, match=r"no connection .*TEADATA_MIRROR is http.*teadata ingest"):
        remote.fetch_files(record, [NAME], patience=hasty, dataset="tea2023-i")
