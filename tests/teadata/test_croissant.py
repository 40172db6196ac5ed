"""Croissant folders, read by the reader of the format: mlcroissant itself, offline."""

from __future__ import annotations

import dataclasses
import json
import socket
import subprocess
import sys
from itertools import islice
from pathlib import Path

import mlcroissant as mlc
import numpy as np
import pytest

from teadata import Dataset, SplitTable, croissant, formats
from teadata.card import DataFile
from teadata.errors import DataError
from teadata.provenance import sha256

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:mlcroissant"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib"),
]

FILES = {"croissant.json", "frames.parquet", "splits.parquet"}


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("croissant") / "mini-i"
    done = run("teadata", "croissant", "mini-i", "-o", path)
    assert done.returncode == 0, done.stderr
    assert f"{path / 'croissant.json'}: mini-i@1" in done.stdout
    assert "--url" in done.stdout
    assert {file.name for file in path.iterdir()} == FILES
    return path


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def periodic(mini_i, small, tmp_path) -> Dataset:
    """A dataset of eight frames in a cell, with stress, periodic along two vectors."""
    rng = np.random.default_rng(1)
    frames = dataclasses.replace(
        small,
        cell=rng.normal(size=(len(small), 3, 3)) + 20 * np.eye(3),
        stress=rng.normal(size=(len(small), 3, 3)),
        pbc=(True, True, False),
        trajectories=None,
        temperatures=rng.uniform(300, 500, len(small)),
    )
    formats.write(tmp_path / "p.h5", frames)
    SplitTable({("complete", "train"): frames.ids[:5], ("complete", "test"): frames.ids[5:]}).write(
        tmp_path / "p.parquet"
    )
    files = [
        DataFile(name=name, content=content, bytes=1, sha256=sha256(tmp_path / name))
        for name, content in (("p.h5", "frames"), ("p.parquet", "splits"))
    ]
    return Dataset(mini_i.card.model_copy(update={"files": files}), tmp_path)


def records(path: Path, name: str) -> list[dict]:
    return list(mlc.Dataset(path / "croissant.json").records(name))


def test_mlcroissant_validates_it_without_a_warning(run, folder):
    done = run("mlcroissant", "validate", "--jsonld", folder / "croissant.json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("Done.\n")
    assert len(done.stderr.splitlines()) == 1


def test_frames_load_bit_for_bit_with_shapes_and_units(folder, mini_i, offline):
    dataset, frames = mlc.Dataset(folder / "croissant.json"), mini_i.frames
    fields = {f.name: f for r in dataset.metadata.record_sets if r.id == "frames" for f in r.fields}
    for i, record in enumerate(islice(dataset.records("frames"), 150)):
        assert record["frames/frame_id"] == frames.ids[i]
        assert record["frames/energy"] == frames.energies[i]
        assert record["frames/trajectory"] == frames.trajectories[i]
        for name, array in (("positions", frames.positions), ("forces", frames.forces)):
            found = np.reshape(record[f"frames/{name}"], fields[name].array_shape_tuple)
            assert found.dtype == np.float64
            np.testing.assert_array_equal(found, array[i])
    units = {name: field.annotations[0].value for name, field in fields.items() if field.is_array}
    assert units == {"positions": "Å", "forces": "kcal/mol/Å"}
    assert fields["energy"].annotations[0].value == "kcal/mol"
    atoms = records(folder, "atoms")
    assert [atom["atoms/index"] for atom in atoms] == list(range(frames.n_atoms))
    assert [atom["atoms/number"] for atom in atoms] == frames.numbers.tolist()
    assert [atom["atoms/symbol"] for atom in atoms] == frames.symbols


def test_every_frame_is_there(folder, mini_i, offline):
    found = [record["frames/energy"] for record in records(folder, "frames")]
    np.testing.assert_array_equal(found, mini_i.frames.energies)


def test_splits_load_as_they_are(folder, mini_i, offline):
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for record in records(folder, "splits"):
        key = (record["splits/subset"].decode(), record["splits/role"].decode())
        found.setdefault(key, []).append((record["splits/rank"], record["splits/frame"]))
    members = mini_i.splits.members
    assert {key: [id_ for _, id_ in sorted(rows)] for key, rows in found.items()} == {
        key: ids.tolist() for key, ids in members.items()
    }
    named = {role["roles/name"]: role["roles/url"] for role in records(folder, "roles")}
    assert set(named) == {role for _, role in members}
    assert named["valid"] == "cr:ValidationSplit"


def test_the_description_is_the_card(folder, mini_i):
    described, card = json.loads((folder / "croissant.json").read_text()), mini_i.card
    assert (described["name"], described["version"]) == (card.id, card.version)
    assert described["license"] == "https://spdx.org/licenses/CC-BY-4.0"
    assert described["datePublished"] == str(card.changelog[0].date)
    assert all(citation.doi in described["citeAs"] for citation in card.citations)
    for text in (card.title, card.level_of_theory.method, "kcal/mol", "Å"):
        assert text in described["description"]
    for file in described["distribution"]:
        path = folder / file["contentUrl"]
        assert file["sha256"] == sha256(path)
        assert file["contentSize"] == f"{path.stat().st_size} B"
    assert sha256(folder / "splits.parquet") == card.file("splits").sha256


def test_a_damaged_table_is_noticed_by_the_reader(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with open(tmp_path / "splits.parquet", "r+b") as stream:
        stream.seek(100)
        stream.write(b"damaged")
    with pytest.raises(mlc.GenerationError, match=r"Download\(splits.parquet\)") as error:
        records(tmp_path, "splits")
    assert "Hash of downloaded file" in str(error.value.__cause__)


def test_the_same_bytes_twice_and_a_url_if_given(folder, mini_i, tmp_path):
    croissant.write(tmp_path, mini_i)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    (tmp_path / "mine").write_text("precious")
    described = croissant.write(tmp_path, mini_i, url="https://example.org/mini-i")
    assert described == json.loads((tmp_path / "croissant.json").read_text())
    assert mlc.Dataset(tmp_path / "croissant.json").metadata.url == "https://example.org/mini-i"
    assert (tmp_path / "mine").read_text() == "precious"


def test_cell_and_stress_of_a_periodic_system(periodic, tmp_path, offline):
    croissant.write(tmp_path / "out", periodic)
    (frames,) = [
        record_set
        for record_set in mlc.Dataset(tmp_path / "out" / "croissant.json").metadata.record_sets
        if record_set.id == "frames"
    ]
    fields = {field.name: field for field in frames.fields}
    assert fields["cell"].array_shape_tuple == fields["stress"].array_shape_tuple == (3, 3)
    assert fields["stress"].annotations[0].value == "kcal/mol/Å³"
    assert "periodic along a, b," in fields["cell"].description
    assert "trajectory" not in fields
    for i, record in enumerate(records(tmp_path / "out", "frames")):
        for name in ("cell", "stress"):
            found = np.reshape(record[f"frames/{name}"], (3, 3))
            np.testing.assert_array_equal(found, getattr(periodic.frames, name)[i])


@pytest.mark.parametrize(
    ("dataset", "output", "status", "message"),
    [
        ("mini-x", "new", 2, "unknown dataset 'mini-x'"),
        ("mini-i@9.0.0", "new", 2, "not 9.0.0"),
        ("mini-i", "file", 2, "is a file"),
        ("mini-i", "no/new", 1, "not a folder, and cannot be made one (No such file"),
    ],
)
def test_bad_input_is_one_clear_error(run, tmp_path, dataset, output, status, message):
    (tmp_path / "file").write_text("precious")
    done = run("teadata", "croissant", dataset, "-o", output, cwd=tmp_path)
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "precious"


def test_a_full_disk_is_one_clear_error(run, tmp_path):
    """A limit on the size of files, which the kernel enforces as it does a full disk."""
    code = (
        "import sys, resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "sys.dont_write_bytecode = True  # other tests would find half of it\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "sys.argv = 'teadata croissant mini-i -o out'.split()\n"
        "from teadata.cli import main; main()"
    )
    (tmp_path / "full.py").write_text(code)
    (tmp_path / "disk").mkdir()
    done = run(tmp_path / "full.py", cwd=tmp_path / "disk")
    assert done.returncode == 1
    assert "out/frames.parquet: cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "disk").iterdir()) == []  # not the folder either


def test_a_damaged_dataset_is_not_passed_on(periodic, tmp_path):
    (tmp_path / "p.parquet").write_bytes(b"damaged")
    with pytest.raises(DataError, match="reinstall"):
        croissant.write(tmp_path / "out", periodic)
    assert not (tmp_path / "out").exists()


def test_no_reader_is_needed_to_write():
    code = (
        "import sys, teadata.croissant\n"
        "assert not {'mlcroissant', 'pandas', 'pyarrow', 'h5py'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tables_of_something_else_are_not_replaced(run, tmp_path):
    for name in ("frames.parquet", "splits.parquet"):
        (tmp_path / name).write_text("mine")
    done = run("teadata", "croissant", "mini-iii", "-o", tmp_path)
    assert done.returncode == 2
    assert "holds frames.parquet and splits.parquet without croissant.json" in done.stderr
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "frames.parquet": "mine",
        "splits.parquet": "mine",
    }


def test_one_that_cannot_be_finished_leaves_the_earlier_one(
    mini_i, periodic, tmp_path, monkeypatch
):
    croissant.write(tmp_path, periodic)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(croissant.shutil, "copyfile", full)
    with pytest.raises(DataError, match=r"cannot be written \(No space left"):
        croissant.write(tmp_path, mini_i)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
