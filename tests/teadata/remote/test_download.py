"""Downloads that go well, badly, and badly two hundred times at random."""

from __future__ import annotations

import random

import pytest

from teadata import TeaError, remote
from teadata.errors import DataError, UsageError
from teadata.remote import NetworkError, Patience

from .server import KINDS, Fault

NAME = "large file.npz"


def test_all_files(zenodo, contents, log, assert_cache_right):
    record = remote.resolve("100")
    paths = remote.fetch_files(record, progress=log)
    assert {path.name: path.read_bytes() for path in paths} == contents
    assert log.bytes == sum(map(len, contents.values()))
    assert_cache_right(remote.home())
    assert set(remote.read_lock("101")) == set(contents)
    zenodo.reset()
    assert remote.fetch_files(record) == paths
    assert zenodo.requests == []
    assert list((remote.home() / "records" / "101" / "partial").iterdir()) == []


def test_an_unknown_name_comes_before_any_download(zenodo):
    record = remote.resolve("101")
    with pytest.raises(UsageError, match=r"unknown file of record 101 'smal.npz'"):
        remote.fetch_files(record, [NAME, "smal.npz"])
    assert zenodo.downloads == []


def test_a_lost_connection_is_continued(zenodo, hasty, contents, log):
    record = remote.resolve("101")
    file = record.file(NAME)
    zenodo.faults.extend(Fault("drop", at=at) for at in (150_000, 100_001, 77_777))
    path = remote.fetch_file(record, file, patience=hasty, progress=log)
    assert path.read_bytes() == contents[NAME]
    offsets = [done for _, _, done in log.starts]
    assert offsets == sorted(set(offsets))
    assert len(offsets) == 4
    # at most a chunk is lost each time
    assert zenodo.sent <= len(contents[NAME]) + 3 * 33_000


def test_progress_is_not_held_against_a_bad_connection(zenodo, contents):
    record = remote.resolve("101")
    zenodo.faults.extend([Fault("drop", at=40_000)] * 9)
    remote.fetch_files(record, [NAME], patience=Patience(attempts=2, first=0.001))
    assert len(zenodo.downloads) == 10


def test_a_server_without_ranges_cannot_keep_it_busy_forever(zenodo):
    record = remote.resolve("101")
    # a refused range brings a start over, which then comes less far than before
    zenodo.faults.extend([Fault("drop", at=200_000), Fault("refuse range")])
    zenodo.faults.extend([Fault("drop", at=100_000)] * 50)
    with pytest.raises(NetworkError, match="given up after 2 attempts"):
        remote.fetch_files(record, [NAME], patience=Patience(attempts=2, first=0.001))


def test_a_corrupt_download_is_repeated_once(zenodo, hasty, contents, log):
    record = remote.resolve("101")
    zenodo.faults.append(Fault("corrupt", at=123_456))
    (path,) = remote.fetch_files(record, [NAME], patience=hasty, progress=log)
    assert path.read_bytes() == contents[NAME]
    assert "once more from the first byte" in log.messages[0]


def test_a_corrupt_source_is_refused(zenodo, hasty):
    record = remote.resolve("101")
    zenodo.faults.extend([Fault("corrupt", at=5)] * 3)
    with pytest.raises(DataError, match=r"expected md5 \w+ .*found \w+ twice .*Nothing was kept"):
        remote.fetch_files(record, [NAME], patience=hasty)
    assert len(zenodo.downloads) == 2
    assert remote.bytes_here(record, record.file(NAME)) == 0


@pytest.mark.parametrize("size", [1, 399_999, 400_000, 400_001])
def test_a_damaged_part_of_any_length_does_no_harm(zenodo, hasty, contents, size):
    record = remote.resolve("101")
    file = record.file(NAME)
    partial = remote.home() / "records" / "101" / "partial" / f"{NAME}.{file.digest[1][:8]}"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(bytes(size))
    assert remote.bytes_here(record, file) == size
    assert remote.fetch_file(record, file, patience=hasty).read_bytes() == contents[NAME]


def test_a_complete_part_needs_no_download(zenodo, contents):
    record = remote.resolve("101")
    file = record.file(NAME)
    partial = remote.home() / "records" / "101" / "partial" / f"{NAME}.{file.digest[1][:8]}"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(contents[NAME])
    assert remote.fetch_file(record, file).read_bytes() == contents[NAME]
    assert zenodo.downloads == []


def random_fault(rng: random.Random) -> Fault:
    # a stall costs its whole timeout, so it is rarer than the rest
    kinds = sorted(KINDS - {"stall"}) * 3 + ["stall", "drop", "drop", "drop"]
    return Fault(
        rng.choice(kinds), at=rng.randrange(400_000), retry_after=rng.choice([None, None, 0, 600])
    )


@pytest.mark.parametrize(
    "block", [0, 1, *(pytest.param(block, marks=pytest.mark.slow) for block in (2, 3))]
)
def test_two_hundred_random_runs_never_leave_a_wrong_cache(
    block, zenodo, contents, tmp_path, monkeypatch, assert_cache_right
):
    """Each ends in right files or in a clear error; a run without faults then finishes it."""
    outcomes = {"right": 0, "error": 0}
    patience = Patience(attempts=3, first=0.001, longest=0.01, connect=5, read=0.1)
    for seed in range(50 * block, 50 * block + 50):
        rng = random.Random(seed)
        home = tmp_path / f"home{seed}"
        monkeypatch.setenv("TEADATA_HOME", str(home))
        zenodo.reset()
        zenodo.faults.extend(random_fault(rng) for _ in range(rng.randrange(1, 12)))
        try:
            record = remote.resolve(rng.choice(["100", "101"]), patience=patience)
            paths = remote.fetch_files(record, patience=patience)
        except TeaError:  # any other exception fails the test
            outcomes["error"] += 1
        else:
            outcomes["right"] += 1
            assert [path.read_bytes() for path in paths] == list(contents.values()), seed
        assert_cache_right(home)
        zenodo.reset()
        for path in remote.fetch_files(remote.resolve("101")):
            assert path.read_bytes() == contents[path.name], seed
        assert_cache_right(home)
    assert min(outcomes.values()) >= 5, outcomes
