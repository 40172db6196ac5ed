"""The shipped data are what the recipe makes: same labels, same criterion, same grid."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import ase.io
import numpy as np
import pytest

import teadata
from teadata.ingest import molecules as ingest

SHIPPED = ("mini-i", "mini-ii", "mini-iii", "mini-iv", "mini-hydrogen")


@pytest.fixture(scope="module")
def recipes(repository: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a module of the recipes, which are scripts, not a package."""
    sys.path.insert(0, str(repository / "datasets" / "recipes"))
    try:
        yield importlib.import_module
    finally:
        sys.path.pop(0)


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


def test_state_points_of_mini_hydrogen():
    """Each frame carries its temperature and density, and belongs to the subset named so."""
    data = teadata.load("mini-hydrogen")
    names = [name for name in data.card.subsets if name != "complete"]
    assert len(names) == 16
    pressures = {}
    for name in names:
        temperature, density = name.split("K-")
        for role in ("train", "valid", "test"):
            frames = data.split(f"{name}/{role}")
            assert set(frames.temperatures) == {float(temperature)}
            np.testing.assert_allclose(frames.densities, float(density), rtol=1e-6)
        stress = data.split(f"{name}/test").stress
        assert stress is not None
        pressures[temperature, density] = -np.trace(stress.mean(axis=0)) / 3
    for temperature in ("1000", "2000"):  # stress is negative under compression, pressure rises
        rising = [pressures[kelvin, d] for kelvin, d in pressures if kelvin == temperature]
        assert rising == sorted(rising)
        assert rising[-1] > 0


def test_reference_trajectories_resolve_the_vibration():
    """In the order of time, unwrapped, in steps far shorter than a bond."""
    data = teadata.load("mini-hydrogen")
    runs = [run for run in data.card.trajectories if run.continuous]
    assert len(runs) == 16
    for run in runs:
        assert run.spacing == 2.0  # fs; H-H vibrates with a period of about 8
        frames = data.trajectory(run.index)
        assert len(frames) == run.stored == (2500 if run.density in (0.7, 0.9) else 500)
        moves = np.linalg.norm(np.diff(frames.positions, axis=0), axis=2)
        assert moves.max() < 0.5
        assert 0 < moves.mean() < 0.2
    tests = data.splits.ids("complete/test")
    kept = {int(i) for run in runs for i in data.trajectory(run.index).ids}
    assert set(tests.tolist()) <= kept


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


@pytest.fixture
def hydrogen_recipe(recipes, monkeypatch) -> ModuleType:
    """The recipe of mini-hydrogen for four atoms, one state point and some frames."""
    from ase import Atoms

    recipe = recipes("mini_hydrogen")

    def start_structure(density: float, seed: int) -> Atoms:
        points = [[0, 0, 0], [0, 0, 0.74], [1.5, 1, 1], [1.5, 1.7, 1]]
        return Atoms("H4", points, cell=[recipe.side(density)] * 3, pbc=True)

    plans = {
        role: {**plan, "equilibration": 3, "spacing": 1, "frames": {"test": 7}.get(role, 2)}
        for role, plan in recipe.PLANS.items()
    }
    for name, value in {
        "N_ATOMS": 4,
        "DENSITIES": (0.5,),
        "STATES": [(1000.0, 0.5)],
        "PLANS": plans,
        "CHUNKS": {"train": 1, "valid": 2, "test": 3},
        "TESTED": 3,
        "start_structure": start_structure,
    }.items():
        monkeypatch.setattr(recipe, name, value)
    return recipe


def test_hydrogen_starts_with_no_atoms_on_each_other(recipes):
    """From the first drawing whose molecules are apart: others would fly apart at 1.5 g/cm³."""
    recipe = recipes("mini_hydrogen")
    for job in recipe.jobs():
        atoms = recipe.start_structure(job[2], recipe.trajectory(*job).seed)
        distances = atoms.get_all_distances(mic=True) + 9 * np.eye(len(atoms))
        assert np.sort(distances.min(axis=1))[0] > recipe.NEAREST
        assert len(atoms) == recipe.N_ATOMS


def test_hydrogen_that_ran_away_is_not_written(hydrogen_recipe, tmp_path):
    for job in hydrogen_recipe.turns()[0]:
        hydrogen_recipe.grow(tmp_path, job)
    (name,) = (path.stem for path in tmp_path.glob("train*.npz"))
    with np.load(tmp_path / f"{name}.npz") as data:
        broken = {**data, "F": data["F"] * 100}
    np.savez(tmp_path / f"{name}.npz", **broken)
    with pytest.raises(teadata.errors.DataError, match=f"found more in {name}"):
        hydrogen_recipe.write(tmp_path, hydrogen_recipe.sampled(tmp_path), tmp_path / "out")


def test_hydrogen_grows_in_turn_and_goes_on_where_it_was_killed(
    hydrogen_recipe, recipes, monkeypatch, tmp_path
):
    """In the equilibration or between frames: the files of killed runs are those of a whole one."""
    turns = hydrogen_recipe.turns()
    assert [[frames for _, frames in turn] for turn in turns] == [[1, 2, 3], [2, 6], [7]]
    hydrogen_recipe.sample(tmp_path / "whole", 1)

    class KilledError(Exception):
        pass

    engine = recipes("labels").Dynamics
    evaluate, done, kills = engine.calculate, 0, {3, 11, 22}

    def calculate(self, *args, **kwargs) -> None:
        nonlocal done
        done += 1
        if done in kills:
            raise KilledError
        evaluate(self, *args, **kwargs)

    monkeypatch.setattr(engine, "calculate", calculate)
    for _ in kills:
        with pytest.raises(KilledError):
            hydrogen_recipe.sample(tmp_path / "killed", 1)
    hydrogen_recipe.sample(tmp_path / "killed", 1)
    files = sorted((tmp_path / "whole").glob("*.npz"))
    assert len(files) == 3
    for file in files:
        with np.load(file) as whole, np.load(tmp_path / "killed" / file.name) as killed:
            assert len(whole["E"]) == (7 if "test" in file.name else 2)
            for key in whole:
                np.testing.assert_array_equal(killed[key], whole[key], err_msg=key)


def test_hydrogen_is_written_as_far_as_it_is_sampled(hydrogen_recipe, tmp_path):
    """A dataset of what there is, which says that it is not finished."""
    for turn in hydrogen_recipe.turns()[:1]:
        for job in turn:
            hydrogen_recipe.grow(tmp_path, job)
    hydrogen_recipe.write(tmp_path, hydrogen_recipe.sampled(tmp_path), tmp_path / "out")
    card = teadata.DatasetCard.read(tmp_path / "out/cards/mini-hydrogen.yaml")
    data = teadata.Dataset(card, tmp_path / "out")
    assert "Unfinished" in card.notice
    assert [(run.role, run.sampled, run.stored) for run in card.trajectories] == [
        ("train", 1, 1),
        ("valid", 2, 2),
        ("test", 3, 3),
    ]
    reference = data.trajectory(2)
    numbers, cell = reference.numbers, reference.cell
    label = hydrogen_recipe.ENGINE.label(numbers, reference.positions[1], cell[1])
    assert label.energy == pytest.approx(reference.energies[1], abs=1e-9)
    assert len(data.split("complete/test")) == 3


def test_pages_are_generated_from_the_cards(recipes, repository):
    """After a change of a card: python datasets/recipes/pages.py."""
    pages = recipes("pages")
    for card in (card for card in teadata.cards() if card.edition == "mini"):
        written = (repository / "docs/datasets" / f"{card.id}.md").read_text(encoding="utf-8")
        assert written == pages.page(teadata.load(card.id)), card.id
        for picture in re.findall(r"\]\((\S+\.png)\)", written):
            assert (repository / "docs/datasets" / picture).is_file()
