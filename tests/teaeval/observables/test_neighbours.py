"""Angles between neighbours where no bonds are covalent: crystals by counting, others by adf."""

from __future__ import annotations

import numpy as np
import pytest

from teadata.frames import Frames
from teaeval.observables import adf, neighbours, registry
from teaeval.observables.system import Sample, System

build = pytest.importorskip("ase.build")
pytest.importorskip("vesin")


def system_of(atoms) -> System:
    cell = np.array(atoms.cell)[None] if atoms.pbc.any() else None
    frame = Frames(
        positions=atoms.positions[None],
        numbers=atoms.numbers,
        energies=np.zeros(1),
        forces=np.zeros((1, len(atoms), 3)),
        cell=cell,
        pbc=tuple(bool(axis) for axis in atoms.pbc),
    )
    return System(frame)


def measured(system: System, positions: np.ndarray) -> dict[str, np.ndarray]:
    (observable,) = registry.chosen(system, ["neighbour-angles"])
    cell = system.frame.cell
    cells = None if cell is None else np.repeat(cell, len(positions), axis=0)
    return dict(observable.measure(system, Sample(positions, cells)))


def counted(row: np.ndarray) -> dict[int, int]:
    """How many angles there are in the bin that begins with so many degrees."""
    counts = row[: neighbours.ANGLES.bins]
    return {int(3 * n): int(counts[n]) for n in np.flatnonzero(counts)}


def test_an_atom_of_a_face_centred_lattice_has_66_angles():
    """Of twelve neighbours 24 pairs are at 60°, 12 at 90°, 24 at 120° and 6 at 180°."""
    rng = np.random.default_rng(0)
    copper = build.bulk("Cu", cubic=True) * 2
    moved = copper.positions + rng.normal(0, 1e-4, (2, len(copper), 3))
    found = measured(system_of(copper), moved)["Cu–Cu–Cu"]
    assert found[:, -1].tolist() == [66 * len(copper)] * 2
    near = np.zeros(181)
    for start, count in counted(found.sum(axis=0)).items():
        near[min((60, 90, 120, 180), key=lambda angle: abs(angle - start))] += count
    assert (near[[60, 90, 120, 180]] / 2 / len(copper)).tolist() == [24, 12, 24, 6]


def test_the_one_atom_of_a_cell_has_its_own_images_for_neighbours():
    found = measured(system_of(build.bulk("Cu")), build.bulk("Cu").positions[None])
    assert found["Cu–Cu–Cu"][0, -1] == 66


def test_names_are_of_the_atoms_that_are_neighbours():
    salt = build.bulk("NaCl", "rocksalt", a=5.64, cubic=True) * 2
    found = measured(system_of(salt), salt.positions[None])
    assert sorted(found) == ["Cl–Na–Cl", "Na–Cl–Na"]
    assert found["Cl–Na–Cl"][0, -1] == 15 * 32  # of six neighbours


def test_a_cluster_without_a_cell_is_as_by_adf():
    cluster = build.molecule("Na2")  # two atoms: no angle
    assert not registry.observables()["neighbour-angles"].quantities(system_of(cluster))
    from ase.cluster import Octahedron

    copper = Octahedron("Cu", 4)
    copper.positions += np.random.default_rng(1).normal(0, 0.05, copper.positions.shape)
    system = system_of(copper)
    row = measured(system, copper.positions[None])["Cu–Cu–Cu"][0]
    (cutoff,) = neighbours.shells(system).values()
    expected = adf(
        copper.positions[None], copper.numbers, ("Cu", "Cu", "Cu"), cutoff, bins=60
    ).counts[0]
    np.testing.assert_array_equal(row[:60], expected)


def test_frames_without_an_angle_have_no_part_in_the_mean():
    quantity = neighbours.Counted("Cu–Cu–Cu", neighbours.ANGLES)
    rows = np.zeros((3, neighbours.ANGLES.bins + 6))
    rows[0, [20, -2, -1]] = 2, 122.0, 2
    rows[2, [30, -2, -1]] = 1, 91.0, 1
    part = quantity.part(rows)
    total, number = quantity.ratio(part.row)
    assert total / number == pytest.approx(71.0)
    assert part.series[:, 0].tolist() == [61.0, 71.0, 91.0]
    assert part.row[-1] == 3


def test_a_molecule_and_a_slab_have_none():
    water = build.molecule("H2O")
    assert not registry.observables()["neighbour-angles"].quantities(system_of(water))
    slab = build.fcc111("Cu", (2, 2, 3), vacuum=8.0)
    assert "periodic along 2 of three axes" in registry.absent(system_of(slab))["neighbour-angles"]
