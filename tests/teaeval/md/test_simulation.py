"""The loop: ensembles, exact resume, settings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase import units as ase_units
from ase.calculators.emt import EMT

from teadata.errors import DataError, UsageError
from teaeval import md
from teaeval.calculators import CalculationError
from teaeval.md import simulation
from teaeval.observables import temperature

from .conftest import same

THERMOSTATS = ("langevin", "nose-hoover", "bussi", "none")


def interrupt_after(step: int):
    def progress(what: str, done: int, total: int) -> None:
        if done > step:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("thermostat", THERMOSTATS)
def test_an_interrupted_run_goes_on_bit_for_bit(copper, tmp_path, thermostat, monkeypatch):
    monkeypatch.setattr(simulation, "REPORT_EVERY", 0.0)
    settings = md.Settings(
        steps=60, interval=5, checkpoint=20, thermostat=thermostat, forces=True, timestep=2.0
    )
    whole = md.simulate(copper, EMT(), settings, tmp_path / "whole")
    for step in (25, 47):
        with pytest.raises(KeyboardInterrupt):
            md.simulate(copper, EMT(), settings, tmp_path / "parts", interrupt_after(step))
    assert len(md.Trajectory(tmp_path / "parts/trajectory.h5md")) == 10  # step 45
    parts = md.simulate(copper, EMT(), settings, tmp_path / "parts")
    assert same(whole.file, parts.file)
    assert (whole.status, whole.frames, parts.resumed) == ("finished", 13, 2)
    assert md.simulate(copper, EMT(), settings, tmp_path / "parts") == parts  # not run again


def test_a_killed_process_goes_on_bit_for_bit(calculators_folder, run, tmp_path):
    command = ["md", "run", "mini-i", "--subset", "folded", "--calculator", "cheap:Tied"]
    command += ["--replicas", "1", "--steps", "300", "--interval", "10", "--checkpoint", "20"]
    done = run("teaeval", *command, "-o", tmp_path / "whole", cwd=calculators_folder)
    assert done.returncode == 0, done.stderr
    killed = subprocess.Popen(
        [str(Path(sys.executable).parent / "teaeval"), *command, "-o", str(tmp_path / "parts")],
        cwd=calculators_folder,
        env=os.environ | {"PAUSE": "0.005"},
    )
    checkpoint = tmp_path / "parts/replica-0/checkpoint.npz"
    while not checkpoint.exists() or np.load(checkpoint)["step"] < 40:
        assert killed.poll() is None, "ended before it could be killed"
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait(30)
    left = md.Trajectory(tmp_path / "parts/replica-0/trajectory.h5md")
    assert 5 <= len(left) < 31
    done = run("teaeval", "md", "resume", tmp_path / "parts", cwd=calculators_folder)
    assert done.returncode == 0, done.stderr
    files = [tmp_path / name / "replica-0/trajectory.h5md" for name in ("whole", "parts")]
    assert same(*files)


@pytest.mark.parametrize("thermostat", ["langevin", "nose-hoover", "bussi"])
def test_the_temperature_is_the_thermostats(calculators, peptide, tmp_path, thermostat):
    settings = md.Settings(
        temperature=450,
        thermostat=thermostat,
        friction=0.05,
        relaxation=30,
        timestep=1.0,
        steps=1500,
        interval=10,
        checkpoint=1500,
        monitors=(),
    )
    outcome = md.simulate(peptide, calculators.Tied(), settings, tmp_path)
    found = md.Trajectory(outcome.file).temperatures[30:]
    # 126 oscillators: a standard deviation of 450 K · √(2/126) = 57 K a frame
    assert found.mean() == pytest.approx(450, abs=25)


def test_nve_keeps_energy_and_momentum(calculators, peptide, tmp_path):
    settings = md.Settings(thermostat="none", steps=500, interval=10, checkpoint=500)
    outcome = md.simulate(peptide, calculators.Tied(), settings, tmp_path)
    run = md.Trajectory(outcome.file)
    total = run.energies + run.kinetic_energies
    assert np.ptp(total) < 1e-2 * run.kinetic_energies.mean()
    start = np.einsum("a,ai->i", run.masses, run.velocities[0])
    assert np.abs(start).max() < 1e-10


@pytest.mark.parametrize("after", [0, 150])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_energy_that_is_no_number_is_a_failure(copper, tmp_path, after, value):
    class Broken(EMT):
        calls = 0

        def calculate(self, *arguments):
            super().calculate(*arguments)
            Broken.calls += 1
            if Broken.calls > after:
                self.results["energy"] = self.results["free_energy"] = value

    settings = md.Settings(thermostat="none", steps=300, interval=10, checkpoint=100)
    outcome = md.simulate(copper, Broken(), settings, tmp_path)
    assert outcome.status == "failed"
    assert outcome.failure is not None
    assert outcome.failure.kind == "not finite"
    assert "the energy is" in outcome.failure.message
    if after:
        assert np.isfinite(md.Trajectory(outcome.file).energies).all()


def test_units_of_a_trajectory(copper, tmp_path):
    settings = md.Settings(
        steps=10, interval=1, checkpoint=10, forces=True, timestep=0.25, thermostat="none"
    )
    run = md.Trajectory(md.simulate(copper, EMT(), settings, tmp_path).file)
    assert run.spacing == 0.25
    np.testing.assert_allclose(run.times, 0.25 * np.arange(11))
    # velocities in Å/fs are the slope of positions in Å over times in fs
    slope = (run.positions[2:] - run.positions[:-2]) / 0.5
    np.testing.assert_allclose(slope, run.velocities[1:-1], atol=1e-6)
    kelvin = temperature(run.velocities, run.masses, removed=6)  # a cluster that does not turn
    np.testing.assert_allclose(kelvin, run.temperatures, rtol=1e-7)
    (atoms,) = run.to_ase(3, 4)
    expected = atoms.get_potential_energy(), atoms.get_forces()
    atoms.calc = EMT()
    assert atoms.get_potential_energy() == pytest.approx(expected[0], abs=1e-9)
    np.testing.assert_allclose(atoms.get_forces(), expected[1], atol=1e-9)
    shares = (3 * len(atoms) - 6) / (3 * len(atoms))
    assert atoms.get_temperature() == pytest.approx(run.temperatures[3] * shares, rel=1e-6)


def test_stress_is_stored_where_the_calculator_has_it(tmp_path, calculators, peptide):
    from ase.build import bulk

    crystal = bulk("Cu", cubic=True).repeat(2)
    settings = md.Settings(steps=4, interval=2, checkpoint=4, stress=True)
    run = md.Trajectory(md.simulate(crystal, EMT(), settings, tmp_path / "a").file)
    (atoms,) = run.to_ase(1, 2)
    expected = atoms.get_stress()
    atoms.calc = EMT()
    np.testing.assert_allclose(atoms.get_stress(), expected, atol=1e-9)
    with pytest.raises(UsageError, match="gives no stress"):
        md.simulate(peptide, calculators.Tied(), settings, tmp_path / "b")


def test_a_calculator_that_is_not_made_on_ases_base_class(copper, tmp_path):
    class Duck:
        def __init__(self):
            self.inner = EMT()

        def get_forces(self, atoms):
            return self.inner.get_forces(atoms)

        def get_potential_energy(self, atoms, force_consistent=False):
            return self.inner.get_potential_energy(atoms, force_consistent=force_consistent)

        def reset(self):
            self.inner.reset()

    settings = md.Settings(steps=20, interval=5, checkpoint=10)
    files = [
        md.simulate(copper, calculator, settings, tmp_path / name).file
        for name, calculator in (("emt", EMT()), ("duck", Duck()))
    ]
    assert same(*files)


def test_velocities_that_are_there_are_kept(copper, tmp_path):
    velocities = np.random.default_rng(0).normal(size=copper.positions.shape) * 1e-3
    copper.set_velocities(velocities / ase_units.fs)
    settings = md.Settings(steps=2, interval=2, checkpoint=2)
    run = md.Trajectory(md.simulate(copper, EMT(), settings, tmp_path).file)
    np.testing.assert_allclose(run.velocities[0], velocities, rtol=1e-12)


def test_other_settings_in_the_same_folder(copper, tmp_path):
    settings = md.Settings(steps=4, interval=2, checkpoint=2)
    md.simulate(copper, EMT(), settings, tmp_path / "done")
    hotter = settings.model_copy(update={"temperature": 400.0})
    with pytest.raises(UsageError, match=r"other settings: temperature 300\.0, now 400\.0"):
        md.simulate(copper, EMT(), hotter, tmp_path / "done")
    (tmp_path / "done/outcome.json").unlink()
    copper.positions[0] += 0.01
    with pytest.raises(UsageError, match="another structure"):
        md.simulate(copper, EMT(), settings, tmp_path / "done")


def without(name):
    """Leave an array out of a checkpoint."""

    def change(path):
        with np.load(path) as archive:
            arrays = {key: archive[key] for key in archive.files if key != name}
        np.savez(path, **arrays)

    return change


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"nothing"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:300]),
        lambda path: path.write_bytes(path.read_bytes()[:-30]),
        without("identity"),
        without("step"),
        without("positions"),
    ],
    ids=["text", "empty", "cut", "end cut", "no identity", "no step", "no positions"],
)
def test_a_damaged_checkpoint_is_one_error(copper, tmp_path, damage):
    settings = md.Settings(steps=4, interval=2, checkpoint=2)
    md.simulate(copper, EMT(), settings, tmp_path)
    (tmp_path / "outcome.json").unlink()
    damage(tmp_path / "checkpoint.npz")
    with pytest.raises(DataError, match=r"checkpoint\.npz: not a checkpoint .* rm -r "):
        md.simulate(copper, EMT(), settings, tmp_path)


def test_a_calculator_that_fails_at_once(peptide, tmp_path):
    peptide.numbers[0] = 18
    with pytest.raises(CalculationError, match="the structure at step 0: NotImplementedError"):
        md.simulate(peptide, EMT(), md.Settings(), tmp_path)
    assert not (tmp_path / "outcome.json").exists()


class Stopped(EMT):
    """EMT, interrupted in its thirtieth evaluation."""

    left = 30

    def calculate(self, *args, **kwargs):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        super().calculate(*args, **kwargs)


def _interrupted(copper, folder) -> md.Settings:
    settings = md.Settings(steps=60, interval=10, checkpoint=20, monitors=())
    with pytest.raises(KeyboardInterrupt):
        md.simulate(copper, Stopped(), settings, folder)
    return settings


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "cannot be opened"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(path.read_bytes()[:3000]), "cannot be opened"),
    ],
)
def test_a_trajectory_that_is_gone_or_damaged_is_told_with_what_to_do(
    copper, tmp_path, damage, said
):
    settings = _interrupted(copper, tmp_path / "run")
    damage(tmp_path / "run/trajectory.h5md")
    with pytest.raises(DataError, match=rf"{said}.*to begin it anew: rm -r .*/run$"):
        md.simulate(copper, EMT(), settings, tmp_path / "run")
    subprocess.run(["rm", "-r", str(tmp_path / "run")], check=True)
    assert md.simulate(copper, EMT(), settings, tmp_path / "run").frames == 7


def test_the_trajectory_of_another_simulation_is_not_gone_on_with(copper, tmp_path):
    settings = _interrupted(copper, tmp_path / "run")
    shorter = settings.model_copy(update={"steps": 20})
    md.simulate(copper, EMT(), shorter, tmp_path / "other")
    (tmp_path / "other/trajectory.h5md").replace(tmp_path / "run/trajectory.h5md")
    with pytest.raises(DataError, match="has no room for frame 6 of positions, so the simulation"):
        md.simulate(copper, EMT(), settings, tmp_path / "run")


def test_a_damaged_outcome_can_be_made_again(copper, tmp_path):
    settings = md.Settings(steps=20, interval=10, checkpoint=20, monitors=())
    md.simulate(copper, EMT(), settings, tmp_path / "run")
    whole = (tmp_path / "run/outcome.json").read_text()
    (tmp_path / "run/outcome.json").write_text(whole[:40])
    with pytest.raises(DataError, match="goes on from its last checkpoint: rm ") as told:
        md.simulate(copper, EMT(), settings, tmp_path / "run")
    subprocess.run(str(told.value).partition("checkpoint: ")[2], shell=True, check=True)
    assert md.simulate(copper, EMT(), settings, tmp_path / "run").frames == 3


def _fix(atoms):
    from ase.constraints import FixAtoms

    atoms.set_constraint(FixAtoms([0]))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_fix, "expected no constraints, found FixAtoms"),
        (lambda atoms: atoms.positions.__setitem__((3, 1), np.nan), "the first is atom 3"),
        (lambda atoms: atoms.set_pbc([True, False, True]), "periodic along a, c, where the cell"),
        (lambda atoms: atoms.set_masses([0.0] + [1.0] * 18), "mass of atom 0 is 0 u"),
        (lambda atoms: atoms.__delitem__(slice(None)), "expected one or more, found none"),
    ],
)
def test_structures_that_cannot_be_simulated(copper, tmp_path, change, expected):
    copper.set_cell(None)
    change(copper)
    with pytest.raises(UsageError, match=expected):
        md.simulate(copper, EMT(), md.Settings(steps=10, interval=10), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("calculator", "settings", "expected"),
    [
        (EMT, md.Settings(), "found the class EMT"),
        (None, md.Settings(), "expected an ASE calculator, such as EMT"),
        (EMT(), {"steps": 10}, r"found dict; a dict d becomes them by Settings\(\*\*d\)"),
    ],
)
def test_what_is_no_calculator_and_no_settings(copper, tmp_path, calculator, settings, expected):
    with pytest.raises(UsageError, match=expected):
        md.simulate(copper, calculator, settings, tmp_path / "run")
