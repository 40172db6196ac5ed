"""Displacement, diffusion, vibrations, temperature and pressure, against MDAnalysis and ASE."""

from __future__ import annotations

import ase
import ase.calculators.singlepoint
import ase.units
import MDAnalysis
import numpy as np
import pytest
from MDAnalysis.analysis.msd import EinsteinMSD
from scipy.signal import correlate

import teadata
from teadata import Frames
from teadata.errors import DataError, UsageError
from teadata.units import EV, GIGAPASCAL, INVERSE_FS, KINETIC
from teaeval.observables import (
    density_of_states,
    diffusion,
    diffusion_by_origin,
    finite_size,
    msd,
    pressure,
    temperature,
    unwrap,
    vacf,
    without_drift,
)
from teaeval.observables.registry import chosen
from teaeval.observables.system import Sample, System

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def hydrogen():
    """Frames of mini-hydrogen that are unwrapped, 2 fs from one to the next."""
    data = teadata.load("mini-hydrogen")
    run = next(run for run in data.card.trajectories if run.continuous)
    return data.trajectory(run.index)[:100]


def walk(frames=2000, atoms=20, step=0.1, seed=0):
    """Brownian motion: D = step²/2 per frame and direction."""
    return np.random.default_rng(seed).normal(0, step, (frames, atoms, 3)).cumsum(axis=0)


def test_msd_is_that_of_mdanalysis(hydrogen):
    made = MDAnalysis.Universe.empty(32, trajectory=True)
    made.load_new(hydrogen.positions.astype(np.float32))
    expected = EinsteinMSD(made, fft=False).run().results.timeseries
    np.testing.assert_allclose(msd(hydrogen.positions), expected, rtol=1e-4, atol=1e-5)


def test_unwrapping_restores_what_was_wrapped(hydrogen):
    cell = hydrogen.cell[0]
    wrapped = (hydrogen.positions @ np.linalg.inv(cell) % 1.0) @ cell
    assert np.abs(np.diff(wrapped, axis=0)).max() > 2
    moved = unwrap(wrapped, cell)
    np.testing.assert_allclose(
        moved - moved[0], hydrogen.positions - hydrogen.positions[0], atol=1e-9
    )
    with pytest.raises(DataError, match="the cell changes"):
        unwrap(wrapped, hydrogen.cell * np.linspace(1, 1.1, 100)[:, None, None])


def test_drift_is_taken_out(hydrogen):
    masses = np.full(32, 1.008)
    flown = hydrogen.positions + np.arange(100)[:, None, None] * [0.1, 0, 0]
    np.testing.assert_allclose(
        msd(without_drift(flown, masses)), msd(without_drift(hydrogen.positions, masses)), atol=1e-9
    )
    assert msd(flown)[-1] > 2 * msd(without_drift(flown, masses))[-1]


def test_diffusion_of_brownian_motion():
    found = diffusion(walk(), 2.0, window=(10.0, 60.0)).coefficient
    expected = 0.1**2 / 2 / 2.0
    assert found.low < expected < found.high
    assert found.error < 0.05 * expected
    # errors of blocks cover as often as they say: 95 % within what 60 trials can tell
    covered = [
        one.low < expected < one.high
        for one in (
            diffusion(walk(400, 10, seed=i), 2.0, window=(2.0, 20.0)).coefficient for i in range(60)
        )
    ]
    assert np.mean(covered) > 0.85


def test_diffusion_by_origin_is_the_fit_to_the_mean_over_these_origins():
    places = walk(300, 5)
    found = diffusion_by_origin(places, 2.0, (6.0, 20.0))
    lags = np.arange(3, 11)
    curve = [((places[k : k + 290] - places[:290]) ** 2).sum(axis=2).mean() for k in lags]
    assert len(found) == 290
    assert found.mean() == pytest.approx(np.polyfit(2.0 * lags, curve, 1)[0] / 6)
    with pytest.raises(UsageError, match="at least two lags"):
        diffusion_by_origin(places, 2.0, (600.0, 700.0))


def test_diffusion_refuses_lags_that_are_not_there():
    with pytest.raises(UsageError, match="at least two lags"):
        diffusion(walk(100), 2.0, window=(10.0, 60.0))
    with pytest.raises(UsageError, match="time between frames 0 fs"):
        diffusion(walk(100), 0.0)
    with pytest.raises(UsageError, match="from one block to 100"):
        diffusion(walk(100), 1.0, blocks=101)


def test_finite_size_correction_of_water():
    # Yeh and Hummer's order of magnitude: water at 298 K, 0.89 mPa s, 20 Å: 3.5e-6 cm²/s
    expected = 1.380649e-23 * 298 * 2.837297 / (6 * np.pi * 0.89e-3 * 20e-10)  # m²/s
    assert finite_size(298, 0.89, 20) == pytest.approx(expected * 1e20 / 1e15)
    with pytest.raises(UsageError, match="positive"):
        finite_size(298, 0.0, 20)


def test_vacf_is_the_sum_that_defines_it():
    rng = np.random.default_rng(3)
    velocities = rng.normal(size=(50, 4, 3)).cumsum(axis=0)
    masses = np.array([1.0, 12.0, 16.0, 1.0])
    full = sum(
        masses[a] * correlate(velocities[:, a, i], velocities[:, a, i])[49:]
        for a in range(4)
        for i in range(3)
    )
    np.testing.assert_allclose(vacf(velocities, masses), full / (4 * np.arange(50, 0, -1)))


def test_density_of_states_finds_the_vibrations():
    # two oscillators of 3000 and 1500 cm-1, 0.5 fs apart, of the same energy but not mass
    times = np.arange(4000) * 0.5
    light, heavy = 3000 / INVERSE_FS, 1500 / INVERSE_FS
    velocities = np.zeros((4000, 2, 3))
    velocities[:, 0, 0] = np.cos(2 * np.pi * light * times)
    velocities[:, 1, 1] = np.cos(2 * np.pi * heavy * times) / 2
    found = density_of_states(velocities, 0.5, [1.0, 4.0])
    near = [np.abs(found.wavenumbers - w) < 100 for w in (1500, 3000)]
    for peak, centre in zip(near, (1500, 3000), strict=True):
        inside = np.where(peak, found.density, 0)
        assert found.wavenumbers[inside.argmax()] == pytest.approx(centre, abs=15)
        assert np.trapezoid(inside, found.wavenumbers) == pytest.approx(0.5, abs=0.02)
    assert np.trapezoid(found.density, found.wavenumbers) == pytest.approx(1.0)
    with pytest.raises(UsageError, match="hann, none"):
        density_of_states(velocities, 0.5, window="boxcar")


def test_temperature_and_pressure_are_those_of_ase(hydrogen):
    rng = np.random.default_rng(4)
    masses = np.full(32, 1.008)
    velocities = rng.normal(0, 0.03, (3, 32, 3))  # Å/fs
    kelvin = temperature(velocities, masses)
    found = pressure(hydrogen.stress[:3], hydrogen.cell[:3], 32, kelvin) / GIGAPASCAL
    for i in range(3):
        atoms = hydrogen[i].to_ase()[0]
        atoms.set_masses(masses)
        atoms.set_velocities(velocities[i] / ase.units.fs)
        assert kelvin[i] == pytest.approx(atoms.get_temperature(), rel=1e-5)
        total = atoms.get_stress(voigt=False, include_ideal_gas=True)
        expected = -np.trace(total) / 3 / ase.units.GPa
        assert found[i] == pytest.approx(expected, rel=1e-5)
    assert 30 < found.mean() < 100  # compressed: positive
    assert temperature(velocities, masses, removed=3) == pytest.approx(kelvin * 96 / 93)


def test_units_of_dynamics_are_those_of_ase():
    assert ase.units.GPa * EV == pytest.approx(GIGAPASCAL, rel=1e-6)
    assert ase.units._amu * 1e10 * ase.units._Nav / 4184 == pytest.approx(KINETIC, rel=1e-8)
    assert (
        ase.units.invcm * INVERSE_FS / ase.units._hplanck * ase.units._e * 1e-15
        == pytest.approx(1.0, rel=1e-6)
    )


@pytest.mark.parametrize(
    ("numbers", "peak", "end"),
    [([1, 1], 4401.0, 4600.0), ([9, 1], 4138.0, 4300.0), ([8, 1], 3700.0, 4000.0)],
)
def test_spectra_reach_as_far_as_the_bonds_of_hydrogen_vibrate(numbers, peak, end):
    """Two atoms that vibrate at a known wavenumber: the peak is there, and 4 fs miss it in H₂."""
    positions = np.array([[[0.0, 0, 0], [0, 0, 0.9]]])
    system = System(Frames(np.array(numbers), positions, np.zeros(1), np.zeros((1, 2, 3))))
    (observable,) = chosen(system, ["vibrations"])
    assert observable.most(system) == pytest.approx(INVERSE_FS / (2 * end))
    assert (observable.most(system) < 4) == (end > 4170)
    time = np.arange(0.0, 5000.0, 2.0)
    velocities = np.zeros((len(time), 2, 3))
    velocities[:, :, 2] = np.cos(2 * np.pi * peak / INVERSE_FS * time)[:, None] * [0.01, -0.01]
    sample = Sample(np.zeros_like(velocities), velocities=velocities, spacing=2.0)
    (quantity,) = observable.quantities(system)
    row = quantity.part(observable.measure(system, sample)["all atoms"]).row
    assert quantity.axis.middles[quantity.shown(row).argmax()] == pytest.approx(peak, abs=10)
    assert quantity.outside(row)[1] < 0.01
