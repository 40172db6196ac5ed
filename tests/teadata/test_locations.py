"""Addresses of object stores among paths, and secrets that stay out of texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from teadata.errors import PathError, UsageError
from teadata.files import check_input, check_output
from teadata.locations import RemoteFile, location


@pytest.mark.parametrize(
    ("given", "said", "name"),
    [
        ("s3://bucket/a/b.zarr", "s3://bucket/a/b.zarr", "b.zarr"),
        ("s3://bucket/run#2/b #3.npz", "s3://bucket/run#2/b #3.npz", "b #3.npz"),
        ("S3://bucket/b.tar.gz", "s3://bucket/b.tar.gz", "b.tar.gz"),
        (Path("s3://bucket/a/b.zarr"), "s3://bucket/a/b.zarr", "b.zarr"),
        ("s3://bucket/a/b.zarr/", "s3://bucket/a/b.zarr/", "b.zarr"),
        (
            "https://me:pass@host/a%20b.npz?X-Amz-Signature=secret#c",
            "https://host/a%20b.npz",
            "a b.npz",
        ),
        ("https://host/a/..%2F..%2Fb.npz", "https://host/a/..%2F..%2Fb.npz", "b.npz"),
        ("s3://bucket/b.npz?versionId=secret", "s3://bucket/b.npz", "b.npz"),
    ],
)
def test_what_is_an_address(given, said, name):
    found = location(given)
    assert isinstance(found, RemoteFile)
    assert str(found) == said
    assert found.name == name
    assert "secret" not in repr(found) + str(found)
    assert "pass" not in repr(found) + str(found)


@pytest.mark.parametrize(
    "given", ["a.npz", "/tmp/a.npz", "C:/a.npz", "a:b/c.npz", Path("x/s3:/b.npz"), "s3:/b/c.npz"]
)
def test_what_is_a_path(given):
    assert location(given) == Path(given)


def test_a_file_of_this_machine_may_be_given_as_an_address():
    assert location("file:///tmp/a.npz") == Path("/tmp/a.npz")


def test_a_folder_that_looks_like_an_address_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:" / "bucket").mkdir(parents=True)
    assert location(Path("s3:/bucket/a.npz")) == Path("s3:/bucket/a.npz")


@pytest.mark.parametrize("given", ["s3://bucket", "s3://bucket/", "s3:///a.npz", "https://host"])
def test_an_address_of_no_file_is_refused(given):
    with pytest.raises(UsageError, match="names no file"):
        location(given)


def test_secrets_are_taken_out_of_what_libraries_say():
    remote = RemoteFile("https://me:password@host/a.npz?token=abcdef")
    said = remote.cleaned("GET https://me:password@host/a.npz?token=abcdef: token=abcdef is wrong")
    assert said == "GET https://host/a.npz: … is wrong"


def test_secrets_are_taken_out_of_an_address_that_a_library_wrote_anew():
    """A signed address: aiohttp writes / and ~ where the address has %2F and %7E."""
    remote = RemoteFile(
        "https://me:pa%2Fss@host/a.npz?Credential=AKIAKEY%2F2026%2Fs3&Signature=dead%7Ebeef1"
    )
    said = remote.cleaned(
        "403, message='Forbidden', url='https://host/a.npz?Credential=AKIAKEY/2026/s3&"
        "Signature=dead~beef1'; AKIAKEY/2026/s3 of https://me:pa/ss@host/a.npz is not known"
    )
    assert said == (
        "403, message='Forbidden', url='https://host/a.npz'; … of https://host/a.npz is not known"
    )


def test_where_only_paths_are_taken_the_command_that_copies_is_named():
    with pytest.raises(PathError, match=r"^s3://b/k\.h5: is an address.*fs\.get\(path, "):
        check_input(Path("s3://b/k.h5"))
    with pytest.raises(PathError, match=r"results are written to this machine only; write k\.h5"):
        check_output(Path("s3://b/k.h5"))


def test_what_is_no_address_at_all_is_refused():
    with pytest.raises(UsageError, match="s3://…: is no address"):
        location("s3://[bucket/file.npz")
