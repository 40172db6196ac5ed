"""Files as they lie about: links, odd arrays, and mappings that are given again."""

from __future__ import annotations

import os

import numpy as np
import pytest

import teadata
from teadata.errors import DataError, UsageError
from teadata.ingest import Options, ingest

from .sgdml_files import save

pytestmark = pytest.mark.usefixtures("home")


def splits(done) -> dict[str, str]:
    """What each file was taken for."""
    return {item.label: item.claim.split for item in done.assigned}


def test_links_to_folders_are_followed_and_links_to_nothing_are_told(mini_i, folder, tmp_path):
    elsewhere = tmp_path / "scratch"
    elsewhere.mkdir()
    save(folder / "folded_test.npz", mini_i.split("folded/test")[:10])
    save(elsewhere / "test.npz", mini_i.split("unfolded/test")[:10])
    (folder / "unfolded").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)  # which leads round in a circle
    (folder / "unfolded_valid.npz").symlink_to(tmp_path / "gone.npz")
    done = ingest([folder], "tea2023-i")
    assert splits(done) == {
        "files/folded_test.npz": "folded/test",
        "files/unfolded/test.npz": "unfolded/test",
    }
    assert [(p.label, p.why) for p in done.passed_over] == [
        ("files/unfolded_valid.npz", "a link to a file that is not here")
    ]


def test_the_folder_one_is_in_has_a_name(mini_i, folder, monkeypatch):
    (folder / "unfolded" / "more").mkdir(parents=True)
    save(folder / "unfolded" / "test.npz", mini_i.split("unfolded/test")[:10])
    monkeypatch.chdir(folder / "unfolded")
    assert splits(ingest([os.curdir], "tea2023-i")) == {"unfolded/test.npz": "unfolded/test"}
    monkeypatch.chdir(folder / "unfolded" / "more")
    again = ingest([os.pardir], "tea2023-i", replace=True)
    assert splits(again) == {"unfolded/test.npz": "unfolded/test"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"R": np.zeros((0, 42, 3)), "E": np.zeros(0), "F": np.zeros((0, 42, 3))}, "no frames"),
        ({"z": np.full(42, 200)}, "no known element: z has 200"),
        ({"z": np.full(42, -1)}, "no known element: z has -1"),
        ({"pbc": np.array([True, False])}, r"pbc is bool of shape \(2,\), expected true or false"),
        ({"pbc": np.array(["F", "F", "F"])}, "pbc is <U1"),
        ({"F": np.full((10, 42, 3), np.nan)}, "NaN or infinity in forces"),
        ({"lattice": np.full((3, 3), np.nan)}, "NaN or infinity in cell"),
        ({"stress": np.full((10, 3, 3), np.inf)}, "NaN or infinity in stress"),
        ({"lattice": np.zeros((3, 3))}, "their cell has no volume"),
        ({"idx_train": np.arange(5), "idx_test": np.array([6, 6])}, "idx_test: expected places"),
        ({"split": np.array(["train"] * 8 + ["unused"] * 2)}, "split is 'unused' for 2 of its 10"),
    ],
)
def test_arrays_that_cannot_be_meant(mini_i, folder, change, message):
    save(folder / "folded_train.npz", mini_i.split("folded/test")[:10], **change)
    with pytest.raises(DataError, match=rf"folded_train\.npz: .*{message}"):
        ingest([folder], "tea2023-i")


def test_one_flag_for_all_axes(mini_i, folder):
    lattice = np.eye(3) * 50.0
    save(folder / "folded_test.npz", mini_i.split("folded/test")[:10], pbc=False, lattice=lattice)
    ingest([folder], "tea2023-i")
    frames = teadata.load("tea2023-i").split("folded/test")
    assert not frames.pbc.any()


def test_a_part_of_a_file_is_left_out_by_the_end_of_its_name(mini_i, folder):
    indices = {"idx_train": np.arange(5), "idx_test": np.arange(5, 10)}
    save(folder / "folded.npz", mini_i.split("folded/test")[:10], **indices)
    done = ingest([folder], "tea2023-i", Options(mapping={"folded.npz#idx_train": "-"}))
    assert splits(done) == {"files/folded.npz#idx_test": "folded/test"}
    assert [(p.label, p.why) for p in done.passed_over] == [
        ("files/folded.npz#idx_train", "as the mapping says")
    ]
    with pytest.raises(UsageError, match="names no file"):
        ingest([folder], "tea2023-i", Options(mapping={"x.npz#idx_train": "-"}), replace=True)


def test_another_mapping_of_the_same_files_is_not_the_dataset_that_is_here(mini_i, folder):
    save(folder / "a.npz", mini_i.split("folded/test")[:10])
    save(folder / "b.npz", mini_i.split("unfolded/test")[:10])
    said = {"a.npz": "folded/test", "b.npz": "unfolded/test"}
    swapped = {"a.npz": "unfolded/test", "b.npz": "folded/test"}
    ingest([folder], "tea2023-i", Options(mapping=said))
    assert ingest([folder], "tea2023-i", Options(mapping=said)).new is False
    for other in (swapped, said | {"b.npz": "-"}):
        with pytest.raises(UsageError, match="is here already"):
            ingest([folder], "tea2023-i", Options(mapping=other))


def test_two_entries_that_say_different_things_of_one_file(mini_i, folder):
    save(folder / "a.npz", mini_i.split("folded/test")[:10])
    both = {"a.npz": "folded/test", "files/a.npz": "folded/valid"}
    with pytest.raises(UsageError, match=r"folded/test and folded/valid of one file, files/a\.npz"):
        ingest([folder], "tea2023-i", Options(mapping=both))
