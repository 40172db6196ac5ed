import os
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import teadata
from teadata import Dataset, catalog
from teadata.errors import DataError, UsageError
from teadata.formats import hdf5

COUNTER = Path("/proc/self/io")


def bytes_read(action) -> int:
    """What this process asks the kernel for during an action, imports and caches warm."""

    def total() -> int:
        return int(COUNTER.read_text().split()[1])

    action()
    before = total()
    counting = total() - before
    before = total()
    action()
    return total() - before - counting


@pytest.fixture
def copy(mini_i, tmp_path) -> Dataset:
    """The dataset in files of its own, which a test may change."""
    shutil.copytree(catalog.data_root(), tmp_path / "data")
    return Dataset(mini_i.card, tmp_path / "data")


def test_load_by_id_and_version(mini_i):
    assert teadata.load("mini-i@1.0.0").card == mini_i.card
    assert "mini-i" in [card.id for card in teadata.cards()]


def test_an_older_version_is_there_beside_the_newest(copy, monkeypatch):
    """A published version stays what it was when another is published beside it."""
    cards = copy.root / "cards"
    old = (cards / "mini-i.yaml").read_text(encoding="utf-8")
    (cards / "mini-i@1.0.0.yaml").write_text(old, encoding="utf-8")
    changes = "changelog:\n- {version: 1.10.0, date: '2030-01-01', text: More.}\n"
    new = old.replace("version: 1.0.0", "version: 1.10.0", 1).replace("changelog:\n", changes)
    (cards / "mini-i.yaml").write_text(new, encoding="utf-8")
    monkeypatch.setattr(catalog, "data_root", lambda: copy.root)
    assert teadata.load("mini-i").card.full_id == "mini-i@1.10.0"
    assert teadata.load("mini-i@1.0.0").card == copy.card == catalog.packaged("mini-i@1.0.0")
    assert len(teadata.load("mini-i@1.0.0").split("folded/train/200")) == 200
    listed = [card.full_id for card in teadata.cards() if card.id == "mini-i"]
    assert listed == ["mini-i@1.0.0", "mini-i@1.10.0"]
    assert catalog.packaged_ids().count("mini-i") == 1
    with pytest.raises(UsageError, match=r"at version 1\.0\.0 and 1\.10\.0, not 1\.5\.0"):
        teadata.load("mini-i@1.5.0")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mini-l", "unknown dataset 'mini-l'; expected one of: .*did you mean 'mini-i'"),
        ("mini-i@9.0.0", "here at version 1.0.0, not 9.0.0"),
        ("", "unknown dataset ''"),
    ],
)
def test_datasets_that_do_not_exist(name, message):
    with pytest.raises(UsageError, match=message):
        teadata.load(name)


def test_split_gives_the_frames_of_its_ids_in_rank_order(mini_i):
    frames = mini_i.split("folded/train/200")
    assert frames.positions.shape == (200, 42, 3)
    np.testing.assert_array_equal(frames.ids, mini_i.splits.ids("folded/train/200"))
    again = mini_i.frames.select(frames.ids[:3])
    np.testing.assert_array_equal(again.forces, frames.forces[:3])


def test_energies_are_total_and_double_precision(mini_i):
    energies = mini_i.frames.energies
    assert energies.max() < -40_000  # GFN2-xTB valence energy of the molecule, nothing removed
    assert np.unique(energies.astype(np.float32)).size < np.unique(energies).size


def test_forces_sum_to_zero(mini_i):
    # to the single precision they are stored in
    assert np.abs(mini_i.frames.forces.sum(axis=1)).max() < 2e-4


def test_a_changed_file_is_refused(copy):
    path = copy.path(copy.card.file("frames"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"sha256 .* the card says .* reinstall"):
        _ = copy.frames
    path.unlink()
    with pytest.raises(DataError, match="are missing; reinstall"):
        _ = copy.frames


def test_a_file_that_changes_after_its_first_use_is_hashed_again(copy):
    path = copy.path(copy.card.file("frames"))
    assert len(copy.split("folded/train/200")) == 200
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    before = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))  # whatever the clock's ticks
    with pytest.raises(DataError, match=r"sha256 .* the card says"):
        copy.split("folded/train/200")


@pytest.fixture(scope="module")
def frames_file(mini_i) -> Path:
    return mini_i.path(mini_i.card.file("frames"))


@pytest.mark.skipif(not COUNTER.exists(), reason="the kernel counts what is read on Linux only")
def test_a_split_reads_its_part_of_the_file(mini_i, frames_file):
    size = frames_file.stat().st_size
    assert bytes_read(lambda: hdf5.read(frames_file)) >= size
    ids = mini_i.splits.ids("folded/train/200")
    assert bytes_read(lambda: hdf5.read(frames_file, ids)) < size / 5
    # with the split table and the card, and no second hash of the file
    assert bytes_read(lambda: teadata.load("mini-i").split("folded/train/200")) < size / 4


def test_a_split_takes_the_memory_of_its_frames(frames_file, mini_i):
    ids = mini_i.splits.ids("folded/train/200")

    def peak(**options) -> int:
        tracemalloc.start()
        hdf5.read(frames_file, **options)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    asked = 2 * 200 * 42 * 3 * 8  # positions and forces
    assert peak(ids=ids) < 2 * asked
    assert peak() > 20 * asked


@given(st.lists(st.integers(0, 8999), max_size=30))
@settings(max_examples=20, deadline=None)
def test_some_frames_are_those_of_all(mini_i, frames_file, ids):
    some, expected = hdf5.read(frames_file, ids), mini_i.frames.select(ids)
    for name in ("numbers", "positions", "energies", "forces", "ids", "trajectories", "pbc"):
        np.testing.assert_array_equal(getattr(some, name), getattr(expected, name))


def test_frames_that_are_not_in_the_file(frames_file):
    with pytest.raises(DataError, match="2 unknown frame ids, the first is 9000"):
        hdf5.read(frames_file, [3, 9000, -1])


def test_continuous_trajectories_are_read_in_the_order_of_time(mini_i, tmp_path):
    runs = [
        run.model_copy(update={"continuous": run.index == 7}) for run in mini_i.card.trajectories
    ]
    card = mini_i.card.model_copy(update={"trajectories": runs})
    found = Dataset(card, mini_i.root).trajectory(7)
    np.testing.assert_array_equal(found.ids, np.flatnonzero(mini_i.frames.trajectories == 7))
    np.testing.assert_array_equal(found.forces, mini_i.frames.forces[found.ids])
    with pytest.raises(UsageError, match="has no continuous trajectory 6; it has 7"):
        Dataset(card, mini_i.root).trajectory(6)
    with pytest.raises(UsageError, match="it has none"):
        mini_i.trajectory(7)


def test_all_frames_once_read_serve_the_splits(copy):
    some = copy.split("unfolded/test")
    whole = copy.frames
    copy.path(copy.card.file("frames")).unlink()
    np.testing.assert_array_equal(copy.split("unfolded/test").forces, some.forces)
    assert copy.frames is whole


def test_the_writer_still_makes_the_published_file(mini_i, frames_file, tmp_path):
    path = tmp_path / "f.h5"
    hdf5.write(path, mini_i.frames, name="mini-i", theory="GFN2-xTB", checksums=False)
    np.testing.assert_array_equal(
        np.fromfile(tmp_path / "f.h5", np.uint8), np.fromfile(frames_file, np.uint8)
    )


def test_a_dataset_is_the_one_of_some_checksums_or_says_what_differs(mini_i):
    frames, splits = (mini_i.card.file(content).sha256 for content in ("frames", "splits"))
    mini_i.require(frames)
    mini_i.require(frames, splits)
    with pytest.raises(DataError, match=rf"mini-i@.*: its frames here have sha256 {frames}, exp"):
        mini_i.require("0" * 64, splits)
    with pytest.raises(DataError, match=r"its splits here have sha256 .*expected 0000"):
        mini_i.require(frames, "0" * 64)
