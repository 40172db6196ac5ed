"""Unstable runs are found out, and stable ones left alone."""

from __future__ import annotations

import numpy as np
import pytest

import teadata
from teaeval import md
from teaeval.md.monitor import Monitor
from teaeval.md.topology import Distances, Topology

QUICK = md.Settings(steps=2000, interval=10, checkpoint=100)


@pytest.mark.parametrize("name", ["mini-i", "mini-ii", "mini-iii", "mini-iv"])
def test_no_frame_of_the_reference_is_an_alarm(name):
    frames = teadata.load(name).frames
    frames = frames[:: max(1, len(frames) // 400)]
    settings = md.Settings(persistence=0)
    cell = np.zeros((3, 3)) if frames.cell is None else frames.cell[0]
    monitor = Monitor(frames.numbers, frames.positions[0], cell, frames.pbc, settings)
    for step, positions in enumerate(frames.positions):
        assert monitor.look(step, positions) is None


def test_topology_is_that_of_the_molecule(mini_i):
    frames = mini_i.split("folded/test")[0]
    distances = Distances(np.zeros((3, 3)), frames.pbc)(frames.positions[0])
    found = Topology(frames.numbers, distances)
    assert len(found.bonds) == 41  # a tree of 42 atoms
    assert len(np.unique(found.bonds)) == 42


def test_ions_have_no_bonds():
    frames = teadata.load("mini-iv").frames[0]
    distances = Distances(frames.cell[0], frames.pbc)(frames.positions[0])
    elements = frames.numbers[Topology(frames.numbers, distances).bonds]
    assert not np.isin(elements, [53, 82]).any()
    assert len(elements) == 8 * 7  # CH3NH3+


def test_distances_are_to_the_nearest_image():
    cell = np.array([[8.0, 0, 0], [2.0, 9.0, 0], [0, 1.0, 10.0]])
    rng = np.random.default_rng(0)
    positions = rng.uniform(size=(6, 3)) @ cell
    moved = positions + rng.integers(-3, 4, size=(6, 3)) @ cell
    measure = Distances(cell, np.array([True] * 3))
    np.testing.assert_allclose(measure(moved), measure(positions), atol=1e-10)
    from ase import Atoms

    expected = Atoms("H6", positions, cell=cell, pbc=True).get_all_distances(mic=True)
    near = expected < 3.5
    np.fill_diagonal(near, False)
    np.testing.assert_allclose(measure(positions)[near], expected[near], atol=1e-10)


def test_a_torn_bond_is_named(calculators, peptide, tmp_path):
    outcome = md.simulate(peptide, calculators.Torn(), QUICK, tmp_path)
    failure = outcome.failure
    assert outcome.status == "failed"
    assert (failure.kind, failure.atoms) == ("broken", (0, 1))
    start = peptide.get_distance(0, 1)
    assert failure.start == pytest.approx(start, abs=1e-4)
    assert failure.distance > 1.5 * 1.07
    assert failure.message.startswith(f"bond broken: {peptide.symbols[0]}0–{peptide.symbols[1]}1, ")
    assert failure.noticed == pytest.approx(failure.time + 0.05, abs=0.0051)  # its persistence
    run = md.Trajectory(outcome.file)
    assert len(run) == outcome.frames == -(-outcome.steps // 10)  # the failed run is kept
    assert outcome.stable_frames <= outcome.frames
    stable = run.positions[: outcome.stable_frames]
    lengths = np.linalg.norm(stable[:, 0] - stable[:, 1], axis=1)
    assert lengths.max() < failure.distance
    assert md.simulate(peptide, calculators.Torn(), QUICK, tmp_path) == outcome


def test_a_formed_bond_is_named(peptide):
    monitor = Monitor(peptide.numbers, peptide.positions, np.zeros((3, 3)), peptide.pbc, QUICK)
    carbons = np.flatnonzero(peptide.numbers == 6)
    i, j = carbons[0], carbons[-1]
    moved = peptide.positions.copy()
    between = moved[j] - moved[i]
    moved[i] += between * (1 - 1.5 / np.linalg.norm(between))
    assert monitor.look(10, moved) is None  # not yet for 50 fs
    found = monitor.look(110, moved)
    assert found.kind in ("formed", "broken")  # its own bonds are broken too, at the same time
    monitor = Monitor(peptide.numbers, peptide.positions, np.zeros((3, 3)), peptide.pbc, QUICK)
    monitor.look(10, moved)
    assert monitor.look(60, peptide.positions) is None  # back again: forgotten
    assert monitor.look(110, moved) is None


def test_heat_escape_and_no_number(calculators, peptide, tmp_path):
    class Heats(calculators.Tied):
        def of(self, positions):
            energy, forces = super().of(positions)
            return energy, -2 * forces

    outcome = md.simulate(peptide, Heats(), QUICK, tmp_path / "hot")
    assert outcome.failure.kind in ("temperature", "broken")
    only = QUICK.model_copy(update={"monitors": ("temperature",)})
    outcome = md.simulate(peptide, Heats(), only, tmp_path / "only")
    assert outcome.failure.kind == "temperature"
    assert "above 900 K" in outcome.failure.message

    class Undefined(calculators.Tied):
        def of(self, positions):
            energy, forces = super().of(positions)
            self.k += 1e-3
            return energy, forces if self.k < 3.05 else forces * np.nan

    nothing = QUICK.model_copy(update={"monitors": ()})
    outcome = md.simulate(peptide, Undefined(), nothing, tmp_path / "nan")
    assert outcome.failure.kind == "not finite"
    assert np.isfinite(md.Trajectory(outcome.file).positions).all()

    monitor = Monitor(peptide.numbers, peptide.positions, np.zeros((3, 3)), peptide.pbc, QUICK)
    moved = peptide.positions.copy()
    moved[-1] += 30
    found = monitor.look(10, moved)
    assert (found.kind, found.atoms) == ("escaped", (41,))


def test_a_calculator_that_gives_up_on_a_broken_structure(calculators, peptide, tmp_path):
    class GivesUp(calculators.Torn):
        def of(self, positions):
            if np.linalg.norm(positions[0] - positions[1]) > 2.35:
                raise RuntimeError("no neighbours")
            return super().of(positions)

    outcome = md.simulate(peptide, GivesUp(), QUICK, tmp_path)
    assert outcome.failure.atoms == (0, 1)
    assert "then the calculator failed: RuntimeError: no neighbours" in outcome.failure.message


def test_small_systems_may_be_hot():
    settings = md.Settings()
    assert settings.hottest(3 * 42) == pytest.approx(900)
    assert settings.hottest(6) > 1900
