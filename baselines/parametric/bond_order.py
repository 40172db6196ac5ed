"""Tersoff's functions and their derivatives, by matscipy, of many frames at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from baselines.predicted import Predicted
from baselines.toolkit.neighbours import all_pairs, pairs_of_pairs
from baselines.toolkit.structures import stress_of
from teadata import Frames
from teadata.arrays.stress import from_voigt
from teadata.errors import MissingExtraError
from teadata.units import EV

try:
    from ase import Atoms
    from matscipy.calculators.manybody import Manybody
    from matscipy.calculators.manybody.explicit_forms import TersoffBrenner
    from matscipy.neighbours import CutoffNeighbourhood
except ImportError:
    raise MissingExtraError("matscipy", "classical", "a Tersoff potential") from None


class Bonds(CutoffNeighbourhood):  # type: ignore[misc]
    """Pairs and triplets of all frames together, found once.

    The atoms of N frames of A atoms are numbered through; those of different frames are no
    neighbours.  The same serve any parameters with the same cutoff.

    Parameters
    ----------
    frames
        Frames of one element.
    cutoff
        Å.
    """

    def __init__(self, frames: Frames, cutoff: float) -> None:
        super().__init__()
        self.frames = frames
        near = all_pairs(frames, cutoff)
        first, second = near.first.astype(np.int32), near.second.astype(np.int32)
        self.pairs = {"i": first, "j": second, "d": near.lengths, "D": near.vectors}
        ij, ik = pairs_of_pairs(near.first)
        columns = np.ascontiguousarray(near.vectors.T)
        self.triplets = {
            "i": ij,
            "j": ik,
            "d": np.stack([near.lengths[ij], near.lengths[ik]], axis=1),
            # Each component in one piece: norms over the last axis are several times faster.
            "D": np.stack([columns[:, ij], columns[:, ik]]).transpose(2, 0, 1),
        }
        # What the calculator sums over the atoms of: a cell of unit volume, so that its
        # stresses are virials.
        count = len(frames) * frames.n_atoms
        self.atoms = Atoms(numbers=np.tile(frames.numbers, len(frames)),
                           positions=np.zeros((count, 3)), cell=np.eye(3))  # fmt: skip

    def get_pairs(self, atoms: Any, quantities: str, cutoff: Any = None) -> list[Any]:
        """Give matscipy the quantities of pairs that it asks for by letter."""
        return [self.pairs[letter] for letter in quantities]

    def get_triplets(
        self, atoms: Any, quantities: str, neighbours: Any = None, cutoff: Any = None
    ) -> list[Any]:
        """Give matscipy triplets: pairs with the same first atom, in both orders."""
        return [self.triplets[letter] for letter in quantities]


def evaluate(form: dict[str, float], bonds: Bonds) -> Predicted:
    """Compute energies, forces and stress of a Tersoff potential.

    Parameters
    ----------
    form
        Its parameters in eV and Å, by the names of matscipy (Tersoff, Phys. Rev. B 39, 5566,
        1989, with R and S as r1 and r2).
    bonds
        Of the frames, within r2.
    """
    from ase.data import chemical_symbols

    frames = bonds.frames
    count, atoms = len(frames), frames.n_atoms
    terms = {key: [value] for key, value in form.items()}
    element = chemical_symbols[int(frames.numbers[0])]
    functions = TersoffBrenner({"style": "Tersoff", "el": [element], "chi": [1.0], **terms})
    bonds.atom_type, bonds.pair_type = functions["atom_type"], functions["pair_type"]
    calculator = Manybody(**functions, neighbourhood=bonds)
    calculator.calculate(bonds.atoms, ["energies", "forces", "stresses"], [])
    results = calculator.results
    energies = results["energies"].reshape(count, atoms).sum(axis=1) * EV
    forces = results["forces"].reshape(count, atoms, 3) * EV
    virials = results["stresses"].reshape(count, atoms, 6).sum(axis=1) * EV
    return Predicted(energies, forces, stress_of(from_voigt(virials), frames))
