"""Simulations by the engine of the labels: of which dataset they are, and whether intact."""

from __future__ import annotations

import json
import shutil

import pytest

from teadata import catalog
from teadata.dataset import Dataset
from teadata.dynamics import checked_path, reference_simulations
from teadata.errors import DataError
from teadata.verify import verify


@pytest.fixture
def copy(mini_i, tmp_path):
    """The dataset in a folder of its own, where files can be changed."""
    shutil.copytree(catalog.data_root(), tmp_path / "data")
    return Dataset(mini_i.card, tmp_path / "data")


def test_they_are_those_of_one_version_of_the_dataset(mini_i):
    found = reference_simulations(mini_i)
    assert (found.dataset, found.version) == (mini_i.card.full_id, "1.0.0")
    assert len(found.files) == 8
    assert [one.name for one in found.at("folded", 300.0)] == [
        "dynamics/mini-i/folded-300K-0.npz",
        "dynamics/mini-i/folded-300K-1.npz",
    ]
    assert found.at("folded", 300.4) == found.at("complete", 300.0) == []
    newer = Dataset(mini_i.card.model_copy(update={"version": "1.1.0"}), mini_i.root)
    assert reference_simulations(newer) is None


def test_a_file_that_was_changed_is_an_error(copy):
    first, second = reference_simulations(copy).at("folded", 300.0)
    path = checked_path(copy, first)
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    (copy.root / second.name).unlink()
    with pytest.raises(DataError, match=r"folded-300K-0\.npz: expected .* mini-i@1\.0\.0, sha256"):
        checked_path(copy, first)
    with pytest.raises(DataError, match=r"found no such file; get it again: python -m pip"):
        checked_path(copy, second)
    failed = {check.name: check.found for check in verify(copy) if not check.passed}
    assert "the card says" in failed.pop(f"file {first.name}")
    assert "missing" in failed.pop(f"file {second.name}")
    assert failed == {}


def test_a_card_of_them_that_cannot_be_read_is_an_error(copy):
    (copy.root / "dynamics/mini-i/card.yaml").write_text("dataset: mini-i@1.0.0\n")
    with pytest.raises(DataError, match="not a card of reference simulations: version: is missing"):
        reference_simulations(copy)
    failed = [check.name for check in verify(copy) if not check.passed]
    assert failed == ["reference simulations"]


def test_info_lists_them(run):
    said = run("teadata", "info", "mini-i").stdout
    assert "8 by GFN2-xTB itself, version 1.0.0" in " ".join(said.split())
    found = json.loads(run("teadata", "info", "mini-i", "--json").stdout)["simulations"]
    assert found["dataset"] == "mini-i@1.0.0"
    assert "simulations" not in json.loads(run("teadata", "info", "mini-ii", "--json").stdout)
