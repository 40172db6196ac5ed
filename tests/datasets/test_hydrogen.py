"""mini-hydrogen: its state points and references, and how its recipe makes them."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

import teadata
from teadata.verify import verify


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


def test_hydrogen_is_written_without_state_points_that_lack_a_role(
    hydrogen_recipe, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(hydrogen_recipe, "STATES", [(1000.0, 0.5), (2000.0, 0.5)])
    out = tmp_path / "out"
    command = ["mini_hydrogen.py", "--folder", str(tmp_path / "runs"), "--so-far", str(out)]
    monkeypatch.setattr("sys.argv", command)
    (tmp_path / "runs").mkdir()
    with pytest.raises(teadata.errors.DataError, match=r"found 0 of 6 trajectories.*--folder"):
        hydrogen_recipe.main()
    for job in hydrogen_recipe.turns()[0]:
        if job[0][:2] != ("test", 1000.0):
            hydrogen_recipe.grow(tmp_path / "runs", job)
    assert hydrogen_recipe.main() == 0
    assert "left out, as frames of a role are missing: 1000K-0.5" in capsys.readouterr().out
    card = teadata.DatasetCard.read(out / "cards/mini-hydrogen.yaml")
    assert "not there yet: 1000K-0.5" in card.notice
    assert list(card.subsets) == ["complete", "2000K-0.5"]
    assert [run.temperature for run in card.trajectories] == [2000.0] * 3
    data = teadata.Dataset(card, out)
    assert all(check.passed for check in verify(data)), list(verify(data))
    assert len(data.split("2000K-0.5/test")) == 3
