"""The command that an error proposes names the test set that the file's frames are of."""

from __future__ import annotations

import ase.io
import pytest

import teadata
from teadata.create import Options, create
from teadata.create.splitting import Wanted
from teaeval.cli.fitting import likely


def write(path, frames):
    images = frames.to_ase()
    for image in images:
        image.info.clear()
    ase.io.write(path, images)
    return str(path)


def test_a_subset_is_found_by_its_frames(mini_i, tmp_path):
    for subset in ("folded", "unfolded"):
        file = write(tmp_path / f"{subset}.xyz", mini_i.split(f"{subset}/test"))
        assert likely(file) == ("mini-i", subset)
        assert likely(file, "mini-i") == ("mini-i", subset)
    some = write(tmp_path / "some.xyz", mini_i.split("unfolded/test")[:7])
    assert likely(some) == ("mini-i", "unfolded")
    assert likely(some, "mini-iii") is None
    assert likely(some, "nothing") is None
    assert likely(str(tmp_path / "none.xyz")) is None


@pytest.fixture
def own(mini_i, tmp_path, monkeypatch):
    """Two versions of a dataset of one's own."""
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path / "home"))
    file = write(tmp_path / "a.xyz", mini_i.split("folded/train/60"))
    for version, seed in (("0.1.0", 0), ("0.2.0", 1)):
        wanted = Wanted(valid=5, test=20, seed=seed)
        create("own", file, Options("eV", wanted=wanted), version=version)
    return tmp_path


def test_so_are_datasets_of_ones_own(own, run):
    new = write(own / "new.xyz", teadata.load("own").split("complete/test"))
    old = write(own / "old.xyz", teadata.load("own@0.1.0").split("complete/test"))
    assert likely(new) == ("own", "complete")
    assert likely(old) == ("own@0.1.0", "complete")
    done = run("teaeval", "check", new)
    command = done.stdout.strip().splitlines()[-1].split()
    assert command[3:7] == ["--dataset", "own", "--subset", "complete"]
    assert "reference-itself" in run(*command).stdout
