"""Thermostats on harmonic systems, whose energies are known: their targets are right."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from scipy.stats import chi2, kstest

from teadata import Frames, units
from teaeval import md
from teaeval.md.freedom import degrees_of_freedom, remove_kept_motion, removed_motion
from teaeval.observables import correlation_time
from teaeval.observables.registry import chosen
from teaeval.observables.system import Sample, System
from teaeval.observables.thermodynamics import freedom_by_atom

ATOMS = 8
KELVIN = 300.0
HALF_KT = units.BOLTZMANN * KELVIN / 2  # kcal/mol
PAIRS = np.triu_indices(ATOMS, 1)


class Molecule(Calculator):
    """Springs between all atoms, of different strength, at rest in the starting structure.

    It keeps no copy of the atoms, which would take a third of a simulation's time.
    """

    implemented_properties = ("energy", "forces")

    def __init__(self, start):
        super().__init__()
        self.stiffness = np.random.default_rng(3).uniform(0.3, 2.0, len(PAIRS[0]))  # eV/Å²
        self.rest = start.get_all_distances()[PAIRS]
        self.between = np.zeros((len(PAIRS[0]), ATOMS))  # one less the other of each pair
        rows = np.arange(len(PAIRS[0]))
        self.between[rows, PAIRS[0]], self.between[rows, PAIRS[1]] = 1, -1

    def calculate(self, atoms, properties=("energy",), system_changes=all_changes):
        between = self.between @ atoms.positions
        length = np.sqrt((between**2).sum(axis=1))
        stretch = length - self.rest
        forces = -self.between.T @ ((self.stiffness * stretch / length)[:, None] * between)
        energy = 0.5 * float(self.stiffness @ stretch**2)
        self.results = {"energy": energy, "forces": forces}


class Crystal(Calculator):
    """A quadratic form of the displacements that shifts of the whole leave as it is."""

    implemented_properties = ("energy", "forces")

    def __init__(self, start):
        super().__init__()
        rng = np.random.default_rng(4)
        self.start = start.positions.copy()
        self.matrix = np.zeros((ATOMS, 3, ATOMS, 3))
        for i, j in zip(*PAIRS, strict=True):
            root = rng.normal(0, 0.4, (3, 3))
            spring = root @ root.T
            self.matrix[i, :, i] += spring
            self.matrix[j, :, j] += spring
            self.matrix[i, :, j] -= spring
            self.matrix[j, :, i] -= spring
        self.matrix = self.matrix.reshape(3 * ATOMS, 3 * ATOMS)

    def calculate(self, atoms, properties=("energy",), system_changes=all_changes):
        moved = (atoms.positions - self.start).ravel()
        pull = self.matrix @ moved
        self.results = {"energy": 0.5 * float(moved @ pull), "forces": -pull.reshape(ATOMS, 3)}


def system(periodic: bool) -> tuple[Atoms, Calculator]:
    corners = np.array(list(np.ndindex(2, 2, 2))) * 3.0
    places = corners + np.random.default_rng(2).uniform(-0.5, 0.5, corners.shape)
    atoms = Atoms("C4Si2Ar2", places, cell=[6.0] * 3 if periodic else None, pbc=periodic)
    return atoms, (Crystal if periodic else Molecule)(atoms)


def sampled(folder, periodic: bool, thermostat: str, **changes) -> tuple[md.Outcome, md.Trajectory]:
    values = {
        "temperature": KELVIN,
        "friction": 0.02,
        "relaxation": 30.0,
        "timestep": 2.0,
        "steps": 8000,
        "interval": 5,
        "checkpoint": 8000,
        "monitors": (),
        "seed": 5,
    }
    settings = md.Settings(thermostat=thermostat, **values | changes)
    outcome = md.simulate(*system(periodic), settings, folder)
    return outcome, md.Trajectory(outcome.file)


def kinetic_energies(run: md.Trajectory) -> np.ndarray:
    """From the velocities, kcal/mol."""
    return np.einsum("a,nai,nai->n", run.masses, *[run.velocities] * 2) * units.KINETIC / 2


def mean_and_error(series: np.ndarray) -> tuple[float, float]:
    return series.mean(), series.std() * np.sqrt(correlation_time(series) / len(series))


@pytest.mark.parametrize(
    ("thermostat", "periodic", "freedom"),
    [
        ("langevin", False, 3 * ATOMS),
        ("langevin", True, 3 * ATOMS),
        ("bussi", False, 3 * ATOMS - 6),
        ("bussi", True, 3 * ATOMS - 3),
        ("nose-hoover", False, 3 * ATOMS - 6),
        ("nose-hoover", True, 3 * ATOMS - 3),
    ],
)
def test_energies_of_a_harmonic_system_are_canonical(tmp_path, thermostat, periodic, freedom):
    outcome, run = sampled(tmp_path, periodic, thermostat)
    kinetic = kinetic_energies(run)[100:]
    mean, error = mean_and_error(kinetic)
    assert error < 0.03 * mean
    assert mean == pytest.approx(freedom * HALF_KT, abs=4 * error)
    apart = max(10, int(np.ceil(2 * correlation_time(kinetic))))
    assert kstest(kinetic[::apart] / HALF_KT, chi2(freedom).cdf).pvalue > 0.001
    # half k T for each vibration: those are the same of every thermostat
    vibrations = 3 * ATOMS - (3 if periodic else 6)
    mean, error = mean_and_error(run.energies[100:])
    assert error < 0.03 * mean
    assert mean == pytest.approx(vibrations * HALF_KT, abs=4 * error)
    # and what is reported is what the thermostat was asked for
    assert outcome.degrees_of_freedom == freedom
    assert outcome.temperature == pytest.approx(KELVIN, rel=0.06)
    np.testing.assert_allclose(
        run.temperatures, run.kinetic_energies / (freedom * HALF_KT) * KELVIN, rtol=1e-9
    )


@pytest.mark.parametrize("periodic", [False, True])
def test_nve_shares_its_energy_between_kinetic_and_potential(tmp_path, periodic):
    outcome, run = sampled(tmp_path, periodic, "none", steps=4000, checkpoint=4000)
    total = run.energies + kinetic_energies(run)
    assert np.ptp(total) < 0.02 * total.mean()
    assert run.energies[0] == pytest.approx(0, abs=1e-9)
    assert outcome.degrees_of_freedom == 3 * ATOMS - (3 if periodic else 6)
    mean, error = mean_and_error(run.temperatures)
    assert mean == pytest.approx(run.temperatures[0] / 2, abs=4 * error)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("thermostat", ["bussi", "nose-hoover", "none"])
def test_what_is_kept_is_zero(tmp_path, thermostat, periodic):
    _, run = sampled(tmp_path, periodic, thermostat, steps=1000, checkpoint=1000)
    momenta = run.masses[:, None] * run.velocities
    scale = np.abs(momenta).max()
    assert np.abs(momenta.sum(axis=1)).max() < 1e-9 * scale
    shares = run.masses[:, None] / run.masses.sum()
    arms = run.positions - (shares * run.positions).sum(axis=1, keepdims=True)
    turning = np.abs(np.cross(arms, momenta).sum(axis=1)).max()
    if periodic:
        assert turning > 0.1 * scale
    else:
        assert turning < 1e-9 * scale


@pytest.mark.parametrize("periodic", [False, True])
def test_velocities_at_the_start_are_canonical(periodic):
    """Projected draws need no scaling: a chi-squared of the degrees of freedom that are left."""
    atoms, _ = system(periodic)
    masses = atoms.get_masses()
    rng = np.random.default_rng(0)
    kinetic = []
    for _ in range(400):
        drawn = rng.standard_normal((ATOMS, 3)) * np.sqrt(masses)[:, None]
        left = remove_kept_motion(drawn, atoms.positions, masses, periodic)
        kinetic.append((left**2 / masses[:, None]).sum())
    freedom = degrees_of_freedom(md.Settings(thermostat="bussi"), ATOMS, periodic)
    assert kstest(kinetic, chi2(freedom).cdf).pvalue > 0.01


def test_atoms_on_a_line_and_single_atoms():
    settings = md.Settings(thermostat="bussi")
    assert [degrees_of_freedom(settings, n, periodic=False) for n in (1, 2, 3)] == [3, 1, 3]
    assert [degrees_of_freedom(settings, n, periodic=True) for n in (1, 2, 3)] == [3, 3, 6]
    langevin = md.Settings()
    assert [degrees_of_freedom(langevin, n, periodic=False) for n in (1, 2, 3)] == [3, 6, 9]
    momenta = np.array([[0.3, -1.0, 0.5], [0.7, 0.2, -2.0]])
    left = remove_kept_motion(momenta, [[0, 0, 0], [0, 0, 1.1]], [12.0, 16.0], periodic=False)
    np.testing.assert_allclose(left[:, :2], 0, atol=1e-12)  # only along the bond
    assert abs(left[0, 2]) > 0.1
    np.testing.assert_allclose(left.sum(axis=0), 0, atol=1e-12)
    single = remove_kept_motion(momenta[:1], [[0, 0, 0]], [12.0], periodic=False)
    np.testing.assert_array_equal(single, momenta[:1])


@pytest.mark.parametrize("thermostat", ["langevin", "bussi", "none"])
@pytest.mark.parametrize(
    ("formula", "periodic"), [("C2OH6", False), ("C2OH6", True), ("HF", False)]
)
def test_elements_have_the_same_temperature(formula, periodic, thermostat):
    """Velocities of equipartition, without the motion that is kept: heavy atoms have less of it."""
    rng = np.random.default_rng(0)
    z = Atoms(formula).numbers
    shape = (1, len(z), 3)
    positions = rng.normal(0, 1.5, shape) + np.arange(len(z))[:, None]
    cell = np.eye(3)[None] * 30.0 if periodic else None
    frames = Frames(z, positions, np.zeros(1), np.zeros(shape), cell=cell, pbc=np.full(3, periodic))
    settings = md.Settings(thermostat=thermostat)
    removed = removed_motion(settings, len(z), periodic)
    system = System(frames, KELVIN, removed=removed)
    freedom = freedom_by_atom(positions, system.masses, removed)
    assert freedom.sum() == pytest.approx(degrees_of_freedom(settings, len(z), periodic))
    momenta = rng.normal(size=(4000, len(z), 3)) * np.sqrt(system.masses)[:, None]
    if removed != "nothing":
        momenta = np.stack(
            [remove_kept_motion(p, positions[0], system.masses, periodic) for p in momenta]
        )
    velocities = (
        momenta / system.masses[:, None] * np.sqrt(units.BOLTZMANN * KELVIN / units.KINETIC)
    )
    sample = Sample(np.broadcast_to(positions, velocities.shape), velocities=velocities)
    (observable,) = chosen(system, ["temperatures"])
    for values in observable.measure(system, sample).values():
        assert values[:, 0].mean() == pytest.approx(KELVIN, rel=0.09)
