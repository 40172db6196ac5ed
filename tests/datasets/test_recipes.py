"""The shipped data are what the recipe makes: same labels, same criterion, same grid."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture(scope="module")
def mini_i_recipe(repository: Path) -> Iterator[ModuleType]:
    sys.path.insert(0, str(repository / "datasets" / "recipes"))
    try:
        import mini_i as recipe

        yield recipe
    finally:
        sys.path.pop(0)


def test_stored_labels_are_the_engines(repository):
    """The recipe's own check, with the real engine."""
    done = subprocess.run(
        [sys.executable, repository / "datasets/recipes/mini_i.py", "--check", "3"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 frames relabelled by tblite" in done.stdout


def test_stored_positions_lie_on_the_grid_they_were_labelled_at(mini_i, mini_i_recipe):
    positions = mini_i.frames.positions
    rounded = mini_i_recipe.sampling.round_positions(positions)
    np.testing.assert_array_equal(positions, rounded)
    np.testing.assert_array_equal(positions, positions.astype(np.float32))


def test_subsets_follow_the_stated_criterion(mini_i, mini_i_recipe):
    for subset in ("folded", "unfolded"):
        for role in ("train", "valid", "test"):
            frames = mini_i.split(f"{subset}/{role}")
            found = mini_i_recipe.classify(frames.numbers, frames.positions)
            assert set(found) == {subset}


def test_criterion_has_a_gap(mini_i, mini_i_recipe):
    folded, unfolded = (mini_i.split(f"{subset}/test") for subset in ("folded", "unfolded"))
    gyration = mini_i_recipe.radius_of_gyration
    assert gyration(folded.numbers, folded.positions).max() <= 3.35
    assert gyration(unfolded.numbers, unfolded.positions).min() >= 3.60


def test_radius_of_gyration_is_mass_weighted_and_without_hydrogen(mini_i_recipe):
    numbers = np.array([6, 8, 1])
    positions = np.array([[[0.0, 0, 0], [2.0, 0, 0], [50.0, 0, 0]]])
    m = 12.011, 15.999
    centre = 2 * m[1] / sum(m)
    expected = np.sqrt((m[0] * centre**2 + m[1] * (2 - centre) ** 2) / sum(m))
    assert mini_i_recipe.radius_of_gyration(numbers, positions) == pytest.approx(expected)


def test_several_trajectories_per_subset_and_role(mini_i):
    runs = mini_i.frames.trajectories
    for (subset, role), ids in mini_i.splits.members.items():
        assert len(np.unique(runs[ids])) >= 5, (subset, role)


def test_a_killed_trajectory_goes_on_from_its_checkpoint(mini_i_recipe, tmp_path, monkeypatch):
    """With a cheap potential: the file after a kill is the file without one."""
    from ase import Atoms
    from ase.calculators.emt import EMT

    recipe = mini_i_recipe
    plan = recipe.sampling.Trajectory(
        name="copper",
        seed=1,
        temperature=300.0,
        timestep=2.0,
        damping_time=40.0,
        hydrogen_mass=4.0,
        spacing=3,
        equilibration=5,
        frames=8,
    )

    class KilledError(Exception):
        pass

    def make_atoms() -> Atoms:
        return Atoms("Cu4", [[0, 0, 0], [2.5, 0, 0], [0, 2.5, 0], [0, 0, 2.5]])

    labelled = 0

    def label(numbers: np.ndarray, positions: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal labelled
        labelled += 1
        if labelled == dies_at:
            raise KilledError
        return float(positions.sum()), positions

    dies_at = 0
    whole = recipe.sampling.run(plan, make_atoms, EMT, label, tmp_path / "whole.npz", 2)
    labelled, dies_at = 0, 6
    with pytest.raises(KilledError):
        recipe.sampling.run(plan, make_atoms, EMT, label, tmp_path / "killed.npz", 2)
    dies_at = 0
    resumed = recipe.sampling.run(plan, make_atoms, EMT, label, tmp_path / "killed.npz", 2)
    assert len(resumed["E"]) == 8
    np.testing.assert_array_equal(resumed["R"], whole["R"])
    np.testing.assert_array_equal(resumed["E"], whole["E"])
