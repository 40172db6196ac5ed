"""Observables against MDAnalysis: InterRDF, and EinsteinMSD without FFT.

Its FFT needs tidynamics, which is not installed here: of the two displacements one is N log N,
the other N².
"""

from __future__ import annotations

import MDAnalysis
import numpy as np
import pytest
from MDAnalysis.analysis.msd import EinsteinMSD
from MDAnalysis.analysis.rdf import InterRDF

from teaeval.observables import msd, rdf

FRAMES, ATOMS, SIDE, BINS = 10_000, 100, 12.0, 150
REACH = SIDE / 2


@pytest.fixture(scope="module")
def trajectory():
    """Atoms at random that move a little from frame to frame: what they are does not matter."""
    rng = np.random.default_rng(0)
    steps = rng.normal(0, 0.05, (FRAMES, ATOMS, 3))
    return rng.uniform(0, SIDE, (ATOMS, 3)) + steps.cumsum(axis=0)


@pytest.fixture(scope="module")
def universe(trajectory):
    made = MDAnalysis.Universe.empty(ATOMS, trajectory=True)
    box = [SIDE, SIDE, SIDE, 90, 90, 90]
    made.load_new(trajectory.astype(np.float32), dimensions=np.tile(box, (FRAMES, 1)))
    return made


@pytest.mark.benchmark(group=f"rdf of {FRAMES} frames of {ATOMS} atoms")
def test_rdf(benchmark, trajectory):
    numbers = np.full(ATOMS, 8)
    found = benchmark.pedantic(
        rdf,
        (trajectory, numbers, SIDE * np.eye(3)),
        {"r_max": REACH, "bins": BINS},
        rounds=3,
    )  # fmt: skip
    assert found["O", "O"].g[-50:].mean() == pytest.approx(1.0, abs=0.02)


@pytest.mark.benchmark(group=f"rdf of {FRAMES} frames of {ATOMS} atoms")
def test_rdf_by_mdanalysis(benchmark, universe, trajectory):
    def run():
        made = InterRDF(
            universe.atoms, universe.atoms, nbins=BINS, range=(0, REACH), exclusion_block=(1, 1)
        )
        return made.run().results

    expected = benchmark.pedantic(run, rounds=3)
    found = rdf(trajectory, np.full(ATOMS, 8), SIDE * np.eye(3), r_max=REACH, bins=BINS)
    # single precision moves some distances across an edge
    assert np.abs(found["O", "O"].counts[0] - expected.count).sum() < 1e-4 * expected.count.sum()


@pytest.mark.benchmark(group="msd of 500 frames of 100 atoms")
def test_msd(benchmark, trajectory):
    assert benchmark.pedantic(msd, (trajectory[:500],), rounds=3)[0] == 0


@pytest.mark.benchmark(group="msd of 500 frames of 100 atoms")
def test_msd_by_mdanalysis(benchmark, universe, trajectory):
    def run():
        return EinsteinMSD(universe, fft=False).run(stop=500).results.timeseries

    expected = benchmark.pedantic(run, rounds=1)
    np.testing.assert_allclose(msd(trajectory[:500]), expected, rtol=1e-3, atol=1e-4)
