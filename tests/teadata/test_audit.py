"""Every defect that the audit claims to find is planted, and found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from teadata import Dataset, Frames, SplitTable, catalog
from teadata.audit import Finding, audit
from teadata.audit.geometry import check_cell
from teadata.audit.labels import robust_scores
from teadata.card import DataFile, DatasetCard
from teadata.formats import hdf5
from teadata.provenance import sha256

ROLES = {"train": slice(0, 30), "valid": slice(30, 45), "test": slice(45, 90)}


def changed(frames: Frames, **arrays: Any) -> Frames:
    return Frames(**{f.name: getattr(frames, f.name) for f in fields(frames)} | arrays)


def crystal(seed: int = 0) -> Frames:
    """90 thermal frames of a distorted salt, 8 atoms, of 9 trajectories, forces summing to 0."""
    rng = np.random.default_rng(seed)
    cell = np.array([[5.6, 0.0, 0.0], [1.0, 5.4, 0.0], [0.3, -0.4, 5.8]])
    lattice = np.array([[i, j, k] for i in (0, 0.5) for j in (0, 0.5) for k in (0, 0.5)])
    numbers = np.where((2 * lattice).sum(axis=1) % 2 == 0, 11, 17)
    forces = rng.normal(scale=20, size=(90, 8, 3))
    return Frames(
        numbers=numbers,
        positions=lattice @ cell + rng.normal(scale=0.2, size=(90, 8, 3)),
        energies=-1e5 + rng.normal(scale=5, size=90),
        forces=forces - forces.mean(axis=1, keepdims=True),
        cell=np.tile(cell, (90, 1, 1)),
        pbc=[True] * 3,
        ids=1000 + np.arange(90),
        trajectories=np.repeat(np.arange(18), 5),
    )


@pytest.fixture
def dataset(mini_i, tmp_path):
    """A function that makes a dataset of frames, in one subset, split by rows."""

    def make(frames: Frames, **splits: np.ndarray) -> Dataset:
        members = {
            ("complete", role): splits.get(role, frames.ids[rows]) for role, rows in ROLES.items()
        }
        return store(frames, SplitTable(members), mini_i.card, tmp_path)

    return make


def store(frames: Frames, table: SplitTable, card: DatasetCard, folder: Path) -> Dataset:
    hdf5.write(folder / "frames.h5", frames)
    table.write(folder / "splits.parquet")
    files = [
        DataFile(
            name=name,
            content=content,
            bytes=(folder / name).stat().st_size,
            sha256=sha256(folder / name),
        )
        for name, content in (("frames.h5", "frames"), ("splits.parquet", "splits"))
    ]
    update = {
        "files": files,
        "system": card.system.model_copy(update={"periodic": True}),
        "subsets": {"complete": "all"},
        "tasks": ["complete->complete"],
        "statistics": {},
    }
    return Dataset(card.model_copy(update=update), folder)


def findings(dataset: Dataset) -> dict[str, Finding]:
    return {finding.name: finding for finding in audit(dataset)}


def not_passed(dataset: Dataset) -> dict[str, str]:
    return {name: f.outcome for name, f in findings(dataset).items() if f.outcome != "pass"}


def disguised(frames: Frames, row: int, noise: float = 0.0, seed: int = 1) -> np.ndarray:
    """The positions of a frame with like atoms exchanged, mirrored through the origin, wrapped."""
    rng = np.random.default_rng(seed)
    position = frames.positions[row] + rng.integers(-1, 2, (8, 3)) @ frames.cell[row]
    for number in (11, 17):
        members = np.flatnonzero(frames.numbers == number)
        position[members] = position[rng.permutation(members)]
    return -position + [1.0, 2.0, 3.0] + rng.normal(scale=noise, size=(8, 3))


def test_a_sound_dataset_passes(dataset):
    found = findings(dataset(crystal()))
    assert {name: f.outcome for name, f in found.items()} == dict.fromkeys(found, "pass")
    assert list(found) == [
        "finite values",
        "cell",
        "shortest distances",
        "duplicates",
        "roles",
        "leakage complete->complete",
        "energy outliers",
        "force outliers",
        "net force",
    ]
    json.dumps([vars(f) for f in found.values()], allow_nan=False)


def test_a_disguised_copy_is_an_exact_duplicate_whatever_its_energy(dataset):
    frames = crystal()
    positions = frames.positions.copy()
    positions[7] = disguised(frames, 22)
    found = findings(dataset(changed(frames, positions=positions)))
    assert {n: f.outcome for n, f in found.items() if f.outcome != "pass"} == {"duplicates": "fail"}
    assert found["duplicates"].evidence["pairs"][0]["frames"] == [1007, 1022]
    error = abs(frames.energies[7] - frames.energies[22])
    assert found["duplicates"].evidence["energy_difference"] == pytest.approx(error)


@pytest.mark.parametrize("role", ["valid", "test"])
def test_a_near_copy_of_a_training_frame_is_leakage(dataset, role):
    frames = crystal()
    positions = frames.positions.copy()
    row = ROLES[role].start + 3
    positions[row] = disguised(frames, 4, noise=0.003)
    found = findings(dataset(changed(frames, positions=positions)))
    assert {n: f.outcome for n, f in found.items() if f.outcome != "pass"} == {
        "duplicates": "warning",
        "roles": "fail",
        "leakage complete->complete": "fail",
    }
    task = found["leakage complete->complete"]
    assert f"{role}: 1 near duplicates (e.g. frames 1004 and {1000 + row})" in task.found
    assert task.evidence[role]["pairs"][0]["frames"] == [1004, 1000 + row]
    share = task.evidence[role]["nearer than train to train"]["closest"]
    assert share >= 1 / (ROLES[role].stop - ROLES[role].start)


def test_a_shared_frame_and_a_shared_trajectory_are_leakage(dataset):
    frames = crystal()
    test = frames.ids[ROLES["test"]].copy()
    test[0] = frames.ids[2]
    found = findings(dataset(frames, test=test))["leakage complete->complete"]
    assert found.outcome == "fail"
    assert "test: 1 shared frames; test: 1 shared trajectories" in found.found
    assert found.evidence["test"]["near_duplicates"] == 0


def test_a_dense_trajectory_is_no_leak_and_no_warning(dataset):
    frames = crystal()
    rng = np.random.default_rng(3)
    start = frames.positions[::5].repeat(5, axis=0)
    positions = start + rng.normal(scale=0.003, size=start.shape)
    data = dataset(changed(frames, positions=positions))
    assert not_passed(data) == {}
    evidence = findings(data)["duplicates"].evidence
    assert evidence["near"] == 90
    assert evidence["near_in_other_trajectories"] == 0
    unknown = dataset(changed(frames, positions=positions, trajectories=None))
    assert not_passed(unknown) == {"duplicates": "warning"}


def test_outliers_are_named(dataset):
    frames = crystal()
    energies, forces = frames.energies.copy(), frames.forces.copy()
    energies[11] += 100
    forces[12, :2] += [[900, 0, 0], [-900, 0, 0]]
    found = findings(dataset(changed(frames, energies=energies, forces=forces)))
    assert {n: f.outcome for n, f in found.items() if f.outcome != "pass"} == {
        "energy outliers": "warning",
        "force outliers": "warning",
    }
    assert found["energy outliers"].evidence["frames"] == [1011]
    assert found["force outliers"].evidence["frames"] == [1012]
    assert "frame 1011" in found["energy outliers"].found


def test_scores_are_standard_deviations():
    values = np.random.default_rng(0).normal(3, 7, 20_000)
    assert robust_scores(values).std() == pytest.approx(1, abs=0.03)
    assert robust_scores(np.array([2.0, 2.0, 2.0, 2.0, 3.0]))[-1] > 1e6


def test_nan_fails_and_hides_nothing_else(dataset):
    frames = crystal()
    forces, energies = frames.forces.copy(), frames.energies.copy()
    forces[17, 3, 1], energies[18] = np.nan, np.inf
    forces[20, 0] += 5.0
    found = findings(dataset(changed(frames, forces=forces, energies=energies)))
    assert found["finite values"].outcome == "fail"
    assert found["finite values"].evidence["frames"] == [1017, 1018]
    assert found["net force"].evidence["frames"] == [1020]


@pytest.mark.parametrize(("size", "outcome"), [(1e-4, "pass"), (0.05, "warning"), (5.0, "fail")])
def test_net_force(dataset, size, outcome):
    frames = crystal()
    forces = frames.forces.copy()
    forces[20, 0, 2] += size
    found = findings(dataset(changed(frames, forces=forces)))["net force"]
    assert found.outcome == outcome
    assert found.evidence["quantiles"]["max"] == pytest.approx(size, rel=1e-3)


def test_net_torque(mini_i, tmp_path):
    frames = mini_i.frames[:90]
    forces = frames.forces.copy()
    forces[8, :2] += [[0, 30.0, 30.0], [0, -30.0, -30.0]]
    table = SplitTable({("complete", role): frames.ids[rows] for role, rows in ROLES.items()})
    found = findings(store(changed(frames, forces=forces), table, mini_i.card, tmp_path))
    assert found["net force"].outcome == "pass"
    assert found["net torque"].outcome == "fail"
    assert found["net torque"].evidence["frames"] == [8]
    assert found["cell"].outcome == "fail"  # the card was made to say periodic


def test_float32_forces_are_within_tolerance(dataset):
    frames = crystal()
    single = (50 * frames.forces).astype(np.float32)
    assert "net force" not in not_passed(dataset(changed(frames, forces=single)))


def test_density_of_diamond():
    fractions = np.array([[0, 0, 0], [0.25, 0.25, 0.25]])
    cell = 3.567 / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    frames = Frames(
        [6, 6], [fractions @ cell], [0.0], np.zeros((1, 2, 3)), cell=[cell], pbc=[True] * 3
    )
    sound, finding = check_cell(frames, periodic=True)
    assert sound.all()
    assert finding.outcome == "pass"
    np.testing.assert_allclose(finding.evidence["density"], 3.515, atol=0.005)
    np.testing.assert_allclose(finding.evidence["angles"], 60)


@pytest.mark.parametrize(
    ("cell", "outcome", "text"),
    [
        (np.diag([5.0, 5.0, 0.0]), "fail", "no volume: frame 1003;"),
        ([[5.0, 0, 0], [4.999, 0.1, 0], [0, 0, 5]], "fail", "no volume"),
        (np.diag([5.0, 5.0, -5.0]), "warning", "left-handed: frame 1003"),
        ([[5.0, 0, 0], [20.0, 5.0, 0], [0, 0, 5]], "warning", "narrow: frame 1003"),
    ],
)
def test_bad_cells(dataset, cell, outcome, text):
    frames = crystal()
    cells = frames.cell.copy()
    cells[3] = cell
    found = findings(dataset(changed(frames, cell=cells)))
    assert found["cell"].outcome == outcome
    assert text in found["cell"].found
    assert "net force" in found  # the other frames are judged all the same


def test_a_cell_that_contradicts_the_card_or_is_not_there(dataset):
    frames = crystal()
    found = findings(dataset(changed(frames, pbc=[False] * 3)))["cell"]
    assert found.outcome == "fail"
    assert "the card says periodic, pbc is [False, False, False]" in found.found
    assert list(findings(dataset(changed(frames, cell=None)))) == ["finite values", "cell"]


def test_a_slab_needs_no_third_vector():
    frames = crystal()
    cells = frames.cell.copy()
    cells[:, 2] = 0
    sound, finding = check_cell(changed(frames, cell=cells, pbc=[True, True, False]), True)
    assert sound.all()
    assert finding.outcome == "pass"
    assert "density" not in finding.evidence


def test_atoms_too_close_across_the_boundary(dataset):
    frames = crystal()
    positions = frames.positions.copy()
    positions[30, 1] = positions[30, 0] + frames.cell[30, 0] + [0, 0, 0.4]
    found = findings(dataset(changed(frames, positions=positions)))["shortest distances"]
    assert found.outcome == "fail"
    assert found.evidence["frames"] == [1030]
    assert found.evidence["pairs"]["Na-Cl"]["shortest"] == pytest.approx(0.4, abs=1e-6)


def test_an_atom_too_close_to_its_own_image(dataset):
    frames = crystal()
    cells = frames.cell.copy()
    cells[4] *= 0.15
    found = findings(dataset(changed(frames, cell=cells)))["shortest distances"]
    assert found.outcome == "fail"
    assert found.evidence["frames"] == [1004]


def test_command(run, mini_i):
    done = run("teadata", "audit", "mini-i", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    checks = {check["name"]: check for check in json.loads(done.stdout)["mini-i"]}
    assert {f"leakage {task}" for task in mini_i.card.tasks} < set(checks)
    assert checks["duplicates"]["evidence"]["near"] == 0
    assert {check["outcome"] for check in checks.values()} == {"pass"}


@pytest.mark.parametrize("command", ["audit", "verify"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--all", "mini-i"], "either --all or mini-i, not both"),
        (["mini-x"], "unknown dataset 'mini-x'"),
        (["mini-i", "mini-x"], "unknown dataset 'mini-x'"),
    ],
)
def test_wrong_usage(run, command, arguments, message):
    done = run("teadata", command, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_the_command_ends_with_1_if_a_check_fails(repository, mini_i, tmp_path):
    """A copy of the package with other data beside it, as an editable install has it."""
    shutil.copytree(repository / "teadata", tmp_path / "teadata")
    root = tmp_path / "datasets"
    (root / "cards").mkdir(parents=True)
    frames = mini_i.frames[:90]
    forces = frames.forces + 1.0
    table = SplitTable({("complete", role): frames.ids[rows] for role, rows in ROLES.items()})
    card = store(changed(frames, forces=forces), table, mini_i.card, root).card
    document = yaml.safe_dump(card.model_dump(mode="json"))
    (root / "cards" / "mini-i.yaml").write_text(document, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "from teadata.cli import main; main()", "audit", "--all"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"COLUMNS": "200"},
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "FAILED" in done.stdout
    assert "Traceback" not in done.stderr


def test_importing_the_package_does_not_import_the_audit():
    code = "import sys, teadata.cli; print([m for m in sys.modules if m.startswith('teadata.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "audit" not in done.stdout
    assert catalog.__name__ not in done.stdout
