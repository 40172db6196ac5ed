"""Predictions against reference files: small molecules in eV, as ASE writes them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

import teadata
import teaeval
from teadata.errors import DataError, UsageError
from teadata.formats import write as write_frames
from teadata.units import EV
from teaeval import PredictionError, Reference, Score, tables
from teaeval.predictions.reading import read_predictions
from teaeval.scores.reading import read_score
from teaeval.scores.verification import verify

UNITS = {"energy_unit": "eV", "length_unit": "Å"}
ETHANOL, ETHER, WATER = "CH3CH2OH", "CH3OCH3", "H2O"


def images(names: Sequence[str], count: int, noise: float = 0.0, seed: int = 0) -> list[Atoms]:
    """Distorted molecules, in turn, with labels in eV that are off by `noise` kcal/mol."""
    rng, errors = np.random.default_rng(7), np.random.default_rng(seed + 1)
    made = []
    for n in range(count):
        for name in names:
            atoms = molecule(name)
            atoms.positions += 0.1 * rng.normal(size=atoms.positions.shape)
            energy = -500.0 * len(atoms) + 10 * rng.normal()
            forces = 20 * rng.normal(size=atoms.positions.shape)
            energy += noise * errors.normal()
            forces += noise * errors.normal(size=forces.shape)
            atoms.calc = SinglePointCalculator(atoms, energy=energy / EV, forces=forces / EV)
            atoms.info["trajectory"] = n // 10
            made.append(atoms)
    return made


@pytest.fixture
def files(tmp_path) -> Callable[..., Path]:
    def make(name: str, frames: list[Atoms], *, trajectory: bool = False) -> Path:
        for atoms in frames:
            if not trajectory:
                atoms.info.pop("trajectory", None)
        write(tmp_path / name, frames, format="extxyz")
        return tmp_path / name

    return make


def scored(prediction: Path, reference: Path, **options) -> Score:
    return teaeval.score(
        read_predictions(prediction, **UNITS),
        reference=teaeval.read_reference(reference, **UNITS),
        **{"replicates": 20, **options},
    )


def codes(prediction: Path, reference: Path) -> set[str]:
    with pytest.raises(PredictionError) as caught:
        scored(prediction, reference)
    return {item.code for item in caught.value.findings if item.severity == "error"}


def test_what_the_page_shows_of_python(files, repository, monkeypatch, tmp_path):
    files("reference.xyz", images([ETHANOL, WATER], 40))
    files("prediction.xyz", images([ETHANOL, WATER], 40, noise=1.0)[::-1])
    files("other.xyz", images([ETHANOL, WATER], 40, noise=2.0, seed=1))
    page = (repository / "docs" / "prediction-file.md").read_text(encoding="utf-8")
    (block,) = re.findall(
        r"```python\n(.*?)```", page.partition("## Without a dataset")[2], re.DOTALL
    )
    monkeypatch.chdir(tmp_path)
    made: dict[str, Any] = {}
    exec(block, made)
    assert [system.formula for system in made["score"].systems] == ["C2H6O", "H2O"]
    assert (len(made["rows"]), made["findings"]) == (80, [])
    assert (made["rows"] >= 0).all()
    assert made["compared"].frames == 80


def test_a_mistake_in_python_is_said_in_the_words_of_python(files):
    reference = files("r.xyz", images([ETHANOL], 40))
    prediction = files("p.xyz", images([ETHANOL], 40, noise=1.0))
    labels = teaeval.read_reference(reference, **UNITS)
    with pytest.raises(PredictionError, match="pass energy_unit") as caught:
        teaeval.score(prediction, reference=labels)
    assert "--" not in str(caught.value)
    with pytest.raises(PredictionError, match=r"pass energy_unit to teaeval\.read_reference"):
        teaeval.score(prediction, reference=reference, **UNITS)
    for call in (teaeval.score, teaeval.check):
        with pytest.raises(UsageError, match=r"'energy_unti'.*did you mean 'energy_unit'"):
            call(prediction, reference=labels, energy_unti="eV")
        with pytest.raises(UsageError, match="subset belongs to a dataset"):
            call(prediction, reference=labels, subset="folded", **UNITS)
    with pytest.raises(UsageError, match="that is said of a file"):
        teaeval.score(read_predictions(prediction, **UNITS), reference=labels, **UNITS)
    with pytest.raises(UsageError, match="one name for two predictions"):
        teaeval.compare(prediction, prediction, reference=labels, model="mine", **UNITS)
    with pytest.raises(UsageError, match=r"teaeval\.score\(FILE, reference=LABELS\)"):
        teaeval.read_prediction(prediction, reference=labels, **UNITS)
    with pytest.raises(UsageError, match=r"reference=teaeval\.read_reference") as same:
        teaeval.score(reference, reference=labels, **UNITS)
    assert "--reference-energy-key REF_energy" in same.value.told()


def test_the_numbers_are_those_of_the_arrays_whatever_the_order_of_the_frames(files):
    reference = files("r.xyz", images([ETHANOL], 60))
    noisy = images([ETHANOL], 60, 1.0)
    errors = [
        (a.get_potential_energy() - b.get_potential_energy()) * EV
        for a, b in zip(noisy, images([ETHANOL], 60), strict=True)
    ]
    score = scored(files("p.xyz", noisy[::-1]), reference, with_details=True)
    assert score.row("E").mae == pytest.approx(np.mean(np.abs(errors)), rel=1e-6)
    assert score.bootstrap.unit == "frame"
    low, high = score.row("F").mae_interval
    assert low < score.row("F").mae < high
    record = score.reference
    assert (record.file, record.frames, record.energy_unit) == ("r.xyz", 60, "eV")
    assert record.sha256 == teadata.provenance.sha256(reference)
    assert score.dataset is None
    assert score.details.novelty is None
    assert any("novelty" in line for line in score.left_out)


def test_a_test_set_written_to_a_file_scores_as_the_dataset_does(tmp_path, made):
    test = teadata.load("mini-i").split("folded/test")[:100]
    write_frames(tmp_path / "r.h5", test)
    noisy = made("mini-i", "folded", "mine")
    part = dataclasses.replace(
        noisy,
        energies=noisy.energies[:100],
        forces=noisy.forces[:100],
        frame_ids=noisy.frame_ids[:100],
    )
    score = teaeval.score(part, reference=tmp_path / "r.h5", replicates=0)
    expected = np.abs(part.forces - test.forces).mean()
    assert score.row("F").mae == pytest.approx(expected, rel=1e-12)
    assert any("mini-i folded" in line for line in score.left_out)


def test_large_references_stay_in_their_file_and_score_alike(tmp_path, made):
    test = teadata.load("mini-i").split("folded/test")
    write_frames(tmp_path / "r.h5", test)
    small = teaeval.read_reference(tmp_path / "r.h5")
    large = teaeval.read_reference(tmp_path / "r.h5", in_memory=1000)
    noisy = made("mini-i", "folded", "mine")
    rows = [teaeval.score(noisy, reference=r, replicates=0).rows for r in (small, large)]
    assert rows[0] == rows[1]


def test_trajectories_that_the_reference_states_are_what_is_resampled(files):
    reference = files("r.xyz", images([ETHANOL], 60), trajectory=True)
    score = scored(files("p.xyz", images([ETHANOL], 60, 1.0)), reference)
    assert (score.bootstrap.unit, score.bootstrap.units) == ("trajectory", 6)


def test_every_composition_has_its_rows_and_all_have_theirs(files, tmp_path):
    names = [ETHANOL, ETHER, WATER]
    reference = files("r.xyz", images(names, 40))
    prediction = files("p.xyz", images(names, 40, 1.0)[::-1])
    score = scored(prediction, reference)
    water = scored(
        files("w.xyz", [a for a in images(names, 40, 1.0) if len(a) == 3]),
        files("wr.xyz", [a for a in images(names, 40) if len(a) == 3]),
    )
    by_formula = {system.formula: system for system in score.systems}
    assert list(by_formula) == ["C2H6O", "H2O"]  # two orders of atoms of one formula
    assert by_formula["C2H6O"].coverage.frames == 80
    for row, alone in zip(by_formula["H2O"].rows, water.rows, strict=True):
        for name in ("mae", "rmse", "max", "mean_reference", "std_reference"):
            assert getattr(row, name) == pytest.approx(getattr(alone, name), rel=1e-9)
        assert row.mae_interval == pytest.approx(alone.mae_interval, rel=1e-9)
    counts = {name: system.rows[1].count for name, system in by_formula.items()}
    total = sum(system.rows[1].mae * counts[name] for name, system in by_formula.items())
    assert score.row("F").count == 3 * (80 * 9 + 40 * 3)
    assert score.row("F").mae == pytest.approx(total / score.row("F").count, rel=1e-12)
    assert score.row("F(C)").count == 3 * 80 * 2
    assert score.row("E").mean_reference < 100  # and not the thousands between compositions
    path = tmp_path / "s.json"
    path.write_text(score.model_dump_json(), encoding="utf-8")
    assert read_score(path).systems == score.systems
    assert "of several systems, to the lowest of its own" in tables.grids([score])[0].notes[0]
    assert len(score.to_pandas()) == len(score.rows) + sum(len(s.rows) for s in score.systems)


def test_a_system_without_prediction_stops_the_score_or_counts_as_failed(files):
    reference = files("r.xyz", images([ETHANOL, WATER], 40))
    prediction = files("p.xyz", [a for a in images([ETHANOL, WATER], 40, 1.0) if len(a) > 3])
    assert codes(prediction, reference) == {"missing-frames"}
    score = scored(prediction, reference, allow_failed=True)
    assert (score.coverage.scored, score.coverage.missing) == (40, 40)
    assert {system.formula: len(system.rows) for system in score.systems}["H2O"] == 0


def test_what_is_not_in_the_reference_is_named(files):
    reference = files("r.xyz", images([ETHANOL], 40))
    assert codes(files("more.xyz", images([ETHANOL], 41, 1.0)), reference) == {"extra-frames"}
    assert codes(files("other.xyz", images([ETHANOL, WATER], 40, 1.0)), reference) >= {
        "extra-frames"
    }


def test_another_order_of_atoms_is_named_also_where_the_frames_are_shuffled(files):
    reference = files("r.xyz", images([ETHANOL], 40))
    order = [0, 1, 2, 8, 4, 5, 6, 7, 3]  # two of its hydrogens

    def reordered(atoms: Atoms) -> Atoms:
        moved = atoms[order]
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()[order]
        moved.calc = SinglePointCalculator(moved, energy=energy, forces=forces)
        return moved

    moved = files("p.xyz", [reordered(atoms) for atoms in images([ETHANOL], 40, 1.0)[::-1]])
    assert "permuted-positions" in codes(moved, reference)
    order.reverse()
    moved = files("q.xyz", [reordered(atoms) for atoms in images([ETHANOL], 40, 1.0)[::-1]])
    assert codes(moved, reference) >= {"atom-order", "permuted-positions"}


def test_a_wrong_unit_is_found_also_where_each_system_has_few_frames(files):
    names = [ETHANOL, WATER, "CH4", "NH3", "CH3OH"]
    reference = files("r.xyz", images(names, 8))
    prediction = files("p.xyz", images(names, 8, 0.1))
    wrong = read_predictions(prediction, energy_unit="kcal/mol", length_unit="Å")
    labels = teaeval.read_reference(reference, **UNITS)
    with pytest.raises(PredictionError) as caught:
        teaeval.score(wrong, reference=labels)
    assert {item.code for item in caught.value.findings} >= {"unit-of-energy", "unit-of-forces"}
    right = scored(prediction, reference)
    mended = teaeval.score(wrong, reference=labels, fixes=["units"], replicates=20)
    assert mended.row("F").mae == pytest.approx(right.row("F").mae, rel=1e-6)


def test_few_frames_and_no_errors_are_said(files):
    reference = files("r.xyz", images([WATER], 5))
    score = scored(files("p.xyz", images([WATER], 5, 1.0)), reference)
    assert any("few-frames" in line for line in score.warnings)
    write(reference.with_name("q.xyz"), images([WATER], 5)[::-1], format="extxyz")
    score = scored(reference.with_name("q.xyz"), reference)
    assert any("reference-itself" in line for line in score.warnings)


def test_a_file_is_not_compared_with_itself_unless_other_arrays_are_named(files, tmp_path):
    reference = files("r.xyz", images([WATER], 40))
    with pytest.raises(UsageError, match="every error would be 0"):
        scored(reference, reference)
    copy = tmp_path / "copy.xyz"
    copy.write_bytes(reference.read_bytes())
    with pytest.raises(UsageError, match="same content"):
        scored(copy, reference)
    both = images([WATER], 40)
    for atoms, predicted in zip(both, images([WATER], 40, 1.0), strict=True):
        atoms.info["MACE_energy"] = predicted.get_potential_energy()
        atoms.arrays["MACE_forces"] = predicted.get_forces()
    file = files("both.xyz", both)
    score = teaeval.score(
        read_predictions(file, energy_key="MACE_energy", forces_key="MACE_forces", **UNITS),
        reference=teaeval.read_reference(file, **UNITS),
        replicates=0,
    )
    expected = scored(files("p.xyz", images([WATER], 40, 1.0)), reference, replicates=0)
    assert score.row("F").mae == pytest.approx(expected.row("F").mae, rel=1e-6)


def test_what_is_twice_in_the_reference_is_refused(files, tmp_path):
    twice = images([WATER], 20)
    twice[15].positions = twice[4].positions
    prediction = files("p.xyz", images([WATER], 20, 1.0))
    with pytest.raises(UsageError, match=r"frames 4 and 15 .* same geometry"):
        scored(prediction, files("r.xyz", twice))
    test = teadata.load("mini-i").split("folded/test")[:40]
    np.savez(
        tmp_path / "ids.npz",
        energy=test.energies,
        forces=test.forces,
        positions=test.positions,
        numbers=test.numbers,
        frame_id=[*range(39), 7],
        energy_unit="kcal/mol",
        length_unit="Å",
    )
    with pytest.raises(DataError, match="1 frame ids are there more than once, the first is 7"):
        teaeval.read_reference(tmp_path / "ids.npz")


def test_labels_that_are_no_numbers_are_the_references_fault(files):
    broken = images([WATER], 40)
    broken[3].calc.results["forces"][0, 0] = np.nan
    with pytest.raises(DataError, match="reference forces of frame 3"):
        scored(files("p.xyz", images([WATER], 40, 1.0)), files("r.xyz", broken))


def test_a_dataset_and_a_reference_exclude_each_other(files):
    reference = files("r.xyz", images([WATER], 5))
    with pytest.raises(UsageError, match="compared with one of them"):
        teaeval.score("p.xyz", "mini-i", reference=reference)
    with pytest.raises(UsageError, match="compared with one of them"):
        teaeval.compare("p.xyz", "q.xyz", "mini-i", reference=reference)


def test_two_predictions_are_compared_over_all_systems_and_each(files):
    reference = files("r.xyz", images([ETHANOL, WATER], 40))
    labels: Reference = teaeval.read_reference(reference, **UNITS)
    good, bad = (
        read_predictions(files(f"{n}.xyz", images([ETHANOL, WATER], 40, n, seed=n)), **UNITS)
        for n in (1, 3)
    )
    found = teaeval.compare(good, bad, reference=labels, replicates=500)
    assert [system.formula for system in found.systems] == ["C2H6O", "H2O"]
    for row in (found.rows[1], found.systems[0].rows[1]):
        assert row.mae.difference < 0
        assert row.mae.p < 0.01
        assert row.superiority > 0.9
    assert found.reference.file == "r.xyz"


def test_a_score_against_a_reference_is_verified_with_it(files, tmp_path):
    reference = files("r.xyz", images([ETHANOL, WATER], 40))
    prediction = files("p.xyz", images([ETHANOL, WATER], 40, 1.0))
    score = scored(prediction, reference)
    assert verify(score, prediction, reference) == []
    with pytest.raises(UsageError, match="give that file with --reference"):
        verify(score, prediction)
    other = verify(score, files("q.xyz", images([ETHANOL, WATER], 40, 2.0)), reference)
    assert any(line.startswith("rows[F].mae") for line in other)
