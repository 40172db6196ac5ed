"""Radial distributions and neighbours, against MDAnalysis."""

from __future__ import annotations

import MDAnalysis
import numpy as np
import pytest
from MDAnalysis.analysis.rdf import InterRDF

import teadata
from teadata.errors import DataError, UsageError
from teaeval.observables import mutual_neighbours, rdf
from teaeval.observables.pairs import largest_radius

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def perovskite():
    return teadata.load("mini-iv").split("complete/test")[:12]


@pytest.fixture(scope="module")
def oblique():
    """Random atoms in cells that are oblique and change, wrapped or not."""
    rng = np.random.default_rng(1)
    cell = np.array([[9.0, 0, 0], [2.0, 8.0, 0], [-1.0, 1.5, 10.0]])
    cells = cell + rng.normal(0, 0.05, (8, 3, 3)) * np.tri(3)
    positions = rng.uniform(-1, 2, (8, 40, 3)) @ cells
    return positions, np.repeat([1, 8], [25, 15]), cells


def universe(positions, numbers, cells):
    """MDAnalysis' idea of the same trajectory."""
    found = MDAnalysis.Universe.empty(len(numbers), trajectory=True)
    found.add_TopologyAttr("type", [str(n) for n in numbers])
    cells = np.broadcast_to(cells, (len(positions), 3, 3))
    boxes = np.stack([MDAnalysis.lib.mdamath.triclinic_box(*cell) for cell in cells])
    found.load_new(positions.astype(np.float32), dimensions=boxes.astype(np.float32))
    return found


def theirs(positions, numbers, cells, pair, r_max, bins):
    made = universe(positions, numbers, cells)
    first, second = (made.select_atoms(f"type {n}") for n in pair)
    block = (1, 1) if pair[0] == pair[1] else None
    return InterRDF(
        first, second, nbins=bins, range=(0, r_max), exclusion_block=block
    ).run().results  # fmt: skip


def standard(cells):
    """The same cells turned so that the first vector lies along x: what MDAnalysis can hold."""
    q, r = np.linalg.qr(cells.transpose(0, 2, 1))
    signs = np.sign(np.diagonal(r, axis1=1, axis2=2))
    return (r * signs[:, :, None]).transpose(0, 2, 1), q * signs[:, None, :]


@pytest.mark.parametrize("pair", [("I", "I"), ("Pb", "I"), ("H", "N")])
def test_rdf_is_that_of_mdanalysis(perovskite, pair):
    numbers = [perovskite.numbers[perovskite.symbols.index(s)] for s in pair]
    cells, turn = standard(perovskite.cell)
    positions = perovskite.positions @ turn
    reach = largest_radius(cells)
    found = rdf(positions, perovskite.numbers, cells, pairs=[pair], r_max=reach, bins=60)[pair]
    expected = theirs(positions, perovskite.numbers, cells, numbers, reach, 60)
    # single precision moves a distance in a million across an edge
    assert np.abs(found.counts[0] - expected.count).sum() <= 1e-5 * expected.count.sum() + 2
    moved = np.abs(found.counts[0] - expected.count) / np.maximum(found.ideal[0], 1e-9)
    assert np.all(np.abs(found.g - expected.rdf) <= 1e-4 * expected.rdf + 1.01 * moved)
    assert found.g.max() > 1.5


def test_rdf_in_oblique_cells_is_that_of_mdanalysis(oblique):
    positions, numbers, cells = oblique
    reach = largest_radius(cells)
    found = rdf(positions, numbers, cells, bins=25)
    assert set(found) == {("H", "H"), ("H", "O"), ("O", "O")}
    for (a, b), names in [((1, 1), ("H", "H")), ((1, 8), ("H", "O")), ((8, 8), ("O", "O"))]:
        cells_, turn = standard(cells)
        expected = theirs(positions @ turn, numbers, cells_, (a, b), reach, 25)
        assert np.abs(found[names].counts[0] - expected.count).sum() <= 4
        assert found[names].g.mean() == pytest.approx(expected.rdf.mean(), rel=0.02)


def test_rdf_of_order_blocks_images_and_units(oblique):
    positions, numbers, cells = oblique
    whole = rdf(positions, numbers, cells, bins=20)
    blocks = rdf(positions, numbers, cells, bins=20, blocks=3)
    shifted = rdf(positions + 3 * cells[:, :1] - cells[:, 1:2], numbers, cells, bins=20)
    order = np.random.default_rng(0).permutation(len(numbers))
    mixed = rdf(positions[:, order], numbers[order], cells, bins=20)
    for name, found in whole.items():
        np.testing.assert_array_equal(blocks[name].counts.sum(axis=0), found.counts[0])
        np.testing.assert_array_equal(mixed[name].counts, found.counts)
        assert np.abs(shifted[name].counts - found.counts).sum() <= 2
        assert found.coordination[-1] == found.counts.sum() / (8 * found.centres)


def test_a_pair_asked_for_in_both_orders_is_counted_in_both(oblique):
    positions, numbers, cells = oblique
    once = rdf(positions, numbers, cells, pairs=[("O", "H")])["O", "H"]
    both = rdf(positions, numbers, cells, pairs=[("O", "H"), ("H", "O")])
    np.testing.assert_array_equal(both["O", "H"].counts, once.counts)
    np.testing.assert_allclose(both["H", "O"].g, both["O", "H"].g)


def test_rdf_of_a_gas_is_one():
    rng = np.random.default_rng(2)
    cell = np.diag([10.0, 12.0, 11.0])
    positions = rng.uniform(0, 1, (300, 60, 3)) @ cell
    found = rdf(positions, np.full(60, 18), cell, bins=10)["Ar", "Ar"]
    expected = found.ideal.sum(axis=0)
    assert (np.abs(found.counts[0] - expected) < 5 * np.sqrt(2 * expected)).all()
    assert found.density == pytest.approx(60 / (10 * 12 * 11))


def test_rdf_refuses_what_it_cannot_know(oblique):
    positions, numbers, cells = oblique
    with pytest.raises(UsageError, match="half the cell's least width"):
        rdf(positions, numbers, cells, r_max=30.0)
    with pytest.raises(UsageError, match="no atom 'N' here; there are H, O"):
        rdf(positions, numbers, cells, pairs=[("N", "O")])
    with pytest.raises(UsageError, match="9 blocks of 8 frames"):
        rdf(positions, numbers, cells, blocks=9)
    with pytest.raises(DataError, match="one for each atom"):
        rdf(positions, numbers[:-1], cells)
    with pytest.raises(DataError, match="no finite volume"):
        rdf(positions, numbers, np.zeros((3, 3)))
    broken = positions.copy()
    broken[5, 3] = np.nan
    with pytest.raises(DataError, match=r"1 of 8 frames .* the first is 5"):
        rdf(broken, numbers, cells)


def test_molecules_are_mutual_nearest_neighbours():
    cell = np.eye(3) * 6.0
    # a molecule across the cell's face, a third atom nearer to it than to anything, a lone one
    positions = np.array([[[0.2, 0, 0], [5.5, 0, 0], [1.1, 0, 0], [3.0, 3.0, 3.0]]])
    np.testing.assert_array_equal(mutual_neighbours(positions, cell, 1.0), [[1, 0, -1, -1]])
    np.testing.assert_array_equal(mutual_neighbours(positions, cell, 0.6), [[-1, -1, -1, -1]])
    with pytest.raises(UsageError, match=r"cutoff of 3\.5 Å"):
        mutual_neighbours(positions, cell, 3.5)


def test_molecules_of_hydrogen_by_mdanalysis():
    data = teadata.load("mini-hydrogen")
    run = next(run for run in data.card.trajectories if run.continuous)
    frames = data.trajectory(run.index)[:100:20]
    found = mutual_neighbours(frames.positions, frames.cell, 1.1)
    for positions, cell, partners in zip(frames.positions, frames.cell, found, strict=True):
        box = MDAnalysis.lib.mdamath.triclinic_box(*cell)
        distances = MDAnalysis.lib.distances.distance_array(positions, positions, box=box)
        np.fill_diagonal(distances, np.inf)
        nearest = distances.argmin(axis=1)
        pair = (nearest[nearest] == np.arange(32)) & (distances.min(axis=1) < 1.1)
        np.testing.assert_array_equal(partners, np.where(pair, nearest, -1))
    assert (found >= 0).mean() > 0.9
