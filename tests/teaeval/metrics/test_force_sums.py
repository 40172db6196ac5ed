"""One order of sums: NumPy, the compiled loop and a plain loop give the same digits."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

import teadata
import teaeval
from teaeval import Prediction
from teaeval.metrics import compiled
from teaeval.metrics.force_sums import ForceSums
from teaeval.metrics.frame_errors import Quantities

WAYS = ("numpy", "compiled")


@pytest.fixture
def way(monkeypatch):
    """Say which way forces are summed."""

    def choose(name: str) -> None:
        if name == "numpy":
            monkeypatch.setattr("teaeval.metrics.compiled.force_loop", lambda: None)
        else:
            monkeypatch.setattr("teaeval.metrics.compiled.AFTER", 0)
            assert compiled.force_loop() is not None

    return lambda name: (monkeypatch.undo(), choose(name))


def plainly(predicted, reference, quantities):
    """The stated order, word by word."""
    ends = [*quantities.starts[1:], len(quantities.atoms)]
    names = ("absolute", "square", "reference", "magnitude", "spread")
    sums = {name: np.zeros((len(ends), len(predicted))) for name in names}
    for e, (start, end) in enumerate(zip(quantities.starts, ends, strict=True)):
        for n in range(len(predicted)):
            values = [
                (float(p), float(r))
                for atom in quantities.atoms[start:end]
                for p, r in zip(predicted[n, atom], reference[n, atom], strict=True)
            ]
            for p, r in values:
                sums["absolute"][e, n] += abs(p - r)
                sums["square"][e, n] += (p - r) * (p - r)
                sums["reference"][e, n] += r
                sums["magnitude"][e, n] += abs(r)
            mean = sums["reference"][e, n] / len(values)
            for _, r in values:
                sums["spread"][e, n] += (r - mean) * (r - mean)
    return sums


@pytest.mark.parametrize(
    ("count", "atoms"), [(1, 1), (1, 40), (2, 7), (3, 30), (600, 42), (5, 300)]
)
@pytest.mark.parametrize("name", WAYS)
def test_sums_are_in_the_stated_order(name, count, atoms, way):
    way(name)
    rng = np.random.default_rng(count)
    reference = rng.normal(3, 20, (count, atoms, 3))
    predicted = reference + rng.normal(size=reference.shape)
    quantities = Quantities.of(rng.choice([1, 6, 8], atoms))
    found = ForceSums.of(predicted, reference, quantities)
    rows = np.arange(count)[-3:]
    for field, expected in plainly(predicted[rows], reference[rows], quantities).items():
        np.testing.assert_array_equal(getattr(found, field)[:, rows], expected)


def test_both_ways_agree_on_numbers_of_any_kind(way):
    rng = np.random.default_rng(0)
    for atoms in (1, 3, 42):
        predicted, reference = rng.normal(0, 20, (2, 700, atoms, 3))
        for value in (np.nan, np.inf, -np.inf, -0.0, 0.0, 1e300, 5e-324):
            predicted[rng.random(predicted.shape) < 0.01] = value
            reference[rng.random(predicted.shape) < 0.001] = value
        predicted[3] = 0.0
        quantities = Quantities.of(rng.choice([1, 6, 7, 79], atoms))
        made = []
        for name in WAYS:
            way(name)
            made.append(ForceSums.of(predicted, reference[::-1][::-1], quantities))
        for field in dataclasses.fields(ForceSums):
            np.testing.assert_array_equal(*(getattr(each, field.name) for each in made))


CASES = ("as it is", "float32", "gaps", "not finite", "huge", "in eV")


def made(dataset: str, subset: str, case: str) -> Prediction:
    """A prediction of a test set, whole or with faults."""
    test = teadata.load(dataset).split(f"{subset}/test")
    rng = np.random.default_rng(5)
    energies = test.energies + rng.normal(size=len(test))
    forces = test.forces + rng.normal(0, 3, test.forces.shape)
    if case == "float32":
        forces = forces.astype(np.float32)
    if case == "not finite":
        forces[4, 1, 2], forces[9, 0, 0], energies[7] = np.nan, np.inf, np.nan
    if case == "huge":
        forces[5, 2, 1] = 1e200
    rows = np.arange(len(test))
    if case == "gaps":
        rows = rng.permutation(rows)[: -len(rows) // 8 or None]
    return Prediction(
        dataset,
        subset,
        energies[rows],
        forces[rows],
        frame_ids=test.ids[rows],
        numbers=test.numbers,
    )


SETS = [
    ("mini-i", "folded"),
    ("mini-ii", "complete"),
    ("mini-iii", "complete"),
    ("mini-iv", "complete"),
]


@pytest.mark.parametrize(
    ("dataset", "subset", "case"),
    [(*each, "as it is") for each in SETS] + [(*SETS[2], case) for case in CASES[1:]],
)
def test_whole_scores_are_the_same_to_the_last_digit(dataset, subset, case, way, tmp_path):
    found = []
    path = tmp_path / "prediction.h5"
    teaeval.write_prediction(path, made(dataset, subset, case))
    for name in WAYS:
        way(name)
        prediction = teaeval.read_prediction(path, in_memory=0)
        if case == "in eV":
            prediction = dataclasses.replace(prediction, forces=prediction.forces * 0.0433641)
        score = teaeval.score(
            prediction,
            with_details=True,
            allow_failed=True,
            replicates=20,
            fixes=("units",) if case == "in eV" else (),
        )
        found.append(score.model_dump_json(exclude={"created": True}))
    assert found[0] == found[1]


SCRIPT = """
import numpy as np
from teaeval.metrics import compiled
from teaeval.metrics.force_sums import ForceSums
from teaeval.metrics.frame_errors import Quantities
compiled.AFTER = 0
forces = np.arange(18.0).reshape(2, 3, 3)
print(ForceSums.of(forces, forces + 1, Quantities.of(np.array([1, 6, 6]))).absolute.sum())
print(compiled.force_loop() is not None)
"""


@pytest.mark.parametrize("case", ["no folder for its cache", "a numba that cannot be imported"])
def test_what_is_amiss_with_numba_stops_no_score(case, tmp_path):
    environment = dict(os.environ)
    if case == "no folder for its cache":
        (tmp_path / "a file").touch()
        environment["NUMBA_CACHE_DIR"] = str(tmp_path / "a file")
    else:
        (tmp_path / "numba.py").write_text("raise ImportError('Numba needs NumPy 1.0 or less')\n")
        environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["18.0", str(case == "no folder for its cache")]
