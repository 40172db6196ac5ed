"""Checksums are those of any other program, however large the file."""

from __future__ import annotations

import hashlib

import pytest

from teadata import provenance


@pytest.mark.parametrize("above", [-1, 0, 1])
@pytest.mark.parametrize("size", [1, provenance.SMALL, provenance.LARGE, 2 * provenance.LARGE])
def test_a_file_has_the_checksum_that_hashlib_gives(tmp_path, size, above):
    content = (bytes(range(256)) * (size // 256 + 2))[: size + above]
    file = tmp_path / "file"
    file.write_bytes(content)
    assert len(content) == size + above
    assert provenance.sha256(file) == hashlib.sha256(content).hexdigest()
    assert provenance.hashing(file)() == hashlib.sha256(content).hexdigest()


def test_a_folder_has_that_of_the_names_and_checksums_of_its_files(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(b"two")
    (tmp_path / "a").write_bytes(b"one")
    lines = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in (("a", b"one"), ("b/c", b"two"))
    )
    assert provenance.sha256_of(tmp_path) == hashlib.sha256(lines.encode()).hexdigest()
    (tmp_path / "a").write_bytes(b"other")
    assert provenance.sha256_of(tmp_path) != hashlib.sha256(lines.encode()).hexdigest()
