"""Run replicas at the same time, and evaluate their structures as one batch a step.

Each replica runs in a thread of its own; its calculator waits until all replicas have asked,
and the model evaluates them at once.  A model that has ``predict(frames)`` does that in less time
than one by one, the more so on a GPU.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from teadata import Frames, units
from teadata.typing import Progress
from teaeval.calculators import Batched

if TYPE_CHECKING:
    from ase import Atoms


Simulation = Callable[[Calculator, Progress | None], object]
"""Runs one replica with a calculator; tells its progress."""


def in_batches(
    model: Batched, simulations: Sequence[Simulation], progress: Progress | None = None
) -> None:
    """Run simulations at the same time, each step evaluated as one batch.

    Parameters
    ----------
    model
        What evaluates many frames at once.
    simulations
        All of them run to their end, also if one raises an error; then the first is raised.
    progress
        Told of the progress of the first.
    """
    group = BatchedReplicas(model, len(simulations))

    def work(member: int) -> None:
        try:
            simulations[member](group.calculator(member), progress if member == 0 else None)
        finally:
            group.leave(member)

    with ThreadPoolExecutor(len(simulations)) as threads:
        running = [threads.submit(work, member) for member in range(len(simulations))]
        try:
            wait(running)
        except BaseException:
            group.stop()
            raise
    for future in running:
        future.result()


class BatchedReplicas:
    """Collects the structures of many threads and evaluates them at once.

    Parameters
    ----------
    model
        What evaluates many frames at once.
    members
        How many ask.
    """

    def __init__(self, model: Batched, members: int) -> None:
        self._model = model
        self._members = set(range(members))
        self._asked: dict[int, Frames] = {}
        self._answers: dict[int, Any] = {}
        self._turn = threading.Condition()
        self._stopped = False

    def calculator(self, member: int) -> Calculator:
        """The ASE calculator of a member."""
        return _Member(self, member)

    def ask(self, member: int, frame: Frames) -> tuple[float, Any]:
        """Wait until all members have asked; give energy (kcal/mol) and forces (kcal/mol/Å)."""
        with self._turn:
            self._asked[member] = frame
            self._answer()
            self._turn.wait_for(lambda: self._stopped or member in self._answers)
            if self._stopped:
                raise KeyboardInterrupt
            answer = self._answers.pop(member)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    def leave(self, member: int) -> None:
        """Take a member out that will not ask again."""
        with self._turn:
            self._members.discard(member)
            self._answer()

    def stop(self) -> None:
        """Interrupt all members."""
        with self._turn:
            self._stopped = True
            self._turn.notify_all()

    def _answer(self) -> None:
        """Evaluate what is asked, once all have asked."""
        if not self._asked or not self._members <= self._asked.keys():
            return
        order = sorted(self._asked)
        frames = [self._asked.pop(member) for member in order]
        try:
            energies, forces = self._model.predict(Frames.concatenate(frames))
            self._answers |= {m: (energies[i], forces[i]) for i, m in enumerate(order)}
        except Exception:  # one structure may be beyond the model: that is its replica's failure
            for member, frame in zip(order, frames, strict=True):
                try:
                    energies, forces = self._model.predict(frame)
                    self._answers[member] = (energies[0], forces[0])
                except Exception as error:
                    self._answers[member] = error
        self._turn.notify_all()


class _Member(Calculator):  # type: ignore[misc]
    """The calculator of one replica: it hands its structure on, and waits."""

    implemented_properties = ("energy", "forces")
    together = True  # with other replicas, which have to go on from the same step

    def __init__(self, group: BatchedReplicas, member: int) -> None:
        super().__init__()
        self.group, self.member = group, member

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        there = self.atoms
        frame = Frames(
            numbers=there.numbers,
            positions=there.positions[None].copy(),
            energies=np.zeros(1),
            forces=np.zeros((1, len(there), 3)),
            cell=there.cell.array[None] if there.cell.rank else None,
            pbc=there.pbc,
        )
        energy, forces = self.group.ask(self.member, frame)
        self.results = {"energy": float(energy) / units.EV, "forces": forces / units.EV}
