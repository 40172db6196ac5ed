import shutil

import numpy as np
import pytest

import teadata
from teadata import Dataset, catalog
from teadata.errors import DataError, UsageError


def test_load_by_id_and_version(mini_i):
    assert teadata.load("mini-i@1.0.0").card == mini_i.card
    assert "mini-i" in [card.id for card in teadata.cards()]


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


def test_a_changed_file_is_refused(mini_i, tmp_path):
    shutil.copytree(catalog.data_root(), tmp_path / "data")
    copy = Dataset(mini_i.card, tmp_path / "data")
    path = copy.path(copy.card.file("frames"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"sha256 .* the card says .* reinstall"):
        _ = copy.frames
    path.unlink()
    with pytest.raises(DataError, match="are missing; reinstall"):
        _ = copy.frames
