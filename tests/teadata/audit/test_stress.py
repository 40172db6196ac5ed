"""Stress of the other sign, or in another unit than the forces, is noticed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import teadata
from teadata.audit.finding import Sample
from teadata.audit.pairs import fitted
from teadata.audit.stress import TIMES, agreement, check_stress
from teadata.units import EV, GIGAPASCAL, HARTREE

STATE = "1000K-0.7"


@pytest.fixture(scope="module")
def hydrogen():
    return teadata.load("mini-hydrogen")


@pytest.fixture(scope="module")
def dense(hydrogen):
    return hydrogen.split(f"{STATE}/test")


def check(card, frames):
    members = {("complete", "test"): np.arange(len(frames))}
    card = card.model_copy(update={"subsets": {"complete": "all"}})
    return check_stress(Sample(card=card, frames=frames, members=members))


def test_stress_of_one_method_belongs_to_its_forces(hydrogen):
    for subset in hydrogen.card.subsets:
        found = agreement(hydrogen.split(f"{subset}/test"))
        assert found is not None
        assert found.correlation > 0.45, subset
        assert 2 / TIMES < found.ratio < TIMES / 2, subset


@pytest.mark.parametrize("size", [1.0, EV / GIGAPASCAL])
def test_the_other_sign_fails(hydrogen, dense, size):
    assert check(hydrogen.card, dense).outcome == "pass"
    found = check(hydrogen.card, replace(dense, stress=-size * dense.stress))
    assert found.outcome == "fail"
    assert "it has the opposite sign" in found.found
    assert ("GPa taken for eV/Å³" in found.found) == (size > 1)
    assert "negative under compression" in found.found


@pytest.mark.parametrize(
    ("factor", "reason"),
    [
        (EV / GIGAPASCAL, "GPa taken for eV/Å³"),
        (10 * EV / GIGAPASCAL, "kbar taken for eV/Å³"),
        (EV, "kcal/mol/Å³ taken for eV/Å³"),
        (1 / HARTREE, "Hartree/Å³ taken for kcal/mol/Å³"),
        (1e3, "virials, not divided by the volume"),
    ],
)
def test_another_unit_is_warned_of_and_named(hydrogen, dense, factor, reason):
    factor = dense.volumes.mean() if reason.startswith("virials") else factor
    found = check(hydrogen.card, replace(dense, stress=factor * dense.stress))
    assert found.outcome == "warning"
    assert reason in found.found


def test_virials_that_were_taken_for_stress_are_named_as_that(hydrogen, dense):
    found = check(
        hydrogen.card, replace(dense, stress=-dense.volumes[:, None, None] * dense.stress)
    )
    assert found.outcome == "fail"
    assert "with --virial-key in place of --stress-key" in found.found


def test_the_stress_of_pairs_is_the_slope_of_their_energy(dense):
    """Strain of all frames along one axis changes the energy by volume times stress."""
    pairs, step = fitted(dense[:20]), 1e-6
    from teadata.audit.pairs import _equations

    def energies(strain):
        stretch = np.eye(3) + strain * np.outer([1, 0, 0], [1, 0, 0])
        frames = pairs.frames
        moved = replace(frames, positions=frames.positions @ stretch, cell=frames.cell @ stretch)
        return _equations(moved, pairs.reach)[0] @ pairs.coefficients

    slope = (energies(step) - energies(-step)) / (2 * step)
    expected = pairs.stress()[:, 0, 0] * pairs.frames.volumes
    np.testing.assert_allclose(slope, expected, rtol=1e-5, atol=1e-4)


def test_stress_that_cannot_be_judged(hydrogen, dense):
    random = np.random.default_rng(0).normal(size=dense.stress.shape)
    for stress in (random, np.zeros_like(random)):
        assert check(hydrogen.card, replace(dense, stress=stress)).outcome == "not judged"
    assert check(hydrogen.card, dense[:10]).outcome == "not judged"
