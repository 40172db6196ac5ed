"""Watch whether a simulation is still one of the system it began with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from teadata.elements import SYMBOLS
from teadata.typing import Floats, Ints
from teaeval.md.outcome import Failure
from teaeval.md.settings import Settings
from teaeval.md.topology import Distances, Topology


class Monitor:
    """Watches a simulation, and says when and of what it failed.

    Parameters
    ----------
    numbers, positions, cell, pbc
        The starting structure; Å.
    settings
        What is watched, and how.
    freedom
        Degrees of freedom that the temperature is of; three an atom by default.
    """

    def __init__(
        self,
        numbers: Ints,
        positions: Floats,
        cell: Floats,
        pbc: Any,
        settings: Settings,
        freedom: int | None = None,
    ) -> None:
        self.settings = settings
        self.numbers = numbers
        self._distances = Distances(cell, pbc)
        self._start = self._distances(positions)
        self._topology = Topology(numbers, self._start)
        self.hottest = np.inf
        if "temperature" in settings.monitors:
            self.hottest = settings.hottest(freedom or 3 * len(numbers))
        self._geometry = {"topology", "escape"} & set(settings.monitors)
        self.broken = np.full(len(self._topology.bonds), -1)
        self.formed = np.full(len(self._topology.others), -1)
        self._limits = self._topology.limits(settings.formed, settings.broken)
        # where in a flat (A, A) the distance of each atom to its first neighbour is
        count = len(numbers)
        self._partners = self._start.argmin(axis=1) + count * np.arange(count)
        self._pending = False

    def state(self) -> dict[str, Ints]:
        """Since which step each bond is broken, and each other pair too near; −1 for neither."""
        return {"broken": self.broken, "formed": self.formed}

    def restore(self, broken: Ints, formed: Ints) -> None:
        """Restore the state of an interrupted run."""
        self.broken, self.formed = broken.copy(), formed.copy()
        self._pending = self._any()

    def _any(self) -> bool:
        """Whether any bond is broken or formed now, however short a time."""
        return bool((self.broken >= 0).any() or (self.formed >= 0).any())

    def look(self, step: int, positions: Floats) -> Failure | None:
        """Look for a failure in the positions (A, 3) in Å after this step; None if all is well."""
        if not math.isfinite(positions.sum()) and not np.isfinite(positions).all():
            return self._failure("not finite", step, step, "positions are not finite")
        if not self._geometry:
            return None
        squares = self._distances.squared(positions)
        if self._sound(squares):
            return None
        distances = np.sqrt(squares)
        failure = None
        if "topology" in self._geometry:
            self._update(step, distances)
            failure = self._bonds(step, distances, self.settings.persistence)
        if failure is None and "escape" in self._geometry:
            failure = self._escaped(step, distances)
        return failure

    def too_hot(self, step: int, temperature: float, positions: Floats) -> Failure:
        """Make the failure of a temperature in K that is too high, or not a number.

        The bond that is broken by then, however short a time, is named, or the most strained one.
        """
        if not np.isfinite(temperature):
            kind, text = "not finite", "velocities are not finite"
        else:
            kind, text = "temperature", f"{temperature:.0f} K, above {self.hottest:.0f} K"
        bond = None
        if np.isfinite(positions).all():
            distances = self._distances(positions)
            self._update(step, distances)
            bond = self._bonds(step, distances, persistence=0) or self._strained(step, distances)
        if bond is None:
            return self._failure(kind, step, step, text)
        state = bond.kind if bond.kind in ("broken", "formed") else "strained"
        values = bond.model_dump() | {"kind": kind, "bond": state}
        return Failure.model_validate(values | {"message": f"{text}; {bond.message}"})

    def no_energy(self, step: int, energy: float) -> Failure:
        """Make the failure of an energy that is NaN or infinite."""
        return self._failure("not finite", step, step, f"the energy is {energy}")

    def broken_now(self, step: int, positions: Floats) -> Failure | None:
        """Look for a failure however short: for positions on which a calculator failed."""
        failure = self.look(step, positions)
        if failure is None and "topology" in self._geometry:
            failure = self._bonds(step, self._distances(positions), persistence=0)
        return failure

    def _sound(self, squares: Floats) -> bool:
        """Whether squared distances (A, A) show at a glance that all is well, as they mostly do.

        Of an atom's neighbours the one that was nearest at the start is looked at.
        """
        if "topology" in self._geometry:
            least, most = self._limits
            inside = (squares >= least) & (squares <= most)
            if self._pending or np.count_nonzero(inside) < inside.size:
                return False
        if "escape" in self._geometry and len(squares) > 1:
            return bool(squares.take(self._partners).max() <= self.settings.escaped**2)
        return True

    def _update(self, step: int, distances: Floats) -> None:
        if not len(self._topology.bonds) + len(self._topology.others):
            return
        broken = self._topology.stretch(distances) > self.settings.broken
        self.broken = np.where(broken, np.where(self.broken < 0, step, self.broken), -1)
        formed = self._topology.approach(distances) < self.settings.formed
        self.formed = np.where(formed, np.where(self.formed < 0, step, self.formed), -1)
        self._pending = self._any()

    def _bonds(self, step: int, distances: Floats, persistence: float) -> Failure | None:
        """The first bond that has been broken or formed for `persistence` fs."""
        oldest = step - persistence / self.settings.timestep
        candidates = []
        for kind, since, pairs in (
            ("broken", self.broken, self._topology.bonds),
            ("formed", self.formed, self._topology.others),
        ):
            due = np.flatnonzero((since >= 0) & (since <= oldest))
            if len(due):
                first = due[since[due].argmin()]
                candidates.append((int(since[first]), kind, pairs[first]))
        if not candidates:
            return None
        began, kind, (i, j) = min(candidates, key=lambda item: item[:2])
        what = "bond broken" if kind == "broken" else "bond formed"
        text = f"{what}: {self._ends(i, j, distances)}"
        return self._failure(kind, began, step, text, (i, j), distances[i, j], self._start[i, j])

    def _strained(self, step: int, distances: Floats) -> Failure | None:
        """The bond whose length has changed most since the start."""
        bonds = tuple(self._topology.bonds.T)
        if "topology" not in self._geometry or not len(bonds[0]):
            return None
        worst = np.abs(np.log(distances[bonds] / self._start[bonds])).argmax()
        i, j = self._topology.bonds[worst]
        text = f"most strained bond: {self._ends(i, j, distances)}"
        return self._failure(
            "temperature", step, step, text, (i, j), distances[i, j], self._start[i, j]
        )

    def _ends(self, i: int, j: int, distances: Floats) -> str:
        """Two atoms and their distance, now and at the start."""
        return (
            f"{self._name(i)}–{self._name(j)}, {distances[i, j]:.2f} Å, "
            f"{self._start[i, j]:.2f} Å at the start"
        )

    def _escaped(self, step: int, distances: Floats) -> Failure | None:
        if len(distances) < 2:
            return None
        nearest = distances.min(axis=1)
        atom = int(nearest.argmax())
        if nearest[atom] <= self.settings.escaped:
            return None
        text = f"{self._name(atom)} escaped: its nearest neighbour is {nearest[atom]:.1f} Å away"
        start = self._start[atom].min()
        return self._failure("escaped", step, step, text, (atom,), nearest[atom], start)

    def _name(self, atom: int) -> str:
        """Symbol and 0-based index of an atom."""
        return f"{SYMBOLS[self.numbers[atom]]}{atom}"

    def _time(self, step: int) -> float:
        return round(step * self.settings.timestep / 1000, 9)

    def _failure(
        self,
        kind: Any,
        began: int,
        step: int,
        message: str,
        atoms: tuple[int, ...] = (),
        distance: float | None = None,
        start: float | None = None,
    ) -> Failure:
        return Failure(
            kind=kind,
            time=self._time(began),
            noticed=self._time(step),
            message=message,
            atoms=tuple(int(atom) for atom in atoms),
            names=tuple(self._name(atom) for atom in atoms),
            distance=None if distance is None else round(float(distance), 4),
            start=None if start is None else round(float(start), 4),
        )
