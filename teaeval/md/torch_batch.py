"""What torch-sim does in a simulation: tensors of all replicas, a model, a step of an integrator.

The state and the noise are in float64, whatever the model's precision.  Positions are never
wrapped: the integrator is told that nothing is periodic, and only the model is told otherwise.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.metadata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata.errors import MissingExtraError, TeaError, UsageError
from teadata.typing import Floats
from teaeval.md.settings import Settings

if TYPE_CHECKING:
    from ase import Atoms


ENGINE = "torch-sim"
PACKAGE = "torch-sim-atomistic"

THERMOSTATS = ("langevin", "none")
"""Those of torch-sim 0.3 that can be used: it has no thermostat of Bussi, and its Nosé–Hoover
chain counts the degrees of freedom of a whole batch as those of each replica."""


def version() -> str:
    """The version of torch-sim that is installed.

    Raises
    ------
    MissingExtraError
        If none is.
    """
    try:
        return importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise MissingExtraError(PACKAGE, "torch-sim", f"--engine {ENGINE}") from None


def check_settings(settings: Settings) -> None:
    """Refuse settings that this engine does not have.

    Raises
    ------
    UsageError
        If the thermostat is another one, or the stress is wanted.
    """
    if settings.thermostat not in THERMOSTATS:
        raise UsageError(
            f"--thermostat {settings.thermostat}: --engine {ENGINE} has {' and '.join(THERMOSTATS)}"
            "; choose one of these, or leave --engine out"
        )
    if settings.stress:
        raise UsageError(
            f"--engine {ENGINE} gives no stress; leave one of --engine and --stress out"
        )


def model_of(calculator: Any, name: str) -> Any:
    """The model of a calculator as one of torch-sim's.

    Parameters
    ----------
    calculator
        One that has ``torch_sim_model()``, which gives a ``ModelInterface`` in eV and Å, or None.
    name
        What errors call the model.

    Raises
    ------
    UsageError
        If there is no such model, or it cannot be made.
    """
    from torch_sim.models.interface import ModelInterface

    make = getattr(calculator, "torch_sim_model", None)
    try:
        model = None if make is None else make()
    except TeaError:
        raise
    except Exception as error:
        raise UsageError(
            f"--engine {ENGINE}: torch_sim_model() of {name} failed: "
            f"{type(error).__name__}: {error}"
        ) from error
    if model is None:
        raise UsageError(
            f"--engine {ENGINE}: {name} is no model that it takes, which are run folders of MACE "
            "and calculators with torch_sim_model(); leave --engine out, or choose --together "
            "instead, which takes all models with predict(frames)"
        )
    if not isinstance(model, ModelInterface):
        raise UsageError(
            f"--engine {ENGINE}: torch_sim_model() of {name} made a {type(model).__name__}, "
            "expected a ModelInterface of torch-sim"
        )
    return model


class Evaluated:
    """A model of torch-sim as the integrators see it: in float64, and of a system in no cell."""

    def __init__(self, model: Any, periodic: bool) -> None:
        import torch

        self.device, self.dtype = model.device, torch.float64
        self._model, self._periodic = model, periodic

    def __call__(self, state: Any) -> dict[str, Any]:
        """Energies (R,) in eV and forces (R·A, 3) in eV/Å of a state."""
        own = copy.copy(state)
        own.pbc = self._periodic
        own.positions = state.positions.to(self._model.dtype)
        own.cell = state.cell.to(self._model.dtype)
        found = self._model(own)
        return {name: found[name].detach().to(self.dtype) for name in ("energy", "forces")}


class MovingBatch:
    """Replicas of one system that torch-sim moves.

    Parameters
    ----------
    model
        One of torch-sim's.
    starts
        The structure of each replica, with its momenta.
    settings
        Thermostat, temperature, time step, and the seed of the noise of all replicas.

    Raises
    ------
    UsageError
        If the system is periodic along one or two axes, which torch-sim 0.3 does not know.
    """

    def __init__(self, model: Any, starts: Sequence[Atoms], settings: Settings) -> None:
        import torch
        from ase import units as ase_units
        from torch_sim import integrators

        periodic = starts[0].pbc
        if periodic.any() and not periodic.all():
            raise UsageError(
                f"--engine {ENGINE}: the system is periodic along some of its axes only, and "
                "torch-sim knows all or none; leave --engine out"
            )
        self._torch, self.device = torch, model.device
        self.model = Evaluated(model, bool(periodic.all()))
        self.seed = settings.seed
        first = starts[0]
        self._masses = self._tensor(first.get_masses())
        self._numbers = torch.as_tensor(first.numbers.astype(np.int64), device=self.device)
        # of each structure; the columns are the cell's vectors
        self._cells = self._tensor(np.stack([start.cell.array.T for start in starts]))
        dt = self._tensor(settings.timestep * ase_units.fs)
        kelvin = self._tensor(ase_units.kB * settings.temperature)
        if settings.thermostat == "langevin":
            friction = self._tensor(settings.friction_per_fs / ase_units.fs)
            _, self._step = integrators.nvt_langevin(
                model=self.model, dt=dt, kT=kelvin, gamma=friction
            )
        else:
            _, self._step = integrators.nve(model=self.model, dt=dt, kT=kelvin)
        count, atoms = len(starts), len(first)
        self.batch = self._made(
            np.stack([start.positions for start in starts]),
            np.stack([start.get_momenta() for start in starts]),
            np.zeros((count, atoms, 3)),
            np.zeros(count),
        )

    def _tensor(self, values: Any) -> Any:
        return self._torch.tensor(values, dtype=self._torch.float64, device=self.device)

    def _made(self, positions: Floats, momenta: Floats, forces: Floats, energies: Floats) -> Any:
        """A state of torch-sim of arrays (R, A, 3) and energies (R,)."""
        from torch_sim.integrators.md import MDState

        count, torch = len(positions), self._torch
        return MDState(
            positions=self._tensor(positions.reshape(-1, 3)),
            momenta=self._tensor(momenta.reshape(-1, 3)),
            forces=self._tensor(forces.reshape(-1, 3)),
            energy=self._tensor(energies),
            masses=self._masses.repeat(count),
            cell=self._cells.clone(),
            pbc=False,
            atomic_numbers=self._numbers.repeat(count),
            system_idx=torch.arange(count, device=self.device).repeat_interleave(len(self._masses)),
        )

    @contextlib.contextmanager
    def random_numbers(self) -> Iterator[None]:
        """Take torch's random numbers for a block, from the seed on; then they are as before."""
        torch = self._torch
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(int(np.random.default_rng([self.seed, 1]).integers(1 << 62)))
            yield

    def evaluate(self, keep: bool) -> None:
        """Evaluate the structures at hand."""
        found = self.model(self.batch)
        if keep:
            self.batch.energy, self.batch.forces = found["energy"], found["forces"]

    def update(self) -> None:
        """Do one step."""
        self.batch = self._step(self.batch)

    def kept(self) -> tuple[Any, ...]:
        """What a step replaces: its tensors are not written into."""
        state = self.batch
        return state.positions, state.momenta, state.forces, state.energy

    def go_back(self, kept: tuple[Any, ...]) -> None:
        """Undo a step that failed; random numbers that it drew are not drawn again."""
        state = self.batch
        state.positions, state.momenta, state.forces, state.energy = kept

    def keep_only(self, rows: Sequence[int]) -> None:
        """Leave all but some replicas out."""
        arrays = self.positions(), self.momenta(), self.forces(), self.energies()
        positions, momenta, forces, energies = (values[list(rows)] for values in arrays)
        self._cells = self._cells[list(rows)]
        self.batch = self._made(positions, momenta, forces, energies)

    def _array(self, tensor: Any) -> Floats:
        """Numbers of all atoms as (R, A, 3), a copy."""
        values: Floats = tensor.detach().cpu().numpy().reshape(-1, len(self._masses), 3).copy()
        return values

    def positions(self) -> Floats:
        """(R, A, 3) in Å."""
        return self._array(self.batch.positions)

    def momenta(self) -> Floats:
        """(R, A, 3) in ASE's unit."""
        return self._array(self.batch.momenta)

    def forces(self) -> Floats:
        """(R, A, 3) in eV/Å."""
        return self._array(self.batch.forces)

    def energies(self) -> Floats:
        """(R,) in eV."""
        values: Floats = self.batch.energy.detach().cpu().numpy().copy()
        return values

    def state(self) -> dict[str, Any]:
        """The state to save, as arrays."""
        torch, on_gpu = self._torch, self.device.type == "cuda"
        rng = torch.cuda.get_rng_state(self.device) if on_gpu else torch.get_rng_state()
        return {
            "positions": self.positions(),
            "momenta": self.momenta(),
            "forces": self.forces(),
            "energies": self.energies(),
            "rng": rng.numpy().copy(),
        }

    def restore(self, state: dict[str, Any], rows: Sequence[int]) -> None:
        """Restore a saved state, which is of some of the replicas."""
        torch = self._torch
        self._cells = self._cells[list(rows)]
        names = ("positions", "momenta", "forces", "energies")
        self.batch = self._made(*(state[name] for name in names))
        rng = torch.as_tensor(state["rng"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(rng, self.device)
        else:
            torch.set_rng_state(rng)
