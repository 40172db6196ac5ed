"""What observables are measured on: a system, and pieces of its trajectories, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from teadata.elements import MASSES, SYMBOLS
from teadata.frames import Frames
from teadata.typing import Floats, Ints, Mask
from teaeval.observables.arrays import chunks
from teaeval.observables.thermodynamics import Removed

HYDROGEN = 1

SAME_CELL = 1e-3
"""Å that vectors of one cell may differ by."""

COVALENT = (1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53)
"""Elements whose bonds with each other are covalent: H B C N O F Si P S Cl Se Br I."""

HALOGENS = (9, 17, 35, 53)


def covalent_atoms(numbers: Ints) -> Mask:
    """Which atoms (A,) have covalent bonds: no metals, nor halogens beside them, which are ions.

    Bonds of metals, e.g. Pb–I of a perovskite, break and form without harm; so do contacts of
    halogens where there is a metal, whose ions they are.
    """
    covalent = np.isin(numbers, COVALENT)
    return covalent if covalent.all() else covalent & ~np.isin(numbers, HALOGENS)


@dataclass(frozen=True)
class System:
    """A system: its atoms, one structure of it, and the temperature that is asked for.

    Parameters
    ----------
    frame
        One frame, whose bonds are taken for the system's.
    temperature
        Of the thermostat, K; None without one.
    groups
        Atoms of parts of the system by name, such as its molecules under ``mol``.
    removed
        Which motion of all atoms together its velocities lack: see
        :func:`teaeval.observables.thermodynamics.freedom_by_atom`.
    cells
        (n, 3, 3) cells that are simulated, in Å; that of the frame by default.
    """

    frame: Frames
    temperature: float | None = None
    groups: Mapping[str, Sequence[Sequence[int]]] = field(default_factory=dict)
    removed: Removed = "nothing"
    cells: Floats | None = None

    @property
    def numbers(self) -> Ints:
        """(A,) atomic numbers."""
        return self.frame.numbers

    @property
    def masses(self) -> Floats:
        """(A,) masses in u."""
        found: Floats = np.array(MASSES)[self.numbers]
        return found

    @property
    def periodic(self) -> bool:
        """Whether any axis is periodic."""
        return self.frame.periodic

    @property
    def cell(self) -> Floats | None:
        """(3, 3) in Å, the first that is simulated; None without periodic axes."""
        if self.frame.cell is None or not self.periodic:
            return None
        found: Floats = (self.frame.cell if self.cells is None else self.cells)[0]
        return found

    @property
    def one_cell(self) -> bool:
        """Whether all that is simulated is in cells of one size."""
        return self.cells is None or bool(np.ptp(self.cells, axis=0).max() <= SAME_CELL)

    @property
    def positions(self) -> Floats:
        """(A, 3) of the one structure, Å."""
        found: Floats = self.frame.positions[0]
        return found

    @cached_property
    def bonds(self) -> Any:
        """(A, A) which atoms are bonded in the one structure."""
        from teadata.structure.bonds import bonded

        return bonded(self.frame)

    @cached_property
    def steps(self) -> Floats:
        """(A, A) number of bonds on the shortest way between two atoms."""
        from scipy.sparse.csgraph import shortest_path

        found: Floats = shortest_path(self.bonds.astype(float), unweighted=True)
        return found

    @cached_property
    def pairs(self) -> dict[str, Ints]:
        """All pairs of atoms (P, 2), by their elements."""
        return self.by_elements(np.stack(np.triu_indices(len(self.numbers), 1), axis=1))

    @property
    def molecule(self) -> bool:
        """Whether this is one molecule without a cell."""
        from teadata.structure.bonds import connected_atoms

        return not self.periodic and len(connected_atoms(self.bonds)) == 1

    @property
    def elements(self) -> dict[str, Ints]:
        """The atoms of each element, by its symbol."""
        return {SYMBOLS[z]: np.flatnonzero(self.numbers == z) for z in np.unique(self.numbers)}

    def by_elements(self, atoms: Ints) -> dict[str, Ints]:
        """Group tuples of atoms (n, k) by their symbols, such as ``C–N``, either way round."""
        found: dict[str, list[int]] = {}
        for row, numbers in enumerate(self.numbers[atoms].tolist()):
            names = tuple(SYMBOLS[z] for z in numbers)
            found.setdefault("–".join(min(names, names[::-1])), []).append(row)
        return {name: atoms[rows] for name, rows in sorted(found.items())}


@dataclass(frozen=True, eq=False)
class Sample:
    """Consecutive frames of a trajectory.

    Parameters
    ----------
    positions
        (n, A, 3) in Å.
    cell
        (n, 3, 3) in Å; None of a molecule.
    pbc
        (3,) which of its vectors are periodic; all by default.
    velocities
        (n, A, 3) in Å/fs, where there are any.
    forces
        (n, A, 3) in kcal/mol/Å, where there are any.
    spacing
        Time between two frames, fs; None where frames do not follow each other in equal steps.
    spectrum
        Wavenumbers and vibrational density of states, instead of velocities.
    """

    positions: Floats
    cell: Floats | None = None
    velocities: Floats | None = None
    forces: Floats | None = None
    spacing: float | None = None
    spectrum: tuple[Floats, Floats] | None = None
    pbc: Mask | None = None

    def vectors(self, pairs: Ints) -> Floats:
        """Vectors (n, P, 3) in Å from the first to the second atom of each pair (P, 2).

        To the nearest image along the periodic vectors of a cell, which is found by rounding
        fractional coordinates: right up to half the cell's least width.
        """
        found = np.empty((len(self.positions), len(pairs), 3))
        for rows in chunks(len(found), 6 * max(1, len(pairs))):
            between = self.positions[rows][:, pairs[:, 1]] - self.positions[rows][:, pairs[:, 0]]
            if self.cell is not None:
                box = self.cell[rows]
                if self.pbc is None or self.pbc.all():
                    inverse = np.linalg.inv(box)
                else:
                    box = box[:, self.pbc]
                    inverse = np.linalg.pinv(box)
                between -= np.rint(between @ inverse) @ box
            found[rows] = between
        return found

    def lengths(self, pairs: Ints) -> Floats:
        """Distances (n, P) in Å of pairs (P, 2) of atoms."""
        found: Floats = np.linalg.norm(self.vectors(pairs), axis=2)
        return found


def angles(first: Floats, second: Floats) -> Floats:
    """Angles (…) in degrees between vectors (…, 3)."""
    cross = np.linalg.norm(np.cross(first, second), axis=-1)
    found: Floats = np.degrees(np.arctan2(cross, (first * second).sum(axis=-1)))
    return found
