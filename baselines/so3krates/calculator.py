"""An ASE calculator that keeps its neighbour list while the atoms move little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.predicted import Predicted
from baselines.so3krates import session as backend
from baselines.toolkit.calculator import BaselineCalculator, frame_of
from teadata.units import EV

if TYPE_CHECKING:
    from ase import Atoms

    from baselines.so3krates.model import SO3krates

SPARE, LEAST_SPARE = 0.1, 64
"""Places of a new list beyond the pairs there are: a share of these, and so many at least."""


class SO3kratesCalculator(BaselineCalculator):
    """Energy in eV, forces in eV/Å and stress in eV/Å³.

    Pairs within the cutoff and a skin are listed, and listed again when an atom has moved by
    half the skin, or the cell has changed.  Beyond the cutoff a pair contributes exactly
    nothing.  Lists are padded to lengths that are kept, so that as a rule nothing is compiled
    after the first step.

    Parameters
    ----------
    model
        A trained model.
    skin
        In Å; with 0 the pairs are listed in every step.

    Attributes
    ----------
    lists
        How many times pairs were listed.
    """

    def __init__(self, model: SO3krates, skin: float = 0.5, **kwargs: Any) -> None:
        super().__init__(model, **kwargs)
        self.model: SO3krates = model
        self.skin = skin
        self.lists = 0
        self._known: dict[str, Any] | None = None
        self._length = 0

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: not the list, which is made again."""
        return self.__dict__ | {"_known": None}

    def _still_good(self, atoms: Atoms) -> bool:
        known = self._known
        if known is None or len(known["numbers"]) != len(atoms):
            return False
        if not (
            np.array_equal(known["numbers"], atoms.numbers)
            and np.array_equal(known["cell"], atoms.cell.array)
            and np.array_equal(known["pbc"], atoms.pbc)
        ):
            return False
        moved = ((atoms.positions - known["positions"]) ** 2).sum(axis=1).max(initial=0.0)
        return bool(moved <= (self.skin / 2) ** 2)

    def _list(self, atoms: Atoms) -> dict[str, Any]:
        """The pairs of the atoms as they are now, on the device where they do not change."""
        import jax

        from baselines.so3krates import neighbours

        frame = frame_of(atoms)
        config = self.model.config
        pairs = neighbours.find(frame, 0, config.r_cut + self.skin)
        self.lists += 1
        if len(pairs) > self._length:
            self._length = neighbours.rounded(
                len(pairs) + max(LEAST_SPARE, int(SPARE * len(pairs)))
            )
        listed = neighbours.listed([pairs], self._length, config.dtype)
        with backend.session(config, self.model.device):
            first, second = jax.device_put((listed.first, listed.second))
        return {
            "numbers": atoms.numbers.copy(),
            "cell": atoms.cell.array.copy(),
            "pbc": atoms.pbc.copy(),
            "positions": atoms.positions.copy(),
            "pairs": pairs,
            "shifts": pairs.images @ atoms.cell.array,
            "vectors": listed.vectors,
            "first": first,
            "second": second,
            "offset": self.model.offset(frame),
        }

    def predicted(self, atoms: Atoms) -> Predicted:
        """What the model predicts of the atoms, with the pairs that are listed if they still do."""
        from baselines.so3krates.pairs import Listed

        if not self._still_good(atoms):
            self._known = self._list(atoms)
        known = self._known
        assert known is not None
        pairs = known["pairs"]
        vectors = np.zeros_like(known["vectors"])
        vectors[0, : len(pairs)] = (
            atoms.positions[pairs.second] - atoms.positions[pairs.first] + known["shifts"]
        )
        found = self.model.network().evaluate(
            atoms.numbers, Listed(vectors, known["first"], known["second"])
        )
        energies, forces = found.energies * EV + known["offset"], found.forces * EV
        if atoms.cell.rank != 3:
            return Predicted(energies, forces)
        volume = abs(np.linalg.det(atoms.cell.array))
        return Predicted(energies, forces, found.virials * EV / volume)
