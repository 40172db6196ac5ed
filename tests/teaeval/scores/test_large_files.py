"""A score is the same to the last digit from every format, from memory or from the file, and
whatever works on it."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

import teadata
import teaeval
from teadata import Dataset, catalog
from teadata.arrays import StoredArray, StoredInts
from teadata.errors import TeaError
from teadata.stored_frames import StoredFrames
from teaeval import Prediction, PredictionError
from teaeval.engines import Threads, connected
from teaeval.predictions.reference import read_reference
from teaeval.scores.against import check_reference
from teaeval.scores.record import Score

SUFFIXES = (".npz", ".h5", ".zarr", ".zip", ".parquet", ".xyz")

LARGEST = ("mini-i", "complete")
"""Two other test sets one after the other: left to the slow tests."""

TEST_SETS = [
    pytest.param(name, subset, marks=[pytest.mark.slow] if (name, subset) == LARGEST else [])
    for name in catalog.ids()
    if name.startswith("mini-")
    for subset in list(catalog.card(name).subsets)[:4]  # hydrogen's state points are all alike
]


def made(dataset: str, subset: str) -> Prediction:
    """A prediction of a test set: its labels with seeded noise."""
    test = teadata.load(dataset).split(f"{subset}/test")
    rng = np.random.default_rng(5)
    return Prediction(
        dataset=dataset,
        subset=subset,
        energies=test.energies + rng.normal(0, 1, len(test)),
        forces=test.forces + rng.normal(0, 3, test.forces.shape),
        frame_ids=test.ids,
        positions=test.positions,
        numbers=test.numbers,
        cell=test.cell,
    )


def numbers_of(score: Score) -> str:
    """Everything of a score but the file it came from and the time."""
    skipped = {"prediction": {"file", "sha256"}, "created": True}
    return score.model_dump_json(exclude=skipped)


def from_the_file(path: Path) -> tuple[Prediction, Dataset]:
    """A prediction and its dataset, of both of which arrays of any size stay in their file."""
    prediction = teaeval.read_prediction(path, in_memory=0)
    data = teadata.load(prediction.dataset)
    return prediction, Dataset(data.card, data.root, in_memory=0)


@pytest.mark.parametrize(("dataset", "subset"), TEST_SETS)
def test_every_test_set_from_every_format(dataset, subset, tmp_path):
    prediction = made(dataset, subset)
    found = {}
    for suffix in SUFFIXES:
        path = tmp_path / f"prediction{suffix}"
        teaeval.write_prediction(path, prediction)
        score = teaeval.score(teaeval.read_prediction(path), replicates=20)
        few = len(prediction.forces) < 30  # too few to check units and signs
        assert [said.split("]")[0] for said in score.warnings] == ["[few-frames"] * few
        found[suffix] = numbers_of(score)
    assert set(found.values()) == {found[".npz"]}


@pytest.mark.parametrize(("dataset", "subset"), TEST_SETS)
def test_ase_files_give_the_same_within_the_rounding_of_units(dataset, subset, tmp_path):
    import ase.io

    prediction = made(dataset, subset)
    test = teadata.load(dataset).split(f"{subset}/test")
    predicted = teadata.Frames(
        test.numbers, test.positions, prediction.energies, prediction.forces,
        cell=test.cell, pbc=test.pbc, ids=test.ids,
    )  # fmt: skip
    ase.io.write(tmp_path / "prediction.traj", predicted.to_ase())
    read = teaeval.read_prediction(tmp_path / "prediction.traj", dataset=dataset, subset=subset)
    expected, found = (teaeval.score(p, replicates=0) for p in (prediction, read))
    for a, b in zip(expected.rows, found.rows, strict=True):
        assert b.mae == pytest.approx(a.mae, rel=1e-9)
        assert b.max == pytest.approx(a.max, rel=1e-8)


@pytest.mark.parametrize("suffix", [".h5", ".zarr", ".zip"])
def test_from_the_file_as_from_memory(suffix, tmp_path, monkeypatch):
    monkeypatch.setattr("teaeval.engines.PIECE", 1 << 15)  # many pieces
    path = tmp_path / f"prediction{suffix}"
    teaeval.write_prediction(path, made("mini-i", "folded"))
    options = {"replicates": 20, "with_details": True}
    in_memory = teaeval.read_prediction(path)
    assert isinstance(in_memory.forces, np.ndarray)
    expected = teaeval.score(in_memory, engine=Threads(1), **options)
    from_file, dataset = from_the_file(path)
    assert isinstance(from_file.forces, StoredArray)
    assert isinstance(from_file.positions, StoredArray)
    assert isinstance(from_file.energies, StoredArray)
    assert isinstance(from_file.frame_ids, StoredInts)
    assert isinstance(dataset.test_set("folded"), StoredFrames)
    for threads in (1, 4):
        found = teaeval.score(from_file, dataset, engine=Threads(threads), **options)
        assert numbers_of(found) == numbers_of(expected)


def test_faults_are_found_and_mended_in_a_file_too(tmp_path):
    clean = made("mini-i", "folded")
    order = np.arange(42)
    order[[0, 5, 11]] = order[[5, 11, 0]]
    faulty = dataclasses.replace(clean, forces=-clean.forces[:, order] * 0.0433641)
    bad = clean.forces.copy()
    bad[7, 3] = np.nan
    names = {"faulty": faulty, "clean": clean, "nan": dataclasses.replace(clean, forces=bad)}
    for name, prediction in names.items():
        teaeval.write_prediction(tmp_path / f"{name}.h5", prediction)
    read = {name: from_the_file(tmp_path / f"{name}.h5") for name in names}
    with pytest.raises(PredictionError) as caught:
        teaeval.score(*read["faulty"])
    codes = {item.code for item in caught.value.findings}
    assert codes == {"permuted-atoms", "sign-of-forces", "unit-of-forces"}
    fixed = teaeval.score(*read["faulty"], fixes=("atoms", "sign", "units"), replicates=0)
    expected = teaeval.score(*read["clean"], replicates=0)
    assert fixed.row("F").mae == pytest.approx(expected.row("F").mae, rel=1e-5)
    with pytest.raises(PredictionError, match="3 NaN and 0 infinite values in 1 frames"):
        teaeval.score(*read["nan"])


@pytest.mark.parametrize("in_memory", [1 << 26, 0])
def test_a_prediction_can_be_sent_to_another_process(in_memory, tmp_path):
    teaeval.write_prediction(tmp_path / "p.h5", made("mini-iii", "complete"))
    read = teaeval.read_prediction(tmp_path / "p.h5", in_memory=in_memory)
    sent = pickle.loads(pickle.dumps(read))
    np.testing.assert_array_equal(sent.energies, read.energies)
    assert sent.digest() == read.digest()
    scores = (teaeval.score(some, replicates=0) for some in (sent, read))
    assert len({numbers_of(score) for score in scores}) == 1


@pytest.mark.parametrize(("name", "shape"), [("energy", ()), ("energy", (200, 2)),
                                             ("energy", (200, 1, 1)), ("frame_id", ()),
                                             ("frame_id", (200, 1))])  # fmt: skip
def test_a_shape_that_is_wrong_is_said_in_the_same_words(name, shape, tmp_path):
    teaeval.write_prediction(tmp_path / "p.h5", made("mini-iii", "complete"))
    with h5py.File(tmp_path / "p.h5", "r+") as file:
        kind = file[name].dtype
        del file[name]
        file[name] = np.ones(shape, kind)
    said = []
    for in_memory in (1 << 26, 0):
        read = teaeval.read_prediction(tmp_path / "p.h5", in_memory=in_memory)
        said.append([str(item) for item in teaeval.check(read)[1]])
    assert f"shape-of-{name}" in said[0][0].replace("frame_ids", "frame_id")
    assert said[1] == said[0]


def faulty(clean: Prediction) -> dict[str, Prediction]:
    """A prediction with each fault that is found frame by frame."""
    count = len(clean.energies)
    frames, last = np.arange(count), np.arange(count)[::-1]

    def of(rows: np.ndarray, **changed: object) -> Prediction:
        parts = {n: getattr(clean, n)[rows] for n in ("energies", "forces", "frame_ids")}
        return dataclasses.replace(clean, positions=clean.positions[rows], **parts | changed)

    def with_(name: str, values: object, *rows: int) -> Prediction:
        array = getattr(clean, name).copy()
        array[list(rows)] = values
        return dataclasses.replace(clean, **{name: array})

    return {
        "clean": clean,
        "turned": of(last),
        "some are missing": of(frames[5:-3]),
        "some twice": of(np.append(last, [4, 9])),
        "others": with_("frame_ids", [10**9, 10**9 + 1], 7, 70),
        "no ids": dataclasses.replace(of(np.append(last, 0)), frame_ids=None),
        "energies": with_("energies", np.nan, 3, 80),
        "forces": with_("forces", np.inf, 3, 80),
        "zero": with_("forces", 0.0, *frames[-9:]),
        "the same": with_("forces", clean.forces[11], *range(12, 40)),
        "positions of others": with_("positions", clean.positions[::-1][:30], *range(30)),
        "moved": dataclasses.replace(clean, positions=clean.positions + 1.0),
        "infinite positions": with_("positions", np.inf, 5),
        "energy of one, position of another": of(last, energies=clean.energies),
    }


def test_what_is_wrong_is_said_in_the_same_words(tmp_path, monkeypatch):
    monkeypatch.setattr("teaeval.engines.PIECE", 1 << 14)
    monkeypatch.setattr("teaeval.metrics.digests.HELD", 10)
    for fault, prediction in faulty(made("mini-iii", "complete")).items():
        path = tmp_path / f"{fault}.h5"
        teaeval.write_prediction(path, prediction)
        expected = teaeval.check(prediction)
        found = teaeval.check(*from_the_file(path))
        np.testing.assert_array_equal(found[0], expected[0], fault)
        assert [str(item) for item in found[1]] == [str(item) for item in expected[1]], fault


def test_what_is_wrong_beside_a_reference_is_said_in_the_same_words(tmp_path):
    clean = made("mini-iii", "complete")
    test = teadata.load("mini-iii").split("complete/test")
    teadata.formats.write(tmp_path / "reference.h5", test)
    for fault, prediction in faulty(clean).items():
        path = tmp_path / f"{fault}.h5"
        teaeval.write_prediction(path, prediction)
        said = []
        for in_memory in (1 << 26, 0):
            reference = read_reference(tmp_path / "reference.h5", in_memory=in_memory)
            read = teaeval.read_prediction(path, in_memory=in_memory)
            said.append([str(item) for item in check_reference(read, reference)])
        assert said[1] == said[0], fault


def test_frames_in_another_order_without_ids(tmp_path):
    clean = made("mini-iii", "complete")
    order = np.random.default_rng(0).permutation(len(clean.energies))
    moved = Prediction(
        "mini-iii", "complete", clean.energies[order], clean.forces[order],
        positions=clean.positions[order],
    )  # fmt: skip
    paths = [tmp_path / "clean.h5", tmp_path / "moved.zarr"]
    for path, prediction in zip(paths, (clean, moved), strict=True):
        teaeval.write_prediction(path, prediction)
    first, second = (teaeval.score(*from_the_file(path), replicates=20) for path in paths)
    assert first.rows == second.rows


def test_on_a_cluster_to_the_last_digit(tmp_path, run):
    from distributed import LocalCluster

    paths = []
    for suffix in (".h5", ".npz"):
        paths.append(tmp_path / f"prediction{suffix}")
        teaeval.write_prediction(paths[-1], made("mini-i", "folded"))
    here = [teaeval.score(teaeval.read_prediction(path), with_details=True) for path in paths]
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1"
    ) as cluster:
        address = cluster.scheduler_address
        with connected(address) as engine:
            for path, expected in zip(paths, here, strict=True):
                read = teaeval.read_prediction(path, in_memory=0)
                found = teaeval.score(read, with_details=True, engine=engine)
                assert numbers_of(found) == numbers_of(expected)
        done = run("teaeval", "score", paths[0], "--details", "--scheduler", address, "--json")
    assert done.returncode == 0, done.stderr
    assert numbers_of(Score.model_validate_json(done.stdout)) == numbers_of(here[0])


def test_no_scheduler_is_one_line(run, prediction_file):
    done = run("teaeval", "score", prediction_file, "--scheduler", "tcp://127.0.0.1:9",
               "--scheduler-timeout", 1)  # fmt: skip
    assert done.returncode == 2
    assert "no Dask scheduler answers there" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("suffix", [".h5", ".zip"])
def test_a_damaged_file_is_one_error_or_scores_what_is_there(suffix, tmp_path):
    """Bytes flipped anywhere: compressed pieces are read in threads, where errors must not stay."""
    teaeval.write_prediction(tmp_path / f"clean{suffix}", made("mini-iii", "complete"))
    clean = (tmp_path / f"clean{suffix}").read_bytes()
    rng = np.random.default_rng(0)
    errors = []
    for trial in range(60):
        damaged = bytearray(clean)
        if trial % 3 == 0:
            damaged = damaged[: rng.integers(len(clean))]
        else:
            for place in rng.integers(len(clean), size=1 + trial % 5):
                damaged[place] ^= 1 << rng.integers(8)
        path = tmp_path / f"damaged{suffix}"
        path.write_bytes(damaged)
        try:
            score = teaeval.score(*from_the_file(path), replicates=0)
            assert score.coverage.complete
        except TeaError as error:
            errors.append(str(error))
    assert len(errors) >= 20
    assert all(text.startswith(str(path)) for text in errors)


def test_blocks_change_the_intervals_alone(monkeypatch):
    """Of many uncorrelated frames only blocks are kept: every error stays what it is."""
    prediction = made("mini-iii", "complete")
    expected = teaeval.score(prediction, with_details=True)
    assert expected.bootstrap.unit == "frame"
    monkeypatch.setattr("teaeval.metrics.uncertainty.MOST_UNITS", 60)
    found = teaeval.score(prediction, with_details=True)
    assert (found.bootstrap.unit, found.bootstrap.units) == ("block", 50)
    for a, b in zip(expected.rows, found.rows, strict=True):
        for name in ("mae", "rmse", "max", "std_reference", "mean_reference"):
            assert getattr(b, name) == pytest.approx(getattr(a, name), rel=1e-12)
        width = a.mae_interval[1] - a.mae_interval[0]
        np.testing.assert_allclose(b.mae_interval, a.mae_interval, atol=0.6 * width)
    assert found.details.forces.by_atom == expected.details.forces.by_atom
