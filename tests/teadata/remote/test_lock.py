"""What was downloaded first is what is accepted ever after."""

from __future__ import annotations

import hashlib
import json
import threading

import pytest

from teadata import remote
from teadata.errors import DataError
from teadata.remote import NetworkError
from teadata.remote.lock import exclusive, write_entry

from .server import Zenodo


@pytest.fixture
def changing(zenodo, monkeypatch):
    """A server whose record can be changed without harm to other tests."""
    with Zenodo() as server:
        server.add("5", {"a.npz": b"first content"})
        monkeypatch.setenv("TEADATA_ZENODO_URL", server.url)
        yield server


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def fetch(**options):
    return remote.fetch_files(remote.resolve("5"), **options)


def test_the_first_success_is_written_down(changing):
    (path,) = fetch()
    assert path == remote.home() / "records" / "5" / "files" / "a.npz"
    entry = json.loads(remote.lock_path("5").read_text())["a.npz"]
    assert entry["sha256"] == sha256(b"first content")
    assert entry["checksum"] == "md5:" + hashlib.md5(b"first content").hexdigest()
    assert entry["bytes"] == 13
    assert len(entry["date"]) == 10


def test_another_file_of_the_same_name_is_refused_later(changing, log):
    (path,) = fetch()
    changing.add("5", {"a.npz": b"other content"})
    changing.reset()
    # what is here stays in use
    assert fetch(progress=log) == [path]
    assert path.read_bytes() == b"first content"
    assert "now says md5:" in log.messages[-1]
    path.unlink()
    with pytest.raises(DataError, match=r"is not what it was: .*Nothing was downloaded") as caught:
        fetch()
    assert str(remote.lock_path("5")) in str(caught.value)
    assert not path.exists()
    assert changing.downloads == []


def test_a_changed_file_in_the_cache_is_refused_and_not_replaced(changing):
    (path,) = fetch()
    path.write_bytes(b"first c0ntent")
    with pytest.raises(DataError, match=rf"expected sha256 {sha256(b'first content')}.*found"):
        fetch()
    assert path.read_bytes() == b"first c0ntent"
    path.unlink()
    assert fetch()[0].read_bytes() == b"first content"


def test_without_its_entry_a_file_is_checked_against_the_record(changing):
    (path,) = fetch()
    remote.lock_path("5").unlink()
    assert fetch() == [path]
    assert "a.npz" in remote.read_lock("5")
    assert len(changing.downloads) == 1
    remote.lock_path("5").unlink()
    path.write_bytes(b"first c0ntent")
    with pytest.raises(DataError, match=r"expected md5 \w+ \(says record 5\), found"):
        fetch()


def test_a_pin_is_enforced_from_the_first_download_on(changing):
    with pytest.raises(DataError, match=r"expected sha256 0{64} .says the dataset's card"):
        fetch(pins={"a.npz": "0" * 64})
    assert remote.read_lock("5") == {}
    assert not (remote.home() / "records" / "5" / "files" / "a.npz").exists()
    # the bytes are here, and they are what the record says
    (path,) = fetch(pins={"a.npz": sha256(b"first content")})
    assert path.exists()
    assert len(changing.downloads) == 1
    with pytest.raises(DataError, match="says the dataset's card"):
        fetch(pins={"a.npz": "0" * 64})


def test_a_pin_outranks_the_lock(changing):
    (path,) = fetch()
    changing.add("5", {"a.npz": b"corrected content"})
    pins = {"a.npz": sha256(b"corrected content")}
    with pytest.raises(DataError, match="says the dataset's card"):
        fetch(pins=pins)
    path.unlink()
    assert fetch(pins=pins)[0].read_bytes() == b"corrected content"
    assert remote.read_lock("5")["a.npz"].sha256 == pins["a.npz"]


def test_a_damaged_lock_file_stops_everything(changing):
    (path,) = fetch()
    remote.lock_path("5").write_text('{"a.npz": {}}')
    with pytest.raises(DataError, match=r"lock\.json: not a lock file"):
        fetch()
    assert path.exists()


def test_entries_written_at_the_same_time_are_all_kept(changing):
    (file,) = remote.resolve("5").files
    files = [file.model_copy(update={"name": f"{number}.npz"}) for number in range(20)]
    threads = [threading.Thread(target=write_entry, args=("5", f, "0" * 64)) for f in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(remote.read_lock("5")) == {f.name for f in files}


def test_a_lock_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="set TEADATA_HOME"), exclusive(tmp_path / "file" / "x"):
        pytest.fail("there is no lock")


def test_offline_works_with_what_is_here(changing, monkeypatch):
    (path,) = fetch()
    monkeypatch.setenv("TEADATA_OFFLINE", "1")
    assert fetch() == [path]
    path.unlink()
    with pytest.raises(
        NetworkError, match=r"a\.npz of record 5 is not here .*TEADATA_OFFLINE"
    ) as e:
        fetch()
    assert "or set TEADATA_MIRROR to a folder or URL that has it as <mirror>/5/" in str(e.value)
