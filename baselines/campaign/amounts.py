"""What workers have and tasks need: cores, memory and GPUs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from baselines.campaign.memory import MEBIBYTE
from baselines.campaign.tasks import Run


class Amount(NamedTuple):
    """Cores, MiB of memory and GPUs, of a worker or for a task."""

    cores: float
    memory: float
    gpus: float

    def holds(self, other: Amount) -> bool:
        """Whether another amount is no more than this one."""
        return all(mine >= theirs for mine, theirs in zip(self, other, strict=True))

    def less(self, other: Amount) -> Amount:
        """What is left if another is taken."""
        return Amount(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))

    def as_resources(self) -> dict[str, float]:
        """As Dask has them: memory in bytes."""
        memory = round(self.memory * MEBIBYTE)
        named = {"cores": self.cores, "memory": memory, "GPU": self.gpus}
        return {name: value for name, value in named.items() if value}

    def __str__(self) -> str:
        gpus = f", {self.gpus:g} GPU" if self.gpus else ""
        cores = "core" if self.cores == 1 else "cores"
        return f"{self.cores:g} {cores}, {self.memory / 1024:.3g} GiB{gpus}"


def need(run: Run) -> Amount:
    """What a task of a run needs."""
    return Amount(run.cores, run.memory, float(run.plan.device != "cpu"))


def declared(resources: dict[str, float]) -> Amount | None:
    """What a worker declares; None if it declares no cores or no memory."""
    if not {"cores", "memory"} <= resources.keys():
        return None
    return Amount(resources["cores"], resources["memory"] / MEBIBYTE, resources.get("GPU", 0))


def how_many(needs: Sequence[Amount], size: Amount) -> int:
    """How many workers of a size hold all tasks at once: each goes to the first with room."""
    bins: list[Amount] = []
    largest = sorted(needs, key=lambda one: -max(one.cores / size.cores, one.memory / size.memory))
    for wanted in largest:
        place = next((at for at, free in enumerate(bins) if free.holds(wanted)), None)
        if place is None:
            bins.append(size.less(wanted))
        else:
            bins[place] = bins[place].less(wanted)
    return len(bins)
