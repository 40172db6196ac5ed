"""Angles, dihedral angles and Ramachandran maps, against MDAnalysis."""

from __future__ import annotations

import MDAnalysis
import numpy as np
import pytest
from MDAnalysis.lib.distances import calc_angles, calc_dihedrals, capped_distance

import teadata
from teadata.errors import DataError, UsageError
from teaeval.observables import adf, backbone, dihedrals, gyration_radii, ramachandran


@pytest.fixture(scope="module")
def peptide():
    return teadata.load("mini-i").split("complete/test")[:40]


def angles_by_mdanalysis(positions, numbers, triple, cutoff, box=None):
    near = capped_distance(positions, positions, cutoff, 1e-3, box=box, return_distances=False)
    partners = {i: near[near[:, 0] == i, 1] for i in range(len(numbers))}
    left, middle, right = triple
    rows = [
        (a, i, b)
        for i in np.flatnonzero(numbers == middle)
        for n, a in enumerate(partners[i])
        for b in partners[i][n + 1 :]
        if sorted((numbers[a], numbers[b])) == sorted((left, right))
    ]
    a, b, c = np.array(rows).T
    return np.degrees(calc_angles(positions[a], positions[b], positions[c], box=box))


@pytest.mark.parametrize("triple", [("H", "C", "H"), ("C", "C", "N"), ("O", "C", "N")])
def test_adf_is_that_of_mdanalysis(peptide, triple):
    numbers = [teadata.elements.SYMBOLS.index(s) for s in triple]
    found = adf(peptide.positions, peptide.numbers, triple, 1.7, bins=45)
    expected = np.concatenate(
        [angles_by_mdanalysis(p, peptide.numbers, numbers, 1.7) for p in peptide.positions]
    )
    np.testing.assert_array_equal(found.counts[0], np.histogram(expected, found.edges)[0])
    assert found.density.sum() * 4 == pytest.approx(1.0)


def test_adf_across_the_faces_of_a_cell():
    frames = teadata.load("mini-iv").split("complete/test")[:3]
    box = MDAnalysis.lib.mdamath.triclinic_box(*frames.cell[0])
    found = adf(frames.positions, frames.numbers, ("I", "Pb", "I"), 4.0, cell=frames.cell, blocks=3)
    for positions, counts in zip(frames.positions, found.counts, strict=True):
        wrapped = MDAnalysis.lib.distances.apply_PBC(positions.astype(np.float32), box)
        expected = angles_by_mdanalysis(wrapped, frames.numbers, (53, 82, 53), 4.0, box)
        ours = np.repeat(found.edges[:-1] + 1, counts.astype(int))
        assert len(ours) == len(expected)
        assert np.abs(np.sort(ours) - np.sort(expected)).max() <= 1.01  # half a bin


def test_dihedrals_are_those_of_mdanalysis(peptide):
    chain = backbone(peptide[:1])
    quadruples = np.concatenate([chain.phi, chain.psi])
    found = dihedrals(peptide.positions, quadruples)
    expected = [calc_dihedrals(*np.moveaxis(p[quadruples], 1, 0)) for p in peptide.positions]
    np.testing.assert_allclose(found, np.degrees(expected), atol=1e-6)
    mirrored = dihedrals(peptide.positions * [1, 1, -1], quadruples)
    np.testing.assert_allclose(mirrored, -found, atol=1e-9)


def test_backbone_of_three_alanines_by_mdanalysis(peptide):
    chain = backbone(peptide[:1])
    assert chain.names == ("ALA2", "ALA3", "ALA4")
    residues = teadata.structure.residues.residues(peptide[:1])
    names = np.empty(42, dtype=object)
    names[:] = "X"
    for phi, psi in zip(chain.phi, chain.psi, strict=True):
        for quadruple, labels in ((phi, ("C", "N", "CA", "C")), (psi, ("N", "CA", "C", "N"))):
            names[quadruple] = labels
    index = np.empty(42, dtype=int)
    for i, residue in enumerate(residues):
        index[list(residue.atoms)] = i
    order = np.argsort(index, kind="stable")
    made = MDAnalysis.Universe.empty(
        42, n_residues=5, atom_resindex=index[order], trajectory=True
    )  # fmt: skip
    made.add_TopologyAttr("names", list(names[order]))
    made.add_TopologyAttr("resids", [1, 2, 3, 4, 5])
    made.add_TopologyAttr("segids", ["A"])
    made.atoms.positions = peptide.positions[0][order]
    expected = []
    for residue in made.residues[1:4]:
        expected += [residue.phi_selection(), residue.psi_selection()]
    found = dihedrals(peptide.positions[:1], np.stack([chain.phi, chain.psi], 1).reshape(-1, 4))
    np.testing.assert_allclose(found[0], [a.dihedral.value() for a in expected], atol=1e-3)


def test_backbone_of_the_longer_peptide():
    frames = teadata.load("mini-ii").split("complete/test")[:1]
    chain = backbone(frames)
    assert [name[:3] for name in chain.names] == ["PHE", "ALA", "ALA", "ALA", "ALA", "ALA"]
    with pytest.raises(UsageError, match="not a peptide"):
        backbone(teadata.load("mini-iii").split("complete/test")[:1])


def test_ramachandran_map_counts_every_residue(peptide):
    chain = backbone(peptide[:1])
    phi, psi = (dihedrals(peptide.positions, atoms) for atoms in (chain.phi, chain.psi))
    counts = ramachandran(phi, psi, bins=12, blocks=4)
    assert counts.shape == (4, 12, 12)
    assert (counts.sum(axis=(1, 2)) == 30).all()
    (x,), (y,) = np.nonzero(ramachandran([-60.0], [140.0])[0])
    assert (x, y) == (12, 32)
    with pytest.raises(DataError, match="expected the same"):
        ramachandran(phi, psi[:5])


def test_a_line_has_no_dihedral():
    positions = np.array([[[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 1, 0.0]]])
    with pytest.raises(DataError, match="on a line"):
        dihedrals(positions, [[0, 1, 2, 3]])
    with pytest.raises(DataError, match=r"atoms 0 to 4; there are 4"):
        dihedrals(positions, [[0, 1, 2, 4]])


def test_radius_of_gyration_is_that_of_mdanalysis(peptide):
    made = MDAnalysis.Universe.empty(42, trajectory=True)
    made.add_TopologyAttr("masses", np.array(teadata.elements.MASSES)[peptide.numbers])
    heavy = made.atoms[peptide.numbers > 1]
    expected = []
    for positions in peptide.positions:
        made.atoms.positions = positions
        expected.append(heavy.radius_of_gyration())
    found = gyration_radii(peptide.positions, peptide.numbers)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    with pytest.raises(UsageError, match="there are none"):
        gyration_radii(peptide.positions, np.ones(42, dtype=int))
