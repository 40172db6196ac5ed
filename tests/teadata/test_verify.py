"""Every defect that verify claims to find is put into a copy of the data, and found."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teadata import Dataset, Frames, SplitTable, catalog
from teadata.card import DataFile
from teadata.formats import hdf5
from teadata.provenance import sha256
from teadata.verify import verify


def failures(dataset: Dataset) -> dict[str, str]:
    return {check.name: check.found for check in verify(dataset) if not check.passed}


def rebuild(
    source: Dataset,
    folder: Path,
    frames: Frames | None = None,
    members: dict[tuple[str, str], np.ndarray] | None = None,
) -> Dataset:
    """The dataset with other frames or splits, and a card that states their checksums."""
    table = SplitTable(members or source.splits.members)
    if frames is None:
        shutil.copyfile(source.path(source.card.file("frames")), folder / "frames.h5")
    else:
        hdf5.write(folder / "frames.h5", frames)
    table.write(folder / "splits.parquet")
    files = [
        DataFile(
            name=name,
            content=content,
            bytes=(folder / name).stat().st_size,
            sha256=sha256(folder / name),
        )
        for name, content in (("frames.h5", "frames"), ("splits.parquet", "splits"))
    ]
    return Dataset(source.card.model_copy(update={"files": files}), folder)


def changed(frames: Frames, **arrays: Any) -> Frames:
    return Frames(**{f.name: getattr(frames, f.name) for f in fields(frames)} | arrays)


def test_mini_i_passes(mini_i):
    checks = list(verify(mini_i))
    assert [check.name for check in checks if not check.passed] == []
    assert len(checks) == 7 + 8
    assert checks[-1].name == "file dynamics/mini-i/unfolded-500K-1.npz"


def test_a_damaged_file_ends_the_run(mini_i, tmp_path):
    shutil.copytree(catalog.data_root(), tmp_path / "data")
    copy = Dataset(mini_i.card, tmp_path / "data")
    path = copy.path(copy.card.file("frames"))
    path.write_bytes(path.read_bytes()[:-1])
    assert [check.name for check in verify(copy)] == [
        "file mini/mini-i.h5",
        "file splits/mini-i.parquet",
    ]
    assert "the card says" in failures(copy)["file mini/mini-i.h5"]


def test_nan_is_found(mini_i, tmp_path):
    forces = mini_i.frames.forces.copy()
    forces[17, 3, 1] = np.nan
    found = failures(rebuild(mini_i, tmp_path, changed(mini_i.frames, forces=forces)))
    assert found == {"finite values": "1 values of forces"}


def test_another_system_is_found(mini_i, tmp_path):
    numbers = mini_i.frames.numbers.copy()
    numbers[0] = 14
    found = failures(rebuild(mini_i, tmp_path, changed(mini_i.frames, numbers=numbers)))
    assert "Si" in found["system"]


def test_a_rotated_copy_of_a_frame_is_a_duplicate(mini_i, tmp_path):
    frames = mini_i.frames
    positions, energies = frames.positions.copy(), frames.energies.copy()
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    positions[40] = positions[7] @ rotation + [1.0, 2.0, 3.0]
    energies[40] = energies[7] + 1e-6
    copies = changed(frames, positions=positions, energies=energies)
    assert (
        "1 frames are copies of others, e.g. frames 7 and 40"
        in failures(rebuild(mini_i, tmp_path, copies))["duplicate frames"]
    )


def test_copies_with_another_energy_are_duplicates_and_equal_energies_are_none(mini_i, tmp_path):
    frames = mini_i.frames
    positions = frames.positions.copy()
    positions[40] = positions[7]
    copies = changed(frames, positions=positions, energies=np.zeros(len(frames)))
    found = failures(rebuild(mini_i, tmp_path, copies))["duplicate frames"]
    assert "1 frames are copies of others, e.g. frames 7 and 40" in found


@pytest.mark.parametrize(
    ("source", "target"), [("train", "test"), ("valid", "test"), ("train", "valid")]
)
def test_a_frame_in_two_roles_is_a_leak_even_across_subsets(mini_i, tmp_path, source, target):
    members = dict(mini_i.splits.members)
    moved = members["folded", target].copy()
    moved[5] = members["complete", source][0]
    members["folded", target] = moved
    found = failures(rebuild(mini_i, tmp_path, members=members))
    assert f"1 frames in both {source} and {target}" in found["leaks"]


def test_a_shared_trajectory_is_a_leak(mini_i, tmp_path):
    members = dict(mini_i.splits.members)
    runs = mini_i.frames.trajectories
    used = np.unique(np.concatenate(list(members.values())))
    victim = members["folded", "test"][0]
    trajectories = runs.copy()
    trajectories[victim] = runs[members["folded", "train"][0]]
    assert len(used) == len(runs)  # every stored frame is in some split
    found = failures(rebuild(mini_i, tmp_path, changed(mini_i.frames, trajectories=trajectories)))
    assert found["leaks"] == "1 trajectories in both train and test"


def test_defects_of_the_split_table(mini_i, tmp_path):
    members = dict(mini_i.splits.members)
    ids = members["folded", "valid"].copy()
    ids[1] = ids[0]
    members["folded", "valid"] = ids
    members["unfolded", "train"] = members["unfolded", "train"][:500]
    found = failures(rebuild(mini_i, tmp_path, members=members))["split table"]
    assert "folded/valid names a frame twice" in found
    assert "unfolded/train has 500 frames, fewer than 1000" in found


def test_frames_that_do_not_exist(mini_i, tmp_path):
    members = dict(mini_i.splits.members)
    members["folded", "test"] = np.append(members["folded", "test"], 10**6)
    found = failures(rebuild(mini_i, tmp_path, members=members))
    assert "folded/test names frames that do not exist" in found["split table"]
