"""Atoms on springs as a model of torch-sim, and a calculator that has it."""

from __future__ import annotations

import torch
from ase.calculators.calculator import Calculator
from torch_sim.models.interface import ModelInterface

import teadata
from teaeval import md
from teaeval.md import torch_batch


class Springs(ModelInterface):
    """Every atom on a spring to where it started; k in eV/Å²."""

    k = 1.0
    starts = torch.empty(0, 0)

    def __init__(self, dtype=torch.float64):
        super().__init__()
        self._device, self._dtype = torch.device("cpu"), dtype
        self._compute_forces, self._compute_stress = True, False
        self.asked = []

    def forward(self, state):
        self.asked.append(state)
        now = state.positions.reshape(state.n_systems, -1)
        # which replica it is: others may have been taken out
        nearest = torch.cdist(now, self.starts).argmin(dim=1)
        return self.of(now - self.starts[nearest], nearest, state.positions.shape)

    def of(self, away, replica, shape):
        energy = 0.5 * self.k * (away**2).sum(dim=1)
        return {"energy": energy, "forces": (-self.k * away).reshape(shape)}


class WithModel(Calculator):
    """A calculator that has a model of torch-sim."""

    implemented_properties = ("energy", "forces")
    kind = Springs

    def torch_sim_model(self):
        return self.kind()

    def calculate(self, *args):
        super().calculate(*args)
        batch = torch_batch.MovingBatch(self.kind(), [self.atoms], md.Settings())
        batch.evaluate(keep=True)
        self.results = {"energy": batch.energies()[0], "forces": batch.forces()[0]}


def starting(kind, plan):
    """The kind of springs whose ends are where a plan starts."""
    data = teadata.load(plan.dataset).split(f"{plan.subset}/test")
    starts = data.select([replica.frame for replica in plan.replicas]).positions
    return type(kind.__name__, (kind,), {"starts": torch.tensor(starts.reshape(len(starts), -1))})
