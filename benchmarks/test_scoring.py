"""Scoring 2 GB of forces, against its limit, reading them, and scripts one might write.

A million frames of 42 atoms: 1 GB of predicted and 1 GB of reference forces, uncompressed HDF5,
from the page cache.  The score includes what the others leave out: the checksum of the prediction,
checks, intervals.  That checksum, which one core computes, is the limit.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import ase.io
import h5py
import large
import numpy as np
import pytest

import teadata
import teaeval
from teadata import Dataset, DatasetCard, dataset, units
from teaeval.metrics import compiled

FRAMES = 1_000_000
EXAMPLE = str(Path(__file__).parents[1] / "examples" / "mini-i_folded_sgdml.npz")

ROUNDS = {"rounds": 3, "iterations": 1, "warmup_rounds": 1}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, Path]:
    """The folder of the dataset, and the prediction."""
    home, prediction = large.write(tmp_path_factory.mktemp("large"), FRAMES)
    return home / "datasets" / "tea2023-i", prediction


def score(root: Path, prediction: Path) -> float:
    made = teaeval.read_prediction(prediction)
    return teaeval.score(made, Dataset(DatasetCard.read(root / "card.yaml"), root)).row("F").mae


@pytest.fixture(params=["NumPy", "compiled"])
def way(request, monkeypatch) -> str:
    """How forces are summed: without the extra `fast`, or with it in a process that scored much."""
    if request.param == "compiled":
        monkeypatch.setattr(compiled, "AFTER", 0)
        assert compiled.force_loop() is not None
    else:
        monkeypatch.setattr(compiled, "force_loop", lambda: None)
    return request.param


@pytest.mark.benchmark(group="2 GB of forces")
@pytest.mark.usefixtures("way")
def test_score(benchmark, files):
    assert benchmark.pedantic(score, files, **ROUNDS) == pytest.approx(1.128, abs=1e-3)


@pytest.mark.benchmark(group="2 GB of forces")
def test_score_hashing_the_dataset_too(benchmark, files):
    """As the first score of a process."""
    found = benchmark.pedantic(score, files, setup=dataset._digest.cache_clear, rounds=3)
    assert found == pytest.approx(1.128, abs=1e-3)


@pytest.mark.benchmark(group="2 GB of forces")
def test_read_with_h5py(benchmark, files):
    def read(root, prediction):
        total = 0
        with h5py.File(root / "frames.h5") as reference, h5py.File(prediction) as made:
            for start in range(0, FRAMES, 8192):
                for file in (reference, made):
                    total += file["forces"][start : start + 8192].nbytes
        return total

    assert benchmark.pedantic(read, files, **ROUNDS) == 2 * FRAMES * 42 * 3 * 8


@pytest.mark.benchmark(group="2 GB of forces")
def test_sha256(benchmark, files):
    """Of the prediction, which a score states: 1 GB."""

    def digest(_, prediction):
        with prediction.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    assert len(benchmark.pedantic(digest, files, **ROUNDS)) == 64


@pytest.mark.benchmark(group="2 GB of forces")
def test_plain_numpy(benchmark, files):
    """All of it in memory: MAE, RMSE and MAX of E, F and F(X), and nothing else."""

    def compute(root, prediction):
        with h5py.File(root / "frames.h5") as reference, h5py.File(prediction) as made:
            f, p = reference["forces"][:], made["forces"][:]
            e, q = reference["energies"][:], made["energy"][:]
            z = made["numbers"][:]
        table = {"E": np.abs(q - e), "F": np.abs(p - f)}
        for number in np.unique(z):
            table[number] = np.abs(p[:, z == number] - f[:, z == number])
        rows = {k: (d.mean(), np.sqrt((d**2).mean()), d.max()) for k, d in table.items()}
        return rows["F"][0], [f.std(), np.abs(f).mean()]

    assert benchmark.pedantic(compute, files, **ROUNDS)[0] == pytest.approx(1.128, abs=1e-3)


@pytest.mark.benchmark(group="memory of a score of 2 GB")
def test_memory(benchmark, files):
    """The peak of a process of its own; it grows by some 60 bytes with each frame."""
    command = [Path(sys.executable).with_name("teaeval"), "score", files[1]]
    environment = os.environ | {"TEADATA_HOME": str(files[0].parents[1])}

    def peak() -> float:
        done = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(done.pid, 0)
        done.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_maxrss / 1024  # MiB, on Linux

    found = benchmark.pedantic(peak, rounds=1)
    benchmark.extra_info["peak MiB"] = round(found)
    assert found < 500


@pytest.fixture(scope="module")
def compressed(tmp_path_factory) -> tuple[Path, Path]:
    """The same of 200 000 frames, the prediction compressed as `teaeval` writes HDF5."""
    home, prediction = large.write(tmp_path_factory.mktemp("compressed"), 200_000)
    with h5py.File(prediction, "r+") as file:
        forces = file["forces"][:]
        del file["forces"]
        file.create_dataset(
            "forces", data=forces, chunks=(256, 42, 3), compression="gzip", shuffle=True
        )
    return home / "datasets" / "tea2023-i", prediction


@pytest.mark.benchmark(group="0.2 GB of compressed forces")
def test_score_compressed(benchmark, compressed):
    assert benchmark.pedantic(score, compressed, **ROUNDS) == pytest.approx(1.128, abs=1e-3)


@pytest.mark.benchmark(group="0.2 GB of compressed forces")
def test_read_compressed_with_h5py(benchmark, compressed):
    def read(root, prediction):
        total = 0
        with h5py.File(root / "frames.h5") as reference, h5py.File(prediction) as made:
            for start in range(0, 200_000, 8192):
                for file in (reference, made):
                    total += file["forces"][start : start + 8192].nbytes
        return total

    assert benchmark.pedantic(read, compressed, **ROUNDS) == 2 * 200_000 * 42 * 3 * 8


@pytest.fixture(scope="module")
def xyz(tmp_path_factory) -> tuple[Path, Path]:
    """The folded test set of mini-i, predicted, as extended XYZ of ours and of ASE's."""
    test = teadata.load("mini-i").split("folded/test")
    rng = np.random.default_rng(0)
    made = teaeval.Prediction(
        "mini-i", "folded", test.energies, test.forces + rng.normal(size=test.forces.shape),
        frame_ids=test.ids, positions=test.positions, numbers=test.numbers,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("xyz")
    teaeval.write_prediction(folder / "prediction.xyz", made)
    ase.io.write(folder / "reference.xyz", test.to_ase())
    return folder / "prediction.xyz", folder / "reference.xyz"


@pytest.mark.benchmark(group="2500 frames of extended XYZ")
def test_score_xyz(benchmark, xyz):
    def compute(prediction, _):
        return teaeval.score(teaeval.read_prediction(prediction)).row("F").mae

    assert benchmark.pedantic(compute, xyz, **ROUNDS) == pytest.approx(0.798, abs=2e-3)


@pytest.fixture(scope="module")
def npz(xyz) -> Path:
    path = xyz[0].with_suffix(".npz")
    teaeval.write_prediction(path, teaeval.read_prediction(xyz[0]))
    return path


@pytest.mark.benchmark(group="2500 frames of npz")
def test_score_npz(benchmark, npz):
    """From a process that scored before."""
    found = benchmark.pedantic(teaeval.score, [npz], rounds=7, warmup_rounds=1)
    assert found.row("F").mae == pytest.approx(0.798, abs=2e-3)


@pytest.mark.benchmark(group="2500 frames of npz")
def test_read_npz(benchmark, npz):
    def read():
        with np.load(npz) as file:
            return sum(file[name].nbytes for name in file.files)

    assert benchmark.pedantic(read, rounds=7, warmup_rounds=1) > 2500 * 42 * 3 * 8


@pytest.mark.benchmark(group="2500 frames of extended XYZ")
def test_script_of_ase(benchmark, xyz):
    def compute(prediction, reference):
        made, known = (ase.io.read(path, index=":") for path in (prediction, reference))
        gaps = [
            np.abs(a.get_forces() - b.get_forces() * units.EV)
            for a, b in zip(made, known, strict=True)
        ]
        return np.mean(gaps)

    assert benchmark.pedantic(compute, xyz, **ROUNDS) == pytest.approx(0.798, abs=2e-3)


@pytest.mark.benchmark(group="start")
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("teaeval", "--help"), id="help"),
        pytest.param(("teadata", "--help"), id="help of teadata"),
        pytest.param(("baselines", "--help"), id="help of baselines"),
        pytest.param(("teaeval", "score", EXAMPLE), id="score"),
        pytest.param(("python", "-c", "import numpy"), id="numpy"),
        pytest.param(
            ("python", "-c", "import numpy.random, h5py, pyarrow.parquet, pydantic, typer, yaml"),
            id="libraries",
        ),
    ],
)
def test_start(benchmark, arguments, monkeypatch):
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # installed files are compiled
    program = Path(sys.executable).with_name(arguments[0])
    done = benchmark.pedantic(
        subprocess.run, [[program, *arguments[1:]]], {"capture_output": True, "env": os.environ},
        rounds=10, warmup_rounds=1,
    )  # fmt: skip
    assert done.returncode == 0
