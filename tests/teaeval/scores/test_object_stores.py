"""A score of files on an object store is that of the same files here, and reads them once."""

from __future__ import annotations

import dataclasses
import gc
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from s3_server import BUCKET, S3Server

import teadata
import teaeval
from teadata.arrays import StoredArray, open_arrays
from teadata.errors import DataError, PathError, TeaError, UsageError
from teadata.locations import location
from teaeval import Prediction, Score

SUFFIXES = (".zarr", ".parquet", ".npz", ".h5", ".xyz", ".zip")


@pytest.fixture(scope="module")
def store() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
def put(store, noisy, mini_i, tmp_path) -> Callable[[str], tuple[Path, str]]:
    """Write a prediction here and there: its path and its address."""
    whole = dataclasses.replace(noisy, positions=mini_i.split("folded/test").positions)

    def both(suffix: str, prediction: Prediction = whole) -> tuple[Path, str]:
        path = tmp_path / f"prediction{suffix}"
        teaeval.write_prediction(path, prediction)
        address = store.put(path)
        store.reset()
        return path, address

    return both


def everything(score: Score) -> str:
    """All of a score but its time."""
    return score.model_dump_json(exclude={"created"})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_record_and_every_object_once(suffix, put, store):
    path, address = put(suffix)
    expected = teaeval.score(path, replicates=20)
    found = teaeval.score(address, replicates=20)
    assert everything(found) == everything(expected)  # the SHA-256 and the name of the file too
    assert set(store.gets.values()) == {1}
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    assert store.sent == sum(file.stat().st_size for file in files)


def test_zarr_stays_there_and_each_chunk_is_read_once(put, store, monkeypatch):
    monkeypatch.setattr("teaeval.engines.PIECE", 1 << 15)  # many pieces, which share chunks
    path, address = put(".zarr")
    expected = teaeval.score(path, replicates=20, with_details=True)
    read = teaeval.read_prediction(address, in_memory=0)
    assert isinstance(read.forces, StoredArray)
    assert not any("forces/c" in name for name in store.gets)
    assert everything(teaeval.score(read, replicates=20, with_details=True)) == everything(expected)
    assert set(store.gets.values()) == {1}
    assert sum("forces/c" in name for name in store.gets) > 1


def test_parquet_is_fetched_in_pieces(put, store, monkeypatch):
    monkeypatch.setattr("teadata.objects.copies.BLOCK", 1 << 18)
    path, address = put(".parquet")
    size = path.stat().st_size
    assert size > 1 << 19
    assert everything(teaeval.score(address)) == everything(teaeval.score(path))
    assert store.sent == size
    assert store.gets["prediction.parquet"] == -(-size // (1 << 18))


def test_workers_read_the_chunks_and_tell_their_checksums(put, store, monkeypatch):
    from distributed import LocalCluster

    from teaeval.engines import connected

    monkeypatch.setattr("teaeval.engines.PIECE", 1 << 15)
    path, address = put(".zarr")
    expected = teaeval.score(path, replicates=20)
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1"
        ) as cluster,
        connected(cluster.scheduler_address) as engine,
    ):
        for suffix in (".zarr", ".h5"):
            store.reset()
            path, address = put(suffix)
            read = teaeval.read_prediction(address, in_memory=0)
            found = teaeval.score(read, replicates=20, engine=engine)
            assert found.rows == expected.rows
            assert found.prediction.sha256 == teaeval.score(path).prediction.sha256
            # the checks look at some again; the checksum reads none again
            chunks = [count for name, count in store.gets.items() if "forces/c" in name]
            assert max(chunks, default=1) <= 3


def test_another_process_fetches_a_shard_once(store, tmp_path):
    """A shard holds many chunks, and is asked for each of them."""
    import pickle

    import zarr

    group = zarr.create_group(tmp_path / "shards.zarr")
    array = group.create_array("a", shape=(64, 3), chunks=(4, 3), shards=(32, 3), dtype="f8")
    array[...] = values = np.random.default_rng(0).normal(size=(64, 3))
    file = open_arrays(location(store.put(tmp_path / "shards.zarr")))
    elsewhere = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(file))))
    for each in (file, elsewhere):
        store.reset()
        assert (each.section("a", 3, 60) == values[3:60]).all()
        assert store.gets == {"shards.zarr/a/c/0/0": 1, "shards.zarr/a/c/1/0": 1}


@pytest.mark.parametrize("suffix", [".zarr", ".h5"])
def test_a_reference_on_a_store(suffix, small, store, put, invoke, tmp_path):
    from teadata import formats

    reference = tmp_path / f"reference{suffix}"
    formats.write(reference, small)
    noise = np.random.default_rng(0).normal(size=small.forces.shape)
    _, address = put(".zarr", Prediction(
        "mini-i", "folded", small.energies + 1, small.forces + noise, frame_ids=small.ids
    ))  # fmt: skip
    there = store.put(reference)
    store.reset()
    expected = teaeval.score(address, reference=reference)
    assert set(store.gets.values()) == {1}
    store.reset()
    found = json.loads(invoke("score", address, "--reference", there, "--json"))
    assert found["rows"] == json.loads(expected.model_dump_json())["rows"]
    assert found["reference"]["sha256"] == expected.reference.sha256
    assert set(store.gets.values()) == {1}
    with pytest.raises(UsageError, match="reference is the prediction's file"):
        invoke("score", there, "--reference", there)


def test_every_verb_takes_addresses(put, store, invoke, tmp_path, noisy):
    here, there = put(".npz")
    other = store.put(here, "other.npz")
    assert "nothing is wrong" in invoke("check", there)
    compared = json.loads(invoke("compare", there, here, "--json"))
    assert {row["mae"]["difference"] for row in compared["rows"]} == {0.0}
    invoke("report", f"{there}:model=a", f"{other}:model=b", "-o", tmp_path / "report.html")
    assert "a" in (tmp_path / "report.html").read_text()
    frame = teaeval.scores([there, here])
    assert frame["mae"].nunique() == len(frame) / 2
    invoke("declare", there, "-o", tmp_path / "declared.npz")
    assert teaeval.score(tmp_path / "declared.npz").rows == teaeval.score(here).rows


def test_what_lies_beside_says_what_the_file_does_not(put, store, tmp_path):
    import h5py

    path, _ = put(".h5")
    with h5py.File(path, "a") as file:
        del file.attrs["energy_unit"]
    (tmp_path / "prediction.h5.yaml").write_text("energy_unit: kcal/mol\n")
    address = store.put(path)
    store.put(tmp_path / "prediction.h5.yaml")
    assert teaeval.score(address).rows == teaeval.score(path).rows
    (tmp_path / "prediction.h5.yaml").write_text("energy_units: kcal/mol\n")
    store.put(tmp_path / "prediction.h5.yaml")
    with pytest.raises(UsageError, match=r"^s3://tea/prediction\.h5\.yaml: unknown declaration"):
        teaeval.score(address)
    store.files.rm(f"{BUCKET}/prediction.h5.yaml")


def test_an_interrupted_read_is_tried_again(put, store):
    path, address = put(".zarr")
    store.cut["prediction.zarr/forces/c/1/0/0"] = 2
    assert everything(teaeval.score(address)) == everything(teaeval.score(path))
    assert store.gets["prediction.zarr/forces/c/1/0/0"] == 3


def test_an_object_that_is_changed_meanwhile_is_an_error(put, store, noisy):
    changed = dataclasses.replace(noisy, forces=noisy.forces + 1)
    for suffix, chunk in ((".zarr", "forces/c/2/0/0"), (".npz", None), (".zarr", "energy/c/0")):
        path, address = put(suffix)
        content = path.read_bytes() if chunk is None else (path / chunk).read_bytes()
        name = "prediction.npz" if chunk is None else f"prediction.zarr/{chunk}"
        read = None
        if chunk is None:
            teaeval.write_prediction(path, changed)
            content = path.read_bytes()
            store.at_get = lambda _: store.files.pipe(f"{BUCKET}/prediction.npz", content)  # noqa: B023
        else:  # energies were read, forces not yet
            read = teaeval.read_prediction(address, in_memory=0)
            store.files.pipe(f"{BUCKET}/{name}", content + b" ")
        with pytest.raises(DataError, match=f"prediction{suffix}: was changed while it was read"):
            teaeval.score(read or address)


def test_what_is_missing_is_named(put, store):
    put(".npz")
    with pytest.raises(PathError, match=r"^s3://tea/predicton\.npz: no such object \(did you mean"):
        teaeval.read_prediction("s3://tea/predicton.npz")
    with pytest.raises(PathError, match=r"there is no bucket toa$"):
        teaeval.read_prediction("s3://toa/prediction.zarr")
    with pytest.raises(PathError, match="there is no folder nowhere either"):
        teaeval.read_prediction("s3://tea/nowhere/prediction.npz")
    with pytest.raises(UsageError, match=r"s3://tea: names no file; expected s3://bucket/"):
        teaeval.read_prediction("s3://tea")
    with pytest.raises(UsageError, match=r"nosuch:// is no kind of address that fsspec reads"):
        teaeval.read_prediction("nosuch://tea/prediction.npz")


def test_without_a_place_for_copies_that_is_said(put, tmp_path, monkeypatch):
    for suffix in (".npz", ".zarr"):
        path, address = put(suffix)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
        with pytest.raises(DataError, match=r"no temporary folder can be made .* TMPDIR"):
            teaeval.read_prediction(address)
        monkeypatch.setattr("tempfile.tempdir", None)
        before = {*Path(tempfile.gettempdir()).iterdir()}
        assert teaeval.read_prediction(address).energies.shape == (2500,)
        gc.collect()
        left = {*Path(tempfile.gettempdir()).iterdir()} - before
        assert not [place for place in left if (place / path.name).exists()]


def test_who_may_not_read_is_told_how_to_say_who_they_are(put, store):
    import requests

    _, address = put(".npz")
    requests.post(f"{store.address}/moto-api/reset-auth", data=b"0", timeout=10)
    try:
        with pytest.raises(DataError, match=r"may not be read .*AWS_ACCESS_KEY_ID") as caught:
            teaeval.read_prediction(address)
        assert "very-secret-key" not in str(caught.value)
    finally:
        requests.post(f"{store.address}/moto-api/reset-auth", data=b"inf", timeout=10)


def test_secrets_of_an_address_are_in_no_record_and_no_error(put, store):
    path, _ = put(".npz")
    signed = store.files.sign(f"{BUCKET}/prediction.npz", expiration=600)
    secret = signed.partition("Signature=")[2].partition("&")[0]
    assert len(secret) > 10
    score = teaeval.score(signed)
    assert score.rows == teaeval.score(path).rows
    assert score.prediction.file == "prediction.npz"
    assert secret not in score.model_dump_json() + repr(teaeval.read_prediction(signed))
    with pytest.raises(TeaError) as caught:
        teaeval.read_prediction(signed.replace("prediction.npz", "none.npz"))
    assert secret not in str(caught.value)


def test_without_the_library_the_extra_is_named(tmp_path, repository):
    import subprocess
    import sys

    code = (
        "import sys; sys.modules['s3fs'] = None\n"
        "import teadata.errors, teaeval\n"
        "try:\n    teaeval.score('s3://tea/prediction.npz')\n"
        "except teadata.errors.MissingExtraError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert "needs the package 's3fs', which is not installed" in done.stdout
    assert "pip install" in done.stdout
    assert "[s3]" in done.stdout


def test_results_are_written_here(put, invoke, tmp_path, monkeypatch):
    path, address = put(".npz")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PathError, match="results are written to this machine only"):
        invoke("score", path, "-o", "s3://tea/score.json")
    with pytest.raises(PathError, match=r"is an address, .*copy it first: python -c"):
        teadata.formats.read(address)
    assert not list(tmp_path.glob("s3:*"))
