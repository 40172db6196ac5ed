"""Answers of the API: both shapes, and what is refused in them."""

from __future__ import annotations

from typing import Any

import pytest

from teadata.errors import DataError
from teadata.remote import RemoteFile
from teadata.remote.record import parse

URL = "https://zenodo.org/api/records/5"
MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def document(**file: Any) -> dict[str, Any]:
    entry = {"key": "a.npz", "size": 3, "checksum": f"md5:{MD5}", "links": {"self": f"{URL}/c"}}
    return {"id": 5, "doi": "10.5281/zenodo.5", "metadata": {}, "files": [entry | file]}


def test_zenodos_shape():
    record = parse(document(), asked="5", url=URL)
    assert record.files == [
        RemoteFile(name="a.npz", bytes=3, checksum=f"md5:{MD5}", url=f"{URL}/c")
    ]
    assert (record.version, record.licence, record.label) == (None, None, "record 5")


def test_shape_of_other_invenio_repositories():
    entry = {
        "key": "a.npz",
        "size": 3,
        "checksum": f"md5:{MD5}",
        "links": {
            "self": "/api/records/5/files/a.npz",
            "content": "/api/records/5/files/a/content",
        },
    }
    found = parse(
        {
            "id": "5",
            "pids": {"doi": {"identifier": "10.5072/zenodo.5"}},
            "parent": {"id": "4"},
            "metadata": {"title": "T", "version": "1.1"},
            "files": {"entries": {"a.npz": entry}},
        },
        asked="4",
        url="https://example.org/api/records/5",
    )
    assert (found.doi, found.requested, found.version) == ("10.5072/zenodo.5", "4", "1.1")
    assert found.files[0].url == "https://example.org/api/records/5/files/a/content"


@pytest.mark.parametrize(
    "name",
    ["../a", "/etc/passwd", "a/b", "a\\b", "..", ".", "", "a\0b", "a\nb", "\x1b[31m", "x" * 201],
)
def test_unsafe_file_names_are_refused(name):
    with pytest.raises(DataError, match=r"not a record that can be fetched: files\.0\.name"):
        parse(document(key=name), asked="5", url=URL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": -1}, r"files\.0\.bytes"),
        ({"size": "many"}, r"files\.0\.bytes"),
        ({"links": {"self": "ftp://example.org/a"}}, r"files\.0\.url"),
        ({"links": {"self": "file:///etc/passwd"}}, "is no address"),
        ({"links": {}}, "found another document"),
    ],
)
def test_wrong_fields_are_named(change, message):
    with pytest.raises(DataError, match=message):
        parse(document(**change), asked="5", url=URL)


def test_two_files_of_one_name_are_refused():
    twice = document()
    twice["files"] *= 2
    with pytest.raises(DataError, match=r"two files are called a\.npz"):
        parse(twice, asked="5", url=URL)


@pytest.mark.parametrize("answer", [[], None, 5, {}, {"id": "../x", "doi": "", "files": []}])
def test_other_documents_are_refused(answer):
    with pytest.raises(DataError, match="api/records/5: "):
        parse(answer, asked="5", url=URL)


@pytest.mark.parametrize(
    ("checksum", "message"),
    [
        (None, "expected a checksum as 'md5:…'"),
        ("crc32:00000000", "expected a checksum as 'md5:…'"),
        ("md5:abc", "expected 32 hexadecimal digits of md5"),
        ("md5:" + "../." * 8, "expected 32 hexadecimal digits of md5"),
    ],
)
def test_a_file_without_a_usable_checksum_is_not_fetched(checksum, message):
    (file,) = parse(document(checksum=checksum), asked="5", url=URL).files
    with pytest.raises(DataError, match=message):
        _ = file.digest


def test_other_algorithms_are_used_too():
    (file,) = parse(document(checksum="SHA256:" + "A" * 64), asked="5", url=URL).files
    assert file.digest == ("sha256", "a" * 64)
