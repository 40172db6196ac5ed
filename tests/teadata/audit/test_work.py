"""Energies in another unit than their forces are noticed by how much they vary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import teadata
from teadata.audit.finding import Sample
from teadata.audit.pairs import _functions
from teadata.audit.work import TIMES, check_spread, spread
from teadata.units import EV, HARTREE

from .planted import crystal


@pytest.fixture(scope="module")
def mini_iv():
    return teadata.load("mini-iv")


def check(card, frames):
    members = {("complete", "test"): np.arange(len(frames))}
    card = card.model_copy(update={"subsets": {"complete": "all"}})
    return check_spread(Sample(card=card, frames=frames, members=members))


@pytest.mark.parametrize("name", ["mini-i", "mini-ii", "mini-iii", "mini-iv", "mini-hydrogen"])
def test_labels_of_one_method_belong_together(name):
    data, judged = teadata.load(name), 0
    for subset in data.card.subsets:
        members = [ids for (of, _), ids in data.splits.members.items() if of == subset]
        found = spread(data.read(np.unique(np.concatenate(members))))
        if found is not None and found.known:
            judged += 1
            assert found.off < TIMES / 1.5, (subset, found)
    assert judged


@pytest.mark.parametrize(
    ("factor", "reason"),
    [
        (1 / EV, "energies in eV taken for kcal/mol"),
        (EV, "energies in kcal/mol taken for eV"),
        (1 / HARTREE, "energies in Hartree taken for kcal/mol"),
        (1 / 42, "energies per atom"),
    ],
)
def test_what_explains_it_is_named(mini_i, factor, reason):
    frames = mini_i.split("folded/test")
    assert check(mini_i.card, frames).outcome == "pass"
    found = check(mini_i.card, replace(frames, energies=frames.energies * factor))
    assert found.outcome == "warning"
    assert reason in found.found
    assert "--energy-unit or --force-unit" in found.found


def test_a_crystal_is_judged(mini_iv):
    frames = mini_iv.split("complete/test")
    assert check(mini_iv.card, frames).outcome == "pass"
    wrong = replace(frames, energies=frames.energies / EV)
    assert check(mini_iv.card, wrong).outcome == "warning"


def test_forces_that_say_nothing_are_not_judged(mini_i):
    frames = mini_i.split("folded/test")
    rng = np.random.default_rng(0)
    random = replace(frames, forces=rng.normal(size=frames.forces.shape))
    same = replace(frames, energies=np.full(len(frames), -1e5))
    none = replace(frames, forces=np.zeros_like(frames.forces))
    for some in (random, same, none, frames[:10], crystal()):
        assert check(mini_i.card, some).outcome == "not judged"


def test_cells_of_many_volumes_are_not_judged(mini_iv):
    frames = mini_iv.split("complete/test")
    stretch = np.linspace(1, 1.1, len(frames))[:, None, None]
    apart = replace(frames, positions=frames.positions * stretch, cell=frames.cell * stretch)
    assert check(mini_iv.card, apart).outcome == "not judged"


def test_the_slopes_are_those_of_the_functions():
    length, step = np.linspace(0.6, 4.9, 40), 1e-6
    forward, backward = (_functions(length + d, 5.0)[0] for d in (step, -step))
    np.testing.assert_allclose(
        _functions(length, 5.0)[1], (forward - backward) / (2 * step), atol=1e-7
    )
