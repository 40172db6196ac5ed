"""The observables of simulations: of which systems they are, and against other codes and theory."""

from __future__ import annotations

import numpy as np
import pytest

import teadata
from teadata.errors import UsageError
from teaeval import observables
from teaeval.observables import hydrogen_bonds, registry
from teaeval.observables.system import Sample, System

ALWAYS = {"vibrations", "forces", "temperatures"}
BONDS = {"bond-lengths", "angular", "radial"}
PEPTIDE = {"gyration", "end-to-end", "ramachandran", "hydrogen-bonds", "hydrogen-bond-lifetime"}
SHEET = {"height", "tilt", "rotation", "lateral-position"}
PEROVSKITE = {
    "methylammonium",
    "methylammonium-relaxation",
    "lead-iodide",
    "lead-iodide-angles",
    "octahedral-tilts",
}


def of(name: str) -> tuple[System, teadata.Frames]:
    data = teadata.load(name)
    return System(data.frames[0], 300.0, data.card.groups), data.frames


def measured(system: System, name: str, sample: Sample) -> dict[str, np.ndarray]:
    (observable,) = registry.chosen(system, [name])
    return dict(observable.measure(system, sample))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mini-i", ALWAYS | BONDS | PEPTIDE),
        ("mini-ii", ALWAYS | BONDS | PEPTIDE),
        ("mini-iii", ALWAYS | BONDS | SHEET),
        ("mini-iv", ALWAYS | BONDS | PEROVSKITE),
    ],
)
def test_what_can_be_asked_of_each_system(name, expected):
    system, frames = of(name)
    chosen = registry.chosen(system)
    assert {one.name for one in chosen} == expected
    few = frames[:30]
    sample = Sample(few.positions, few.cell, few.forces * 1e-4, few.forces, 40.0)
    for one in chosen:
        values = {} if one.name == "vibrations" else one.measure(system, sample)
        for quantity in one.quantities(system) if values else []:
            part = quantity.part(values[quantity.name])
            assert np.isfinite(part.row).all(), (one.name, quantity.name)
            assert quantity.weight(part.row) > 0, (one.name, quantity.name)
    with pytest.raises(UsageError, match="there are: "):
        registry.chosen(system, ["height" if name != "mini-iii" else "gyration"])
    with pytest.raises(UsageError, match="did you mean 'radial'"):
        registry.chosen(system, ["radal"])


@pytest.mark.parametrize("name", ["mini-i", "mini-ii"])
def test_hydrogen_bonds_are_mdanalysis(name):
    mda = pytest.importorskip("MDAnalysis")
    from MDAnalysis.analysis.hydrogenbonds import HydrogenBondAnalysis

    system, frames = of(name)
    few = frames[::40]
    there = hydrogen_bonds.triples(system)
    # as MDAnalysis has them: in single precision
    positions = few.positions.astype(np.float32).astype(np.float64)
    held = hydrogen_bonds.bonds_of(Sample(positions), there)
    found = {(n, *there[t].tolist()) for n, t in np.argwhere(held)}
    universe = mda.Universe.empty(positions.shape[1], trajectory=True)
    universe.load_new(few.positions)
    universe.add_TopologyAttr("bonds", np.argwhere(np.triu(system.bonds)))
    select = ["index " + " ".join(map(str, np.unique(column))) for column in there.T]
    theirs = HydrogenBondAnalysis(
        universe, donors_sel=select[0], hydrogens_sel=select[1], acceptors_sel=select[2],
        d_a_cutoff=hydrogen_bonds.REACH, d_h_a_angle_cutoff=hydrogen_bonds.LEAST_ANGLE,
        update_selections=False,
    )  # fmt: skip
    theirs.run()
    expected = {tuple(int(x) for x in row[:4]) for row in theirs.results.hbonds}
    assert len(expected) > 100
    assert found == expected


def test_lifetime_of_a_bond_that_comes_and_goes():
    system, frames = of("mini-i")
    positions = frames[:300].positions
    held = hydrogen_bonds.bonds_of(Sample(positions), hydrogen_bonds.triples(system))
    values = measured(system, "hydrogen-bond-lifetime", Sample(positions, spacing=40.0))
    time, breaks = values["lifetime"].sum(axis=0)
    assert breaks == (held[:-1] & ~held[1:]).sum()
    assert time == pytest.approx(0.04 * held[:-1].sum())


def test_radial_distributions_are_those_of_rdf():
    system, frames = of("mini-iv")
    few = frames[:20]
    (observable,) = registry.chosen(system, ["radial"])
    values = observable.measure(system, Sample(few.positions, few.cell))
    quantities = {one.name: one for one in observable.quantities(system)}
    bins = quantities["I–Pb"].axis.bins
    theirs = observables.rdf(few.positions, few.numbers, few.cell, r_max=0.1 * bins, bins=bins)
    for name, pair in (("I–Pb", ("I", "Pb")), ("C–N", ("C", "N")), ("H–H", ("H", "H"))):
        part = quantities[name].part(values[name])
        expected = next(v for k, v in theirs.items() if set(k) == set(pair))
        np.testing.assert_allclose(quantities[name].shown(part.row), expected.g, rtol=1e-9)


def test_bond_angles_are_ases():
    system, frames = of("mini-i")
    values = measured(system, "angular", Sample(frames[5:6].positions))
    (atoms,) = frames[5:6].to_ase()
    from teaeval.observables.structure import bonded_triples

    triples = system.by_elements(bonded_triples(system))
    for name, found in values.items():
        expected = atoms.get_angles(triples[name])
        np.testing.assert_allclose(found[0], expected, atol=1e-8)


def rotation(axis: int, degrees: float) -> np.ndarray:
    angle, (i, j) = np.radians(degrees), [k for k in range(3) if k != axis]
    turn = np.eye(3)
    turn[i, i] = turn[j, j] = np.cos(angle)
    turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
    return turn


def test_a_molecule_that_is_moved_on_its_sheet():
    """By known amounts, whichever image of the atoms is stored and wherever the sheet has gone."""
    system, frames = of("mini-iii")
    cell = frames.cell[0]
    (molecule,) = (np.array(atoms) for atoms in system.groups["mol"])
    heavy = system.numbers[molecule] > 1
    start = frames.positions[0].copy()
    weights = system.masses[molecule] / system.masses[molecule].sum()
    centre = weights @ start[molecule]
    # flat, its longest axis along x
    _, axes = np.linalg.eigh(np.cov((start[molecule] - centre)[heavy].T))
    flat = (start[molecule] - centre) @ axes[:, ::-1]
    flat -= weights @ flat
    sheet = np.setdiff1d(np.arange(len(start)), molecule)
    level = start[sheet, 2].mean()

    def placed(site, height, tilt, turn):
        positions = start.copy()
        where = np.append(site, 0.0) @ cell / 7
        where[2] = level + height
        moved = flat @ rotation(0, tilt).T @ rotation(2, turn).T
        positions[molecule] = moved - weights @ moved + where
        return positions

    rng = np.random.default_rng(3)
    expected = [(0.2, 0.6, 3.0, 20.0, 10.0), (0.7, 0.1, 4.5, 45.0, 50.0)]
    both = np.stack([placed((a, b), h, t, r) for a, b, h, t, r in expected])
    drifted = both + rng.uniform(-5, 5, (2, 1, 3)) + rng.integers(-2, 3, (2, 114, 3)) @ cell
    sites = []
    for positions in (both, drifted):
        sample = Sample(positions, np.broadcast_to(cell, (2, 3, 3)))
        # wrapped atoms have no mean height: the sheet is put back
        if positions is drifted:
            positions[:, :, 2] -= np.rint((drifted - both)[:, :, 2] / cell[2, 2]) * cell[2, 2]
        for name, column in (("height", 2), ("tilt", 3), ("rotation", 4)):
            found = measured(system, name, sample)[name]
            np.testing.assert_allclose(found, [row[column] for row in expected], atol=0.05)
        sites.append(measured(system, "lateral-position", sample)["site"])
    np.testing.assert_allclose(sites[0], sites[1], atol=1e-9)
    apart = (sites[0][1] - sites[0][0] - (0.5, -0.5) + 0.5) % 1 - 0.5
    np.testing.assert_allclose(apart, 0, atol=1e-9)


@pytest.mark.parametrize("phase", ["in phase", "antiphase"])
def test_octahedra_that_are_turned(phase):
    """A cubic lattice whose octahedra turn by 8° about one axis, in phase along it or not."""
    side, angle, axis = 6.3, np.radians(8.0), 2
    sites = np.stack(np.meshgrid(*[[0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    places, iodine = side * sites.astype(float), []
    for site in sites:
        for along in range(3):
            middle = side * (site + 0.5 * np.eye(3)[along])
            sign = (-1.0) ** (site[0] + site[1] + (site[2] if phase == "antiphase" else 0))
            if along != axis:  # shared by two octahedra that turn against each other
                across = np.cross(np.eye(3)[axis], np.eye(3)[along])
                middle = middle + sign * side / 2 * np.tan(angle) * across
            iodine.append(middle)
    centre = side * (sites + 0.5)
    half = np.array([0, 0, 0.7])
    ions = np.stack([centre - half, centre + half], axis=1).reshape(-1, 3)
    positions = np.concatenate([places, iodine, ions])
    numbers = np.array([82] * 8 + [53] * 24 + [6, 7] * 8)
    cell = 2 * side * np.eye(3)
    frame = teadata.Frames(
        numbers=numbers, positions=positions[None], energies=np.zeros(1),
        forces=np.zeros((1, 48, 3)), cell=cell[None], pbc=np.array([True] * 3), ids=np.arange(1),
    )  # fmt: skip
    groups = {"mol": [[32 + 2 * i, 33 + 2 * i] for i in range(8)]}
    system = System(frame, 300.0, groups)
    found = measured(system, "octahedral-tilts", Sample(positions[None], cell[None]))
    other = "antiphase" if phase == "in phase" else "in phase"
    np.testing.assert_allclose(found[phase][0], [0, 0, 8], atol=1e-6)
    np.testing.assert_allclose(found[other][0], 0, atol=1e-6)
    corners = measured(system, "lead-iodide-angles", Sample(positions[None], cell[None]))
    assert np.unique(corners["Pb–I–Pb"].round(3)).tolist() == [164, 180]
    # axes that turn once in 4 ps in the plane across the second cell vector
    turns = np.stack([rotation(1, 360 * t / 80) for t in range(80)])
    moving = np.repeat(positions[None], 80, axis=0)
    moving[:, 33::2] = moving[:, 32::2] + np.einsum("nij,j->ni", turns, (0, 0, 1.4))[:, None]
    sample = Sample(moving, np.broadcast_to(cell, (80, 3, 3)), spacing=50.0)
    curve = measured(system, "methylammonium-relaxation", sample)["C–N"]
    lags = 50.0 * (np.arange(20) + 0.5)
    np.testing.assert_allclose(curve, np.cos(2 * np.pi * lags / 4000), atol=2e-3)
    directions = measured(system, "methylammonium", sample)["C–N"]
    assert directions[0, 0, 0] == pytest.approx(1)
    assert abs(directions[20, 0, 0]) < 1e-9


@pytest.mark.parametrize(
    ("pbc", "atoms", "expected"),
    [
        ((True, True, True), 27, {"angular": "no atom of Ar27 has two covalent bonds"}),
        (
            (True, True, False),
            27,
            dict.fromkeys(("radial", "neighbour-angles"), "periodic along 2 of three")
            | {"angular": "no atom"},
        ),
        (
            (True, True, True),
            1331,
            {
                "angular": "no atom",
                "radial": "1331 atoms have too many",
                "neighbour-angles": "1331 atoms are too many",
            },
        ),
    ],
)
def test_what_a_periodic_system_does_not_have_is_said(pbc, atoms, expected):
    side = round(atoms ** (1 / 3))
    places = 3.8 * np.stack(np.meshgrid(*[np.arange(side)] * 3), axis=-1).reshape(1, -1, 3)
    frames = teadata.Frames(
        np.full(atoms, 18), places, np.zeros(1), 0 * places,
        cell=np.eye(3)[None] * 3.8 * side, pbc=np.array(pbc),
    )  # fmt: skip
    system = System(frames)
    reasons = registry.absent(system)
    assert set(reasons) == set(expected)
    for name, text in expected.items():
        assert text in reasons[name]
        with pytest.raises(UsageError, match=text):
            registry.chosen(system, [name])


def _frames(symbols: str, positions, cell, pbc) -> teadata.Frames:
    from ase import Atoms

    atoms = Atoms(symbols, positions)
    count = len(atoms)
    return teadata.Frames(
        numbers=atoms.numbers, positions=atoms.positions[None], energies=np.zeros(1),
        forces=np.zeros((1, count, 3)), cell=np.asarray(cell, dtype=float)[None],
        pbc=np.array(pbc), ids=np.arange(1),
    )  # fmt: skip


@pytest.mark.parametrize("third", [(0, 0, 0), (1, 0, 3.0), (0, 0, 3.0)])
def test_a_slab_has_images_along_its_periodic_vectors_alone(third):
    """Whatever its third vector is: none, oblique, or shorter than the slab is thick."""
    cell = np.array([(6.0, 0, 0), (0, 6.0, 0), third])
    positions = np.array([[(0.0, 0, 0), (0, 5.0, 2.5)]])
    sample = Sample(positions, cell[None], pbc=np.array([True, True, False]))
    pair = np.array([[0, 1]])
    np.testing.assert_allclose(sample.vectors(pair)[0, 0], (0, -1, 2.5), atol=1e-12)


def test_a_molecule_above_a_sheet_in_no_third_period():
    """Farther above the sheet than half of a third vector, which is not periodic."""
    system, frames = of("mini-iii")
    (molecule,) = (np.array(atoms) for atoms in system.groups["mol"])
    cell = frames.cell[0].copy()
    cell[2] = (1.0, 0, 8.0)
    positions = frames.positions[:1].copy()
    before = measured(system, "height", Sample(positions, frames.cell[:1]))["height"][0]
    site = measured(system, "lateral-position", Sample(positions, frames.cell[:1]))["site"]
    positions[:, molecule] += (0, 0, 6.0)
    above = Sample(positions, cell[None], pbc=np.array([True, True, False]))
    assert measured(system, "height", above)["height"][0] == pytest.approx(before + 6)
    np.testing.assert_allclose(measured(system, "lateral-position", above)["site"], site, atol=1e-6)


def test_a_box_that_nothing_is_periodic_in_makes_no_images():
    from teaeval.md.sources import Labelled

    frame = _frames("HOH", [(0, 0, 0), (0.96, 0, 0), (1.2, 0.93, 0)], 1.5 * np.eye(3), [False] * 3)
    ((sample),) = Labelled(frame).pieces(registry.observables()["bond-lengths"])
    lengths = sample.lengths(np.array([[0, 1], [0, 2]]))[0]
    np.testing.assert_allclose(lengths, [0.96, np.hypot(1.2, 0.93)])


def test_cells_of_several_sizes_have_no_one_density():
    frame = _frames("Ar4", np.eye(4, 3) * 4, 8 * np.eye(3), [True] * 3)
    one = System(frame, cells=np.stack([9 * np.eye(3)] * 2))
    (quantity,) = registry.observables()["radial"].quantities(one)
    assert quantity.ideal[-1] == pytest.approx(
        6 * 4 / 3 * np.pi * (4.5**3 - 4.4**3) / 9**3
    )  # of the cell that is simulated
    several = System(frame, cells=np.stack([8 * np.eye(3), 9 * np.eye(3)]))
    assert not registry.observables()["radial"].quantities(several)
    assert "cells of several sizes" in registry.absent(several)["radial"]
