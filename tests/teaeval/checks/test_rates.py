"""How often diagnoses are right, and that they raise no false alarm.

``python tests/teaeval/checks/test_rates.py`` prints the table of docs/checks.md.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import permutations, product

import numpy as np
import pytest

import teadata
from teadata import Dataset, Frames, units
from teaeval import Finding, Prediction
from teaeval.checks.energies import STEP
from teaeval.checks.sample import evenly
from teaeval.scores.examine import check_against

SYSTEMS = (
    ("mini-i", "folded"),
    ("mini-i", "unfolded"),
    ("mini-ii", "complete"),
    ("mini-ii", "unknown"),
    ("mini-iii", "complete"),
    ("mini-iv", "complete"),
    ("mini-hydrogen", "complete"),
)
FRAMES = 300
"""Test frames of each system, at most, to keep a case in the order of 10 ms."""

Rng = np.random.Generator
Values = tuple[np.ndarray, np.ndarray]


@cache
def system(name: str, subset: str) -> tuple[Dataset, Frames, Frames]:
    """A dataset, some of its test frames, and some of its other frames."""
    dataset = teadata.load(name)
    test = dataset.split(f"{subset}/test")
    other = dataset.split({"mini-ii": "complete/train"}.get(name, f"{subset}/train"))
    return dataset, test[evenly(len(test), FRAMES)], other[evenly(len(other), FRAMES)]


def noisy(test: Frames, rng: Rng, low: float, high: float, slope: float = 1.0) -> Values:
    """The reference about its mean, times a slope, with noise relative to its deviation."""
    level = np.exp(rng.uniform(np.log(low), np.log(high)))
    mean = test.energies.mean()
    energies = mean + slope * (test.energies - mean)
    energies += level * test.energies.std() * rng.normal(size=len(test))
    forces = slope * test.forces + level * test.forces.std() * rng.normal(size=test.forces.shape)
    return energies, forces


def noise(test: Frames, other: Frames, rng: Rng) -> Values:
    return noisy(test, rng, 0.01, 1.0)


def noise_that_grows_with_the_force(test: Frames, other: Frames, rng: Rng) -> Values:
    level = rng.uniform(0.01, 1.0)
    energies, _ = noisy(test, rng, 0.01, 1.0)
    return energies, test.forces * (1 + level * rng.normal(size=test.forces.shape))


def scaled(test: Frames, other: Frames, rng: Rng) -> Values:
    return noisy(test, rng, 0.01, 0.2, slope=rng.uniform(0.9, 1.1))


def shrunk(test: Frames, other: Frames, rng: Rng) -> Values:
    return noisy(test, rng, 0.001, 0.2, slope=rng.uniform(0.3, 1.0))


def shrunk_as_far_as_it_explains(test: Frames, other: Frames, rng: Rng) -> Values:
    """What a least-squares fit does: a slope of r²."""
    slope = rng.uniform(0.1, 1.0)
    level = np.sqrt(slope * (1 - slope))
    return noisy(test, rng, level, level + 1e-9, slope=slope)


def shrunk_hardly_trained(test: Frames, other: Frames, rng: Rng) -> Values:
    slope = rng.uniform(0.01, 0.3)
    return noisy(test, rng, 0.01 * slope, slope, slope=slope)


def constant(test: Frames, other: Frames, rng: Rng) -> Values:
    energies = np.full(len(test), other.energies.mean())
    return energies, np.broadcast_to(other.forces.mean(axis=0), test.forces.shape).copy()


def one_frame_always(test: Frames, other: Frames, rng: Rng) -> Values:
    row = rng.integers(len(test))
    return np.full(len(test), test.energies[row]), np.repeat(test.forces[[row]], len(test), axis=0)


def zero_forces(test: Frames, other: Frames, rng: Rng) -> Values:
    return noisy(test, rng, 0.01, 1.0)[0], np.zeros(test.forces.shape)


def nothing_but_noise(test: Frames, other: Frames, rng: Rng) -> Values:
    return noisy(test, rng, 0.5, 2.0, slope=0.0)


def nearest_training_frame(test: Frames, other: Frames, rng: Rng) -> Values:
    here, there = (
        (f.positions - f.positions.mean(axis=1, keepdims=True)).reshape(len(f), -1)
        for f in (test, other)
    )
    rows = ((there**2).sum(axis=1) - 2 * here @ there.T).argmin(axis=1)
    return other.energies[rows], other.forces[rows]


def offset_energies(test: Frames, other: Frames, rng: Rng) -> Values:
    energies, forces = noisy(test, rng, 0.01, 0.3)
    return energies + np.exp(rng.uniform(0, np.log(4e4))), forces


def offset_by_trajectory(test: Frames, other: Frames, rng: Rng) -> Values:
    energies, forces = noisy(test, rng, 0.01, 0.3)
    run = np.arange(len(test)) // 20
    return energies + (rng.normal(size=run.max() + 1) * test.energies.std())[run], forces


def wild_frames(test: Frames, other: Frames, rng: Rng) -> Values:
    energies, forces = noisy(test, rng, 0.01, 0.2)
    wild = rng.random(len(test)) < rng.uniform(0.01, 0.2)
    factor = 10 ** rng.uniform(0, 6)
    energies[wild] += factor * rng.normal(size=wild.sum())
    forces[wild] += factor * rng.normal(size=forces[wild].shape)
    return energies, forces


def an_element_not_learned(test: Frames, other: Frames, rng: Rng) -> Values:
    energies, forces = noisy(test, rng, 0.01, 0.3)
    elements = np.unique(test.numbers)
    if len(elements) > 1:  # of one element alone it would be forces_shrunk_alone
        forces[:, test.numbers == rng.choice(elements)] *= rng.uniform(0, 0.5)
    return energies, forces


def equivalent_atoms_averaged(test: Frames, other: Frames, rng: Rng) -> Values:
    """Hydrogens that follow each other in the file share one force."""
    energies, forces = noisy(test, rng, 0.01, 0.3)
    hydrogens = np.flatnonzero(test.numbers == 1)
    for i in range(0, len(hydrogens) - 2, 3):
        forces[:, hydrogens[i : i + 3]] = forces[:, hydrogens[i : i + 3]].mean(axis=1)[:, None]
    return energies, forces


def forces_shrunk_alone(test: Frames, other: Frames, rng: Rng) -> Values:
    """Energies right, forces not their gradient: what a wrong length unit looks like."""
    return noisy(test, rng, 0.001, 0.2)[0], shrunk(test, other, rng)[1]


HONEST = (
    noise,
    noise_that_grows_with_the_force,
    scaled,
    shrunk,
    shrunk_as_far_as_it_explains,
    shrunk_hardly_trained,
    constant,
    one_frame_always,
    zero_forces,
    nothing_but_noise,
    nearest_training_frame,
    offset_energies,
    offset_by_trajectory,
    wild_frames,
    an_element_not_learned,
    equivalent_atoms_averaged,
)


@dataclass
class Case:
    """A prediction, the code of its fault, whether a finding of that code is right, its units."""

    kind: str
    values: Values
    code: str
    right: Callable[[Finding], bool] = lambda finding: True
    source: dict[str, str] = field(default_factory=dict)


def names(unit: str) -> Callable[[Finding], bool]:
    return lambda finding: (
        unit
        in (
            finding.evidence.get("unit"),
            *finding.evidence["alternatives"].split(", "),
        )
    )


EITHER = {"unit-of-energy": {"energy-per-atom", "standardised-energy"}}
"""Other errors that name the unit too, where the slope is near that of two faults."""

UNITS = {"unit-of-energy", "unit-of-forces"}
BESIDE = {
    "both units": UNITS,
    "both units, slope 0.8 to 1": UNITS,
    "energies per atom in another unit": UNITS,
    "the same less a constant": UNITS,
}
"""Errors that are right too, for each kind of fault."""

FORCE_UNITS = list(product(units.ENERGY_UNITS, units.LENGTH_UNITS))


def wrong_units(test: Frames, rng: Rng, pairs: int) -> Iterator[Case]:
    """Declared and actual units of energies alone, of forces alone, and of both together."""
    for declared, actual in permutations(units.ENERGY_UNITS, 2):
        factor = units.energy_factor(declared) / units.energy_factor(actual)
        energies, forces = noisy(test, rng, 0.01, 0.2)
        source = {"energy_unit": declared, "length_unit": "Å"}
        right = names(actual)
        yield Case("energy unit", (energies * factor, forces), "unit-of-energy", right, source)
        relative = (energies - test.energies.mean() + rng.normal()) * factor
        yield Case("unit of relative energies", (relative, forces), "unit-of-energy", right, source)
    every = list(permutations(FORCE_UNITS, 2))
    for i in rng.choice(len(every), pairs, replace=False):
        declared, actual = every[i]
        factor = units.force_factor(*declared) / units.force_factor(*actual)
        energies, forces = noisy(test, rng, 0.01, 0.2)
        source = {"energy_unit": declared[0], "length_unit": declared[1]}
        right = names("/".join(actual))
        yield Case("force unit", (energies, forces * factor), "unit-of-forces", right, source)
        by = units.energy_factor(declared[0]) / units.energy_factor(actual[0])
        energies = energies * by
        yield Case("both units", (energies, forces * factor), "unit-of-forces", right, source)
        slope = rng.uniform(0.8, 1.0)
        yield Case(
            "both units, slope 0.8 to 1",
            (
                slope * energies + (1 - slope) * by * test.energies.mean(),
                slope * forces * factor,
            ),
            "unit-of-forces",
            right,
            source,
        )


def conventions(test: Frames, other: Frames, rng: Rng) -> Iterator[Case]:
    """Energies per atom, in the declared unit and in another, and standardised ones."""
    energies, forces = noisy(test, rng, 0.01, 0.2)
    code = "energy-per-atom"
    for unit in units.ENERGY_UNITS:
        source = {"energy_unit": unit, "length_unit": "Å"}
        yield Case("energies per atom", (energies / test.n_atoms, forces), code, source=source)
    constant = test.energies.mean() * rng.uniform(0.5, 1.0)
    relative = (energies - constant) / test.n_atoms
    yield Case("energies per atom less a constant", (relative, forces), code)
    declared, actual = rng.choice(list(units.ENERGY_UNITS), 2, replace=False)
    source = {"energy_unit": str(declared), "length_unit": "Å"}
    factor = units.energy_factor(declared) / units.energy_factor(actual)
    both = (energies / test.n_atoms * factor, forces * factor)
    yield Case("energies per atom in another unit", both, code, source=source)
    both = (relative * factor, forces * factor)
    yield Case("the same less a constant", both, code, source=source)
    mean, deviation = other.energies.mean(), other.energies.std()
    both = ((energies - mean) / deviation, forces / deviation)
    yield Case("standardised energies and forces", both, "standardised-energy")
    yield Case("standardised energies", (both[0], forces), "standardised-energy")


def permuted(test: Frames, rng: Rng) -> Iterator[Case]:
    """Atoms swapped: of two kinds where there are two, of one kind, three in a cycle, some, all."""
    atoms = test.n_atoms
    first = int(rng.integers(atoms))
    # Hydrogen has no two elements: any two atoms then.
    unlike = np.flatnonzero(test.numbers != test.numbers[first])
    other = rng.choice(unlike if len(unlike) else np.delete(np.arange(atoms), first))
    like = rng.choice(np.flatnonzero(test.numbers == 1), 2, replace=False)
    some = rng.choice(atoms, int(rng.integers(3, atoms)), replace=False)
    for kind, moved in (
        ("two atoms of different elements swapped", np.array([first, other])),
        ("two hydrogens swapped", like),
        ("some atoms in a cycle", some),
        ("all atoms in a cycle", rng.permutation(atoms)),
    ):
        belongs = np.arange(atoms)
        belongs[moved] = np.roll(moved, 1)
        energies, forces = noisy(test, rng, 0.01, 0.2)
        yield Case(
            kind,
            (energies, forces[:, belongs]),
            "permuted-atoms",
            lambda finding, b=tuple(belongs): finding.evidence["belongs"] == b,
        )


def shuffled(test: Frames, rng: Rng, kind: str, share: float) -> Case:
    moved = rng.choice(len(test), max(2, round(share * len(test))), replace=False)
    order = np.arange(len(test))
    order[moved] = np.roll(moved, 1)
    energies, forces = noisy(test, rng, 0.01, 0.2)
    return Case(
        kind,
        (energies[order], forces[order]),
        "shuffled-frames",
        lambda finding: abs(finding.evidence["share"] - share) < 0.02,
    )


def other_faults(test: Frames, rng: Rng) -> Iterator[Case]:
    energies, forces = noisy(test, rng, 0.01, 0.2)
    yield Case("sign of forces", (energies, -forces), "sign-of-forces")
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    yield Case("axes turned", (energies, forces @ turn), "rotated-forces")
    yield Case("axes swapped", (energies, forces[:, :, [2, 1, 0]]), "rotated-forces")
    by_axis = forces.transpose(0, 2, 1).reshape(forces.shape)
    yield Case("components axis by axis", (energies, by_axis), "reshaped-forces")
    offset = rng.choice([-1, 1]) * test.energies.std() * 10 ** rng.uniform(0, 4)
    yield Case("constant offset", (energies + offset, forces), "energy-offset")
    for unit, factor in units.ENERGY_UNITS.items():
        single = (energies / factor).astype(np.float32)
        step = float(np.spacing(np.abs(single).min())) * factor
        if step <= STEP:  # of small energies, as hydrogen's: it does no harm, and is no finding
            continue
        yield Case(
            "float32 energies",
            (single.astype(np.float64) * factor, forces),
            "quantised-energy",
            lambda finding, step=step: abs(finding.evidence["step"] / step - 1) < 1e-6,
            {"energy_unit": unit, "length_unit": "Å"},
        )
    decimals = int(rng.integers(0, 3))
    yield Case(
        "rounded energies",
        (energies.round(decimals), forces),
        "quantised-energy",
        lambda finding: abs(finding.evidence["step"] / 10.0**-decimals - 1) < 1e-6,
    )


def found_in(
    name: str, subset: str, values: Values, source: dict[str, str] | None = None
) -> list[Finding]:
    dataset, test, _ = system(name, subset)
    energies, forces = values
    prediction = Prediction(
        dataset=name,
        subset=subset,
        energies=energies,
        forces=forces,
        frame_ids=test.ids,
        source=source or {},
    )
    return check_against(prediction, test, dataset)[1]


def alarms(findings: list[Finding], values: Values, test: Frames) -> list[Finding]:
    """Findings about an honest prediction that are not true."""
    error = values[0] - test.energies
    return [
        item
        for item in findings
        if item.severity == "error"
        or (item.code == "energy-offset" and abs(error.mean()) < 3 * error.std())
        or (item.code.startswith("scale-of-") and 0.95 < item.evidence["slope"] < 1.05)
        or item.code == "quantised-energy"
    ]


def false_alarms(kind: Callable[..., Values], seeds: int) -> tuple[int, int, list[Finding]]:
    """Honest predictions of a kind: how many, how many with warnings, and what is untrue."""
    count = warned = 0
    wrong = []
    for seed, place in product(range(seeds), SYSTEMS):
        _, test, other = system(*place)
        values = kind(test, other, np.random.default_rng([seed, SYSTEMS.index(place)]))
        findings = found_in(*place, values)
        count += 1
        warned += bool(findings)
        wrong += alarms(findings, values, test)
    return count, warned, wrong


def faults(seeds: int, pairs: int) -> Iterator[tuple[tuple[str, str], Case]]:
    for seed, place in product(range(seeds), SYSTEMS):
        _, test, other = system(*place)
        rng = np.random.default_rng([seed, SYSTEMS.index(place)])
        generated = [*wrong_units(test, rng, pairs), *permuted(test, rng), *other_faults(test, rng)]
        generated += [
            *conventions(test, other, rng),
            shuffled(test, rng, "two frames swapped", 0.0),
            shuffled(test, rng, "10 to 99 % of the frames shuffled", rng.uniform(0.1, 0.99)),
            shuffled(test, rng, "all frames shuffled", 1.0),
        ]
        for item in generated:
            yield place, item


def rates(seeds: int, pairs: int) -> dict[str, np.ndarray]:
    """For each kind of fault: cases, found, rightly named, taken for another error too."""
    table: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(4, dtype=int))
    for place, item in faults(seeds, pairs):
        findings = found_in(*place, item.values, item.source)
        sought = {item.code} | EITHER.get(item.code, set())
        hits = [finding for finding in findings if finding.code in sought]
        allowed = sought | BESIDE.get(item.kind, set())
        others = any(f.severity == "error" and f.code not in allowed for f in findings)
        table[item.kind] += [1, bool(hits), any(map(item.right, hits)), others]
    return table


@pytest.fixture(scope="module")
def measured() -> dict[str, np.ndarray]:
    return rates(seeds=2, pairs=12)


@pytest.mark.parametrize("kind", HONEST)
def test_honest_predictions_raise_no_false_alarm(kind):
    assert false_alarms(kind, seeds=5)[2] == []


def test_faults_are_found_and_rightly_named(measured):
    # Of the 210 pairs of force units two differ by 4 %, less than a model may be off.
    least = {
        "force unit": 0.95,
        "both units": 0.95,
        "both units, slope 0.8 to 1": 0.85,
        "the same less a constant": 0.9,
    }
    assert sum(cases for cases, *_ in measured.values()) > 700
    for kind, (cases, _, right, _) in measured.items():
        assert right >= least.get(kind, 1.0) * cases, kind


def test_faults_are_not_taken_for_others(measured):
    assert [kind for kind, (*_, others) in measured.items() if others] == []


def main(seeds: int) -> None:
    print("honest predictions: cases, with a warning, false alarms")
    for kind in (*HONEST, forces_shrunk_alone):
        count, warned, wrong = false_alarms(kind, seeds)
        print(f"{kind.__name__.replace('_', ' '):42} {count:5} {warned:5} {len(wrong):5}")
    print("faults: cases, found, rightly named, taken for another error too")
    for name, counts in rates(seeds, pairs=40).items():
        print(f"{name:42}" + "".join(f"{count:6}" for count in counts))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
