"""References, versions, and what is remembered of a record."""

from __future__ import annotations

import json

import pytest

from teadata import TeaError, remote
from teadata.errors import DataError, UsageError
from teadata.remote import NetworkError

from .server import Fault, Zenodo


@pytest.mark.parametrize(
    "reference",
    [
        "14138387",
        "10.5281/zenodo.14138387",
        "doi:10.5281/zenodo.14138387",
        "https://doi.org/10.5281/zenodo.14138387",
        "https://zenodo.org/records/14138387",
        "https://zenodo.org/records/14138387/files/any?download=1",
        "https://zenodo.org/record/14138387",
        "https://zenodo.org/doi/10.5281/zenodo.14138387",
        "https://zenodo.org/api/records/14138387",
    ],
)
def test_ways_to_name_a_record(reference):
    assert remote.record_id(reference) == "14138387"


@pytest.mark.parametrize(
    "reference",
    ["", "tea2023-i", "10.1039/d4sc06529h", "https://example.org/records/1", "../1", "-1", "1e3"],
)
def test_other_references_are_refused(reference):
    with pytest.raises(UsageError, match="is no Zenodo record; expected a DOI such as"):
        remote.record_id(reference)


def test_a_version_is_itself(zenodo):
    record = remote.resolve("10.5281/zenodo.101")
    assert (record.id, record.requested, record.concept_id) == ("101", None, "100")
    assert (record.doi, record.licence) == ("10.5281/zenodo.101", "cc-by-4.0")
    assert record.label == "version 2 = record 101"
    assert [file.name for file in record.files] == ["large file.npz", "small.npz", "empty.txt"]
    assert record.file("small.npz").bytes == 20_000
    with pytest.raises(UsageError, match=r"did you mean 'small\.npz'"):
        record.file("smal.npz")


def test_a_concept_doi_leads_to_the_newest_version_and_says_so(tmp_path, zenodo, monkeypatch):
    with Zenodo() as server:
        monkeypatch.setenv("TEADATA_ZENODO_URL", server.url)
        server.add("8", {"a": b"1"}, concept="7")
        assert remote.resolve("7").id == "8"
        server.add("12", {"a": b"2"}, concept="7")
        record = remote.resolve("10.5281/zenodo.7")
        assert (record.id, record.requested) == ("12", "7")
        assert remote.resolve("8").id == "8"  # pinned by its own id, it stays
    # offline: the newest known, by number and not by letter
    monkeypatch.setenv("TEADATA_OFFLINE", "1")
    assert (remote.resolve("7").id, remote.resolve("7").requested) == ("12", "7")
    assert (remote.resolve("8").id, remote.resolve("8").requested) == ("8", None)
    with pytest.raises(NetworkError, match=r"record 9 is not known in .*TEADATA_OFFLINE forbids"):
        remote.resolve("9")


def test_an_id_that_leads_to_an_unrelated_record_is_refused(zenodo):
    zenodo.redirects["55"] = "101"
    with pytest.raises(DataError, match="asked for record 55, which is neither 101 nor"):
        remote.resolve("55")


def test_without_network_the_remembered_record_is_taken_and_said(zenodo, hasty, log, monkeypatch):
    before = remote.resolve("101")
    zenodo.faults.extend([Fault("503")] * 4)
    assert remote.resolve("100", patience=hasty, progress=log).files == before.files
    assert "taking version 2 = record 101 as it was on 20" in log.messages[-1]


def test_the_answer_is_remembered_once(zenodo):
    remote.resolve("101")
    path = remote.home() / "records" / "101" / "record.json"
    first = path.stat().st_mtime_ns, path.stat().st_ino
    remote.resolve("100")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == first
    path.write_text("{")  # damaged: the next answer replaces it
    remote.resolve("101")
    assert json.loads(path.read_text())["id"] == "101"


def test_a_damaged_memory_is_an_error_offline(zenodo, monkeypatch):
    remote.resolve("101")
    path = remote.home() / "records" / "101" / "record.json"
    path.write_text('{"id": "101"}')
    monkeypatch.setenv("TEADATA_OFFLINE", "1")
    with pytest.raises(DataError, match=r"record\.json: not the description of a record"):
        remote.resolve("101")


def test_a_home_that_cannot_be_made_is_named(zenodo, monkeypatch, tmp_path):
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path / "taken"))
    with pytest.raises(TeaError, match="set TEADATA_HOME to a folder that can be written"):
        remote.resolve("101")
