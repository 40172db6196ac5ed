"""The shipped data are what the recipe makes: same labels, same criterion, same grid."""

from __future__ import annotations

import re
from types import ModuleType

import ase.io
import numpy as np
import pytest

import teadata
from teadata.ingest import molecules as ingest

SHIPPED = ("mini-i", "mini-ii", "mini-iii", "mini-iv", "mini-hydrogen")


@pytest.fixture(scope="module")
def mini_i_recipe(recipes) -> ModuleType:
    return recipes("mini_i")


@pytest.mark.parametrize("dataset", SHIPPED)
def test_stored_labels_are_the_engines(run, repository, dataset):
    """The recipe's own check, with the real engine, of as many frames as take seconds."""
    frames = 1 if dataset in ("mini-iii", "mini-iv") else 2
    script = repository / "datasets/recipes" / f"{dataset.replace('-', '_')}.py"
    done = run(script, "--check", frames)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{frames} frames of {dataset} relabelled by tblite" in done.stdout


def test_relabelling_notices_a_wrong_label(recipes, monkeypatch, mini_i):
    publish, labels = recipes("publish"), recipes("labels")
    wrong = labels.Engine("GFN1-xTB")
    energy, force, _ = publish.relabel("mini-i", 1, wrong)
    assert energy > publish.TOLERANCE
    assert force > publish.TOLERANCE


@pytest.mark.parametrize("dataset", SHIPPED)
def test_cards_state_the_normalisers_of_a_score(recipes, dataset):
    """A score's normalisers can be traced to the card."""
    data = teadata.load(dataset)
    for subset, stated in data.card.statistics.items():
        test = data.split(f"{subset}/test")
        assert stated.frames == len(test)
        energies = test.energies - test.energies.min()
        assert stated.mean_abs_force == pytest.approx(np.abs(test.forces).mean(), rel=1e-7)
        assert stated.std_force == pytest.approx(test.forces.std(), rel=1e-7)
        assert stated.mean_relative_energy == pytest.approx(energies.mean(), rel=1e-7)
        assert stated.std_energy == pytest.approx(test.energies.std(), rel=1e-7)
    assert set(data.card.statistics) == set(data.card.subsets)


@pytest.mark.parametrize("dataset", SHIPPED)
def test_cards_count_the_frames_of_their_trajectories(dataset):
    data = teadata.load(dataset)
    card, runs = data.card, data.frames.trajectories
    assert card.acceptance is not None
    assert card.acceptance.stored == len(data.frames)
    assert card.acceptance.stored <= card.acceptance.accepted <= card.acceptance.sampled
    if runs is None:
        assert card.trajectories == []
        return
    assert sum(run.sampled for run in card.trajectories) == card.acceptance.sampled
    for run in card.trajectories:
        assert run.stored == (runs == run.index).sum()
    roles = {
        (subset, role): {card.trajectories[i].role for i in runs[data.frames.find(ids)]}
        for (subset, role), ids in data.splits.members.items()
    }
    assert all(found == {role} for (_, role), found in roles.items())


def test_wells_of_mini_ii_are_apart_in_their_backbone(recipes):
    """Frames of unknown have residues with phi > 0; frames of incomplete never four in a row."""
    recipe = recipes("mini_ii")
    data = teadata.load("mini-ii")
    phi = {
        subset: recipe.backbone(data.split(f"{subset}/test").positions)[:, ::2]
        for subset in ("incomplete", "unknown")
    }
    turned = {subset: ((angles > 0) & (angles < 2.5)).sum(axis=1) for subset, angles in phi.items()}
    assert turned["unknown"].min() >= 1
    assert turned["incomplete"].mean() < 0.1


def test_dihedrals_are_ase_s(recipes, mini_i):
    frames = mini_i.frames[:5]
    quadruples = np.array([[0, 1, 3, 4], [1, 3, 4, 6], [3, 4, 6, 8]])
    found = np.degrees(recipes("wells").dihedrals(frames.positions, quadruples))
    expected = [[a.get_dihedral(*q) for q in quadruples] for a in frames.to_ase()]
    np.testing.assert_allclose(np.mod(found, 360), expected, atol=1e-8)


def test_wells_are_found_and_named(recipes):
    rng = np.random.default_rng(0)
    starts = np.repeat(["a", "b", "c"], [50, 50, 3])
    centres = np.repeat([[0.0, 0.0], [2.0, -2.0], [-2.0, 2.0]], [50, 50, 3], axis=0)
    angles = centres + 0.1 * rng.standard_normal(centres.shape)
    wells = recipes("wells")
    named = wells.name(wells.find(angles, 0.8), starts, 10)
    np.testing.assert_array_equal(named, np.where(starts == "c", "", starts))


def test_correlation_time_of_a_known_process(recipes):
    """Of an autoregressive process it is -1/log(coefficient)."""
    rng = np.random.default_rng(1)
    x = np.zeros((40, 5000))
    for i in range(1, x.shape[1]):
        x[:, i] = 0.8 * x[:, i - 1] + rng.standard_normal(40)
    found = recipes("publish").correlation_time(list(x[:, 100:]), spacing=10.0)
    assert found == pytest.approx(-10 / np.log(0.8), rel=0.05)
    assert recipes("publish").correlation_time([np.arange(10.0)], 1.0) is not None
    assert recipes("publish").correlation_time([np.repeat([0.0, 1.0], 50)], 1.0) is not None


def test_nested_sizes_draw_in_turn(recipes):
    parts = [np.array([1, 2, 3]), np.array([10]), np.array([20, 21, 22, 23])]
    found = recipes("publish").round_robin(parts, 7)
    np.testing.assert_array_equal(found, [1, 10, 20, 2, 21, 3, 22])


def test_harmonic_displacements_have_the_temperature_of_the_ensemble(recipes):
    """Every mode carries kT/2, whatever its curvature."""
    recipe = recipes("mini_iii")
    rng = np.random.default_rng(2)
    root = rng.standard_normal((12, 12))
    hessian = root @ root.T + np.eye(12)
    shake = recipe.modes(hessian, 0)
    x = shake @ rng.standard_normal((12, 200_000))
    energy = np.einsum("in,ij,jn->n", x, hessian, x) / 2
    assert energy.mean() == pytest.approx(12 / 2 * recipe.KT, rel=0.01)


def test_mini_iii_is_ordered_like_the_published_frame(repository):
    """Sheet site by site and molecule atom by atom, against one frame of Challenge III."""
    real = ase.io.read(repository / "tests/data/challenge3_frame.extxyz")
    ours = teadata.load("mini-iii").frames
    cell = real.cell.array
    np.testing.assert_array_equal(ours.numbers, real.numbers)
    np.testing.assert_allclose(ours.cell[0], cell, atol=1e-7)
    shift = (ours.positions[0, :98] - real.positions[:98]) @ np.linalg.inv(cell)
    shift -= np.round(shift - shift[0]) + shift[0]
    assert np.abs(shift @ cell)[:, :2].max() < 1.0  # sites are 1.42 Å apart

    def bonds(positions: np.ndarray) -> set[tuple[int, int]]:
        gaps = np.linalg.norm(positions[98:, None] - positions[98:], axis=2)
        return set(zip(*np.nonzero((gaps > 0) & (gaps < 1.75)), strict=True))

    heavy = {(i, j) for i, j in bonds(real.positions) if {i, j} <= {*range(8), 12, 14}}
    assert heavy == {(i, j) for i, j in bonds(ours.positions[0]) if {i, j} <= {*range(8), 12, 14}}


def test_mini_iv_has_eight_ions_each_its_own_group():
    data = teadata.load("mini-iv")
    molecules = data.card.groups["mol"]
    assert len(molecules) == 8
    frames = data.frames
    for i in range(0, len(frames), 50):
        assert ingest.groups(frames[i], {"mol": "CH6N"}) == {"mol": molecules}
    assert set(data.split("complete/test").temperatures) == {250.0, 300.0, 350.0, 400.0}


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


def test_a_killed_trajectory_goes_on_from_its_checkpoint(recipes, tmp_path):
    """With a cheap potential: the file after a kill is the file without one."""
    from ase import Atoms
    from ase.calculators.emt import EMT

    sampling = recipes("sampling")
    plan = sampling.Trajectory(
        name="copper",
        seed=1,
        temperature=300.0,
        timestep=2.0,
        damping_time=40.0,
        masses={"H": 4.0},
        spacing=3,
        equilibration=5,
        frames=8,
    )

    class KilledError(Exception):
        pass

    def make_atoms() -> Atoms:
        return Atoms("Cu4", [[0, 0, 0], [2.5, 0, 0], [0, 2.5, 0], [0, 0, 2.5]])

    labelled = 0

    def label(numbers: np.ndarray, positions: np.ndarray, cell: None) -> object:
        nonlocal labelled
        labelled += 1
        if labelled == dies_at:
            raise KilledError
        return recipes("labels").Label(float(positions.sum()), positions)

    dies_at = 0
    whole = sampling.run(plan, make_atoms, EMT, label, tmp_path / "whole.npz", 2)
    labelled, dies_at = 0, 6
    with pytest.raises(KilledError):
        sampling.run(plan, make_atoms, EMT, label, tmp_path / "killed.npz", 2)
    dies_at = 0
    resumed = sampling.run(plan, make_atoms, EMT, label, tmp_path / "killed.npz", 2)
    assert len(resumed["E"]) == 8
    np.testing.assert_array_equal(resumed["R"], whole["R"])
    np.testing.assert_array_equal(resumed["E"], whole["E"])


def test_pages_are_generated_from_the_cards(recipes, repository):
    """After a change of a card: python datasets/recipes/pages.py."""
    pages = recipes("pages")
    for card in (card for card in teadata.cards() if card.edition == "mini"):
        written = (repository / "docs/datasets" / f"{card.id}.md").read_text(encoding="utf-8")
        assert written == pages.page(teadata.load(card.id)), card.id
        for picture in re.findall(r"\]\((\S+\.png)\)", written):
            assert (repository / "docs/datasets" / picture).is_file()
