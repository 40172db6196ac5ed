"""``--engine torch-sim``: replicas as one batch, with its integrators and any model of its kind."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ase import units as ase_units

import teadata
from teadata.errors import MissingExtraError, UsageError
from teaeval import md
from teaeval.calculators import CalculationError
from teaeval.md import simulation, torch_batch, torch_engine
from teaeval.md.table import lines_of

from .conftest import same

pytest.importorskip("torch_sim", reason="torch-sim is not installed")
import torch

from .springs import Springs, WithModel, starting

KEPT = ("outcome.json", "trajectory.h5md")


def trajectory(folder, replica=0):
    return md.Trajectory(folder / f"replica-{replica}/trajectory.h5md")


def interrupt_after(step):
    def progress(what, done, total):
        if done > step:
            raise KeyboardInterrupt

    return progress


def test_frames_and_velocities_are_the_plans(plan_of, tmp_path, mini_i):
    settings = md.Settings(steps=20, interval=10, checkpoint=20, forces=True)
    plan = plan_of(settings)
    outcomes = md.run(plan, tmp_path / "a")
    assert [outcome.status for outcome in outcomes] == ["finished"] * 3
    frames = [replica.frame for replica in plan.replicas]
    starts = mini_i.split("folded/test").select(frames).positions
    ase = plan_of(settings, calculator="cheap:Tied", engine="ase")
    md.run(ase, tmp_path / "b")
    for replica in range(3):
        run, theirs = trajectory(tmp_path / "a", replica), trajectory(tmp_path / "b", replica)
        np.testing.assert_array_equal(run.positions[0], starts[replica])
        np.testing.assert_allclose(run.velocities[0], theirs.velocities[0], rtol=1e-12)
        assert run.temperatures[0] == pytest.approx(theirs.temperatures[0], rel=1e-12)
        assert len(run) == 3
        pull = -Springs.k * (run.positions - run.positions[0]) * teadata.units.EV
        np.testing.assert_allclose(run.forces, pull, atol=1e-9)
    written = json.loads((tmp_path / "a/plan.json").read_text())
    assert (written["engine"], written["engine_version"]) == ("torch-sim", plan.engine_version)
    assert plan.engine_version.startswith("0.3")
    record = md.analyse(tmp_path / "a", 0.0, 10, observables=["gyration"])
    assert (record.engine, record.engine_version) == ("torch-sim", plan.engine_version)
    assert f"0.5 fs, by torch-sim {plan.engine_version};" in lines_of(record)[0]


@pytest.mark.parametrize("thermostat", ["langevin", "none"])
def test_an_interrupted_run_goes_on_bit_for_bit(plan_of, tmp_path, thermostat, monkeypatch):
    monkeypatch.setattr(torch_engine, "REPORT_EVERY", 0.0)
    monkeypatch.setattr(torch_engine, "SAVE_EVERY", 0.0)
    settings = md.Settings(steps=60, interval=5, checkpoint=20, thermostat=thermostat)
    plan = plan_of(settings)
    md.run(plan, tmp_path / "whole")
    before = torch.get_rng_state()
    for step in (25, 47):
        with pytest.raises(KeyboardInterrupt):
            md.run(plan, tmp_path / "parts", progress=interrupt_after(step))
        assert not list(tmp_path.glob("parts/*/outcome.json"))
    outcomes = md.run(plan, tmp_path / "parts")
    assert [(outcome.resumed, outcome.steps) for outcome in outcomes] == [(2, 60)] * 3
    assert all(
        same(*(tmp_path / name / f"replica-{i}/trajectory.h5md" for name in ("whole", "parts")))
        for i in range(3)
    )
    assert torch.equal(before, torch.get_rng_state())  # others' random numbers are left alone


def test_langevin_samples_the_canonical_distribution(plan_of, tmp_path):
    settings = md.Settings(
        temperature=400, friction=0.05, timestep=1.0, steps=1500, interval=10, checkpoint=1500,
        monitors=(),
    )  # fmt: skip
    md.run(plan_of(settings, replicas=4), tmp_path)
    runs = [trajectory(tmp_path, i) for i in range(4)]
    kelvin = np.concatenate([run.temperatures[40:] for run in runs])
    potential = np.concatenate([run.energies[40:] for run in runs]) / teadata.units.EV
    # 126 oscillators: a standard deviation of 400 K · √(2/126) = 50 K a frame, of 440 frames
    assert kelvin.mean() == pytest.approx(400, abs=15)
    assert potential.mean() == pytest.approx(63 * ase_units.kB * 400, rel=0.05)


def test_nve_keeps_the_energy(plan_of, tmp_path):
    settings = md.Settings(thermostat="none", steps=500, interval=10, checkpoint=500)
    md.run(plan_of(settings, replicas=2), tmp_path)
    for replica in range(2):
        run = trajectory(tmp_path, replica)
        total = run.energies + run.kinetic_energies
        assert np.ptp(total) < 5e-3 * run.kinetic_energies.mean()


class Torn(Springs):
    """The first bond of the second replica is torn."""

    def of(self, away, replica, shape):
        found = super().of(away, replica, shape)
        forces = found["forces"].reshape(len(replica), -1, 3)
        at = replica == 1
        forces[at, 0] += 40.0
        forces[at, 1] -= 40.0
        return found


class Refusing(Torn):
    """Fails on the torn structure before the monitor has seen that."""

    def of(self, away, replica, shape):
        moving = len(self.asked) > 1  # not compared with the calculator on test frames
        if moving and (away.abs().max(dim=1).values > 1.2).any():
            raise ValueError("too far")
        return super().of(away, replica, shape)


@pytest.mark.parametrize("kind", [Torn, Refusing])
def test_a_replica_that_fails_is_taken_out(plan_of, tmp_path, kind, monkeypatch):
    settings = md.Settings(steps=200, interval=5, checkpoint=50, monitors=("topology",))
    outcomes = md.run(plan_of(settings, kind=kind), tmp_path / "a")
    assert [outcome.status for outcome in outcomes] == ["finished", "failed", "finished"]
    failure = outcomes[1].failure
    assert (failure.kind, failure.atoms) == ("broken", (0, 1))
    assert ("then the calculator failed" in failure.message) == (kind is Refusing)
    torn = trajectory(tmp_path / "a", 1)
    assert len(torn) == outcomes[1].frames < settings.frames
    assert np.isfinite(torn.energies).all()
    assert [len(trajectory(tmp_path / "a", i)) for i in (0, 2)] == [settings.frames] * 2
    monkeypatch.setattr(torch_engine, "REPORT_EVERY", 0.0)
    with pytest.raises(KeyboardInterrupt):  # after the failure
        md.run(plan_of(settings, kind=kind), tmp_path / "b", progress=interrupt_after(160))
    again = md.run(plan_of(settings, kind=kind), tmp_path / "b")
    assert [outcome.status for outcome in again] == ["finished", "failed", "finished"]
    assert again[1].failure == failure
    assert same(trajectory(tmp_path / "b", 1).path, torn.path)


class NoEnergy(Springs):
    """Energies that are no numbers, of all replicas."""

    def of(self, away, replica, shape):
        found = super().of(away, replica, shape)
        return found | {"energy": found["energy"] * torch.nan}


@pytest.mark.parametrize(
    ("kind", "ended"),
    [
        (Springs, ["finished"] * 3),
        (Torn, ["finished", "failed", "finished"]),
        (NoEnergy, ["failed"] * 3),
    ],
)
def test_outcomes_that_a_killed_process_did_not_write(plan_of, tmp_path, kind, ended):
    settings = md.Settings(steps=200, interval=5, checkpoint=50, monitors=("topology",))
    first = md.run(plan_of(settings, kind=kind), tmp_path)
    assert [outcome.status for outcome in first] == ended
    for replica in (1, 2):
        (tmp_path / f"replica-{replica}/outcome.json").unlink()
    again = md.run(plan_of(settings, kind=kind), tmp_path)
    for before, after in zip(first, again, strict=True):
        same_fields = {"steps", "frames", "stable_frames", "failure", "temperature"}
        assert before.model_dump(include=same_fields) == after.model_dump(include=same_fields)


def test_replicas_that_ended_are_kept_where_the_checkpoint_is_gone(plan_of, tmp_path, monkeypatch):
    """Also if what is run anew is interrupted: its checkpoint is of the others alone."""
    monkeypatch.setattr(torch_engine, "REPORT_EVERY", 0.0)
    monkeypatch.setattr(torch_engine, "SAVE_EVERY", 0.0)
    settings = md.Settings(steps=60, interval=5, checkpoint=20)
    first = md.run(plan_of(settings), tmp_path)
    (tmp_path / "checkpoint.npz").unlink()
    (tmp_path / "replica-1/outcome.json").unlink()
    kept = [tmp_path / f"replica-{i}/{name}" for i in (0, 2) for name in KEPT]
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in kept]
    with pytest.raises(KeyboardInterrupt):
        md.run(plan_of(settings), tmp_path, progress=interrupt_after(25))
    again = md.run(plan_of(settings), tmp_path)
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in kept] == before
    assert (again[0], again[2]) == (first[0], first[2])
    assert (again[1].status, again[1].frames, again[1].resumed) == ("finished", 13, 1)
    (tmp_path / "checkpoint.npz").unlink()
    assert md.run(plan_of(settings), tmp_path) == again


def test_a_model_that_fails_on_sound_structures_is_an_error(plan_of, tmp_path):
    class Fails(Springs):
        def forward(self, state):
            if len(self.asked) > simulation.WARM_UP + 10:
                raise RuntimeError("no memory")
            return super().forward(state)

    settings = md.Settings(steps=40, interval=5, checkpoint=5)
    with pytest.raises(CalculationError, match=r"failed after step 11, .*RuntimeError: no memory"):
        md.run(plan_of(settings, kind=Fails), tmp_path)
    assert md.run(plan_of(settings), tmp_path)[0].status == "finished"


def test_positions_of_a_crystal_are_not_wrapped(calculators, tmp_path):
    class Free(Springs):
        def of(self, away, replica, shape):
            assert self.asked[-1].pbc  # the model is told of the cell
            columns = self.asked[-1].cell[0].T
            assert columns.shape == (3, 3)
            return {name: 0 * v for name, v in super().of(away, replica, shape).items()}

    settings = md.Settings(
        steps=400, interval=100, checkpoint=400, thermostat="none", timestep=20.0, monitors=()
    )
    data = teadata.load("mini-iv")
    plan = md.make_plan(data, data.card.the_subset(None), settings, 1, engine="torch-sim",
                        calculator="cheap:WithModel")  # fmt: skip
    calculators.WithModel = type("WithModel", (WithModel,), {"kind": starting(Free, plan)})
    md.run(plan, tmp_path)
    run = trajectory(tmp_path)
    moved = run.positions[0] + run.velocities[0] * run.times[-1]
    assert np.abs(moved - run.positions[0]).max() > 20  # farther than the cell
    np.testing.assert_allclose(run.positions[-1], moved, atol=1e-6)


def test_an_engine_that_is_not_installed(plan_of, monkeypatch):
    monkeypatch.setattr(torch_batch, "PACKAGE", "no-such-package")
    with pytest.raises(MissingExtraError, match=r"--engine torch-sim needs .*\[torch-sim\]"):
        plan_of(md.Settings())


def test_what_the_engine_does_not_take(plan_of, tmp_path, peptide):
    for settings, options, said in (
        ({"thermostat": "bussi"}, {}, "has langevin and none; choose one of these, or leave"),
        ({"thermostat": "nose-hoover"}, {}, "has langevin and none"),
        ({"stress": True}, {}, "gives no stress"),
        ({}, {"together": True}, "leave --together out"),
        ({}, {"engine": "torchsim"}, r"unknown engine 'torchsim'.*did you mean 'torch-sim'"),
    ):
        with pytest.raises(UsageError, match=said):
            plan_of(md.Settings(**settings), **options)
    short = md.Settings(steps=4, interval=2, checkpoint=2)
    with pytest.raises(UsageError, match=r"is no model that it takes.* --together"):
        md.run(plan_of(short, calculator="cheap:Tied"), tmp_path / "tied")
    assert not (tmp_path / "tied").exists()
    with pytest.raises(UsageError, match="leave --jobs out"):
        md.run(plan_of(short), tmp_path / "jobs", jobs=2)
    assert not (tmp_path / "jobs").exists()
    other = plan_of(short).model_copy(update={"engine_version": "0.2.9"})
    with pytest.raises(UsageError, match=r"pip install torch-sim-atomistic==0\.2\.9"):
        md.run(other, tmp_path / "other")
    peptide.set_cell([30, 30, 30])
    peptide.pbc = (True, True, False)
    with pytest.raises(UsageError, match="periodic along some of its axes only"):
        torch_engine.TorchSimBatch(Springs(), [peptide], [short], tmp_path, [tmp_path / "a"])


@pytest.mark.parametrize(
    ("makes", "said"),
    [
        (lambda self: 3, "made a int, expected a ModelInterface"),
        (lambda self: 1 / 0, "failed: ZeroDivisionError"),
    ],
)
def test_what_is_no_model_of_torch_sim_is_refused(plan_of, calculators, tmp_path, makes, said):
    plan = plan_of(md.Settings(steps=20, interval=10))
    calculators.WithModel.torch_sim_model = makes
    with pytest.raises(UsageError, match=rf"torch_sim_model\(\) of .* {said}"):
        md.run(plan, tmp_path / "md")
    assert not (tmp_path / "md").exists()
