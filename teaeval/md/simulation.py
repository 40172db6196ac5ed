"""Run a simulation: steps of an integrator, frames, checkpoints, and a monitor."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata import units
from teadata.errors import DataError, MissingExtraError
from teadata.files import locked
from teadata.typing import Progress
from teaeval.calculators import CalculationError
from teaeval.md import checkpoint
from teaeval.md.ending import TRAJECTORY_FILE, end, ns_per_day
from teaeval.md.freedom import degrees_of_freedom
from teaeval.md.h5md import Buffer, Writer
from teaeval.md.monitor import Monitor
from teaeval.md.outcome import OUTCOME_FILE, Failure, Outcome
from teaeval.md.settings import Settings
from teaeval.md.starting import check_start, stress_of

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

    from teaeval.md.integrators import Integrator

WARM_UP = 4
"""Evaluations of the first structure: TorchScript, of which MACE is made, calculates a little
differently on its first calls, and an interrupted run must not show where it was taken up."""

REPORT_EVERY = 0.5
"""Seconds between two reports of progress."""

SAVE_EVERY = 0.5
"""Seconds between two checkpoints that are written, at least: writing takes milliseconds, and those
of a fast calculator would come too often.  Whatever ends a run but a kill, its last is written.
Of replicas that are evaluated together all are, so that these go on from the same step."""


def simulate(
    atoms: Atoms,
    calculator: Calculator,
    settings: Settings,
    folder: Path | str,
    progress: Progress | None = None,
) -> Outcome:
    """Run a simulation in a folder, or go on with the one that was interrupted there.

    A finished one is not run again.  An interrupted run, also one whose process was killed,
    goes on from its last checkpoint and gives the trajectory that it would have given, bit for
    bit, with any calculator whose results depend on the structure alone once it has been
    ``reset()``, which happens at every checkpoint.

    Parameters
    ----------
    atoms
        The starting structure, not changed.  Its velocities are kept if it has any; otherwise
        they are drawn.  But for Langevin dynamics, motion of the whole is removed from them, and
        its rotation where no axis is periodic.
    calculator
        Any ASE calculator (eV, Å).
    settings
        What to run.
    folder
        Where trajectory, checkpoint and outcome are; made if need be.
    progress
        Told of the progress.

    Returns
    -------
    Outcome
        Finished, or failed where the monitor found the run to be unstable.

    Raises
    ------
    UsageError
        If the atoms have constraints, no position or cell where they need one, the calculator is
        none, or the folder holds a simulation of something else, or one that is running.
    DataError
        If the folder cannot be made, or what is in it is damaged.
    CalculationError
        If the calculator fails on a structure in which the monitor finds nothing wrong.
    MissingExtraError
        If ASE is not installed.
    """
    folder = Path(folder)
    check_start(atoms, calculator, settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot be made ({error.strerror or error})") from None
    with locked(folder, "simulating", "another folder"):
        return _Run(atoms, calculator, settings, folder, progress).complete()


class _Run:
    """A simulation from its start, or a checkpoint, to its end."""

    def __init__(
        self,
        atoms: Atoms,
        calculator: Calculator,
        settings: Settings,
        folder: Path,
        progress: Progress | None,
    ) -> None:
        from teaeval.md.direct import Direct
        from teaeval.md.integrators import Integrator, start_moving

        self.settings, self.folder, self.progress = settings, folder, progress
        self.atoms = atoms.copy()
        start_moving(self.atoms, settings)
        self.identity = checkpoint.identity_of(self.atoms, settings)
        self.freedom = degrees_of_freedom(settings, len(self.atoms), bool(self.atoms.pbc.any()))
        self.atoms.calc = self.calculator = Direct(calculator)
        self.monitor = Monitor(
            self.atoms.numbers,
            self.atoms.positions,
            self.atoms.cell.array,
            self.atoms.pbc,
            settings,
            self.freedom,
        )
        self.integrator: Integrator = Integrator(self.atoms, settings, self.freedom)
        # eV: a kelvin is so much of twice the kinetic energy
        self.per_kelvin = self.freedom * units.BOLTZMANN / units.EV
        # as large as the momenta: broadcasting takes three times as long
        self.inverse_masses = np.repeat(1 / self.atoms.get_masses()[:, None], 3, axis=1)
        self.velocities = np.empty(self.inverse_masses.shape)
        self.watched = settings.monitor_interval
        self.save_every = 0.0 if getattr(calculator, "together", False) else SAVE_EVERY
        self.step = self.resumed = 0
        self.spent = self.begun = 0.0
        self.unsaved: dict[str, Any] | None = None
        self.frames = Buffer(0)

    def complete(self) -> Outcome:
        """Run to the end, or read the outcome if the end has been reached."""
        if (self.folder / OUTCOME_FILE).exists():
            outcome = Outcome.read(self.folder)
            checkpoint.check_settings(self.folder, outcome.settings, self.settings)
            return outcome
        started = self._restore() if self._interrupted() else self._begin()
        after = self.step // self.settings.interval + 1 if started else 0
        writer = Writer(self.folder / TRAJECTORY_FILE, after)
        try:
            failure = self._loop(writer, started)
        except BaseException:
            self._save(writer)
            raise
        finally:
            writer.close()
        return self._end(failure)

    def _interrupted(self) -> bool:
        return (self.folder / checkpoint.CHECKPOINT_FILE).exists()

    def _begin(self) -> bool:
        """Make the trajectory's file."""
        settings = self.settings
        steps = np.arange(settings.frames) * settings.interval
        optional = [name for name in ("forces", "stress") if getattr(settings, name)]
        path = self.folder / TRAJECTORY_FILE
        Writer.create(path, self.atoms, steps, settings.timestep, tuple(optional))
        return False

    def _restore(self) -> bool:
        """Restore the state of the checkpoint."""
        state = checkpoint.read(self.folder, self.identity)
        with checkpoint.readable(self.folder):
            self.integrator.restore(state)
            self.monitor.restore(state["broken"], state["formed"])
            self.step, self.spent = int(state["step"]), float(state["spent"])
            self.resumed = int(state["resumed"]) + 1
        return True

    def _loop(self, writer: Writer, started: bool) -> Failure | None:
        """Steps until the end, or until a failure; the frames are written."""
        settings = self.settings
        self.begun = time.perf_counter() - self.spent
        told = 0.0
        self.frames = Buffer(self.step // settings.interval + started)
        forces = self._first()
        failure = None
        if not started and (failure := self._store()) is None:
            self.unsaved = self._state()
            self._save(writer)
        while failure is None and self.step < settings.steps:
            forces, failure = self._advance(forces)
            if failure is None and self.step % settings.interval == 0:
                failure = self._store()
                if failure is None and self.step % settings.checkpoint == 0:
                    self.unsaved = self._state()
                    if self._elapsed() - self.spent > self.save_every:
                        self._save(writer)
                    self.calculator.reset()
                    forces = None
            if self.progress and (now := time.perf_counter()) - told > REPORT_EVERY:
                self.progress(self._speed(now - self.begun), self.step, settings.steps)
                told = now
        self._write(writer)
        if self.progress:
            self.progress(self._speed(self.spent), self.step, settings.steps)
        return failure

    def _advance(self, forces: Any) -> tuple[Any, Failure | None]:
        """Do one step and look at the result; give the forces after it in eV/Å, and any failure."""
        try:
            forces = self.integrator.step(forces)
        except MissingExtraError:
            raise
        except Exception as error:
            return None, self._refused(error)
        self.step += 1
        temperature = self._temperature()
        if not temperature < self.monitor.hottest:
            return None, self.monitor.too_hot(self.step, temperature, self.atoms.positions)
        energy = self.calculator.energy
        if energy is not None:
            value = energy if type(energy) is float else float(np.asarray(energy).item())
            if not math.isfinite(value):
                return None, self.monitor.no_energy(self.step, value)
        if self.step % self.watched == 0:
            return forces, self.monitor.look(self.step, self.atoms.positions)
        return forces, None

    def _first(self) -> Any:
        """Forces of the structure at hand, in eV/Å."""
        try:
            for _ in range(WARM_UP):
                self.calculator.reset()
                forces = self.atoms.get_forces(md=True)
            return forces
        except MissingExtraError:
            raise
        except Exception as error:
            raise CalculationError(
                f"{self.folder}: the calculator failed on the structure at step {self.step}: "
                f"{type(error).__name__}: {error}"
            ) from error

    def _refused(self, error: Exception) -> Failure:
        """Make a failure of a calculator's error if the structure is broken; raise it otherwise."""
        text = f"{type(error).__name__}: {error}"
        for positions in (self.atoms.positions, self.calculator.sound):
            failure = self.monitor.broken_now(self.step + 1, positions)
            if failure is not None:
                message = f"{failure.message}; then the calculator failed: {text}"
                return failure.model_copy(update={"message": message})
        raise CalculationError(
            f"{self.folder}: the calculator failed after step {self.step}, on a structure in which "
            f"nothing is broken: {text}. What was simulated until the last checkpoint is kept"
        ) from error

    def _temperature(self) -> float:
        """Kinetic temperature in K, of the degrees of freedom that there are."""
        momenta = self.atoms.arrays["momenta"]
        np.multiply(momenta, self.inverse_masses, self.velocities)
        return float(np.vdot(momenta, self.velocities)) / self.per_kelvin

    def _store(self) -> Failure | None:
        """Keep the present frame until it is written; a failure if its energy is no number."""
        from ase.units import fs

        atoms, temperature = self.atoms, self._temperature()
        energy = float(np.asarray(atoms.get_potential_energy()).item())
        if not np.isfinite(energy):
            return self.monitor.no_energy(self.step, energy)
        frame = {
            "positions": atoms.positions.copy(),
            "velocities": atoms.get_velocities() * fs,
            "energies": energy * units.EV,
            "kinetic_energies": temperature * self.per_kelvin / 2 * units.EV,
            "temperatures": temperature,
        }
        if self.settings.forces:
            frame["forces"] = atoms.get_forces() * units.EV
        if self.settings.stress:
            frame["stress"] = stress_of(atoms)
        self.frames.append(frame)
        return None

    def _elapsed(self) -> float:
        """Seconds that the simulation has taken, without interruptions."""
        return time.perf_counter() - self.begun

    def _write(self, writer: Writer) -> None:
        """Write the frames that are kept."""
        self.frames.flush(writer)
        self.spent = self._elapsed()

    def _state(self) -> dict[str, Any]:
        """What a checkpoint holds, as it is now."""
        return {
            "step": self.step,
            "resumed": self.resumed,
            **self.monitor.state(),
            **self.integrator.state(),
        }

    def _save(self, writer: Writer) -> None:
        """Write the frames, then the last checkpoint, from which later ones could be made again."""
        self._write(writer)
        if self.unsaved is not None:
            checkpoint.write(self.folder, self.identity, self.unsaved | {"spent": self.spent})
            self.unsaved = None

    def _end(self, failure: Failure | None) -> Outcome:
        return end(
            self.folder,
            self.settings,
            self.freedom,
            step=self.step,
            frames=self.frames.start,
            failure=failure,
            spent=self.spent,
            resumed=self.resumed,
        )

    def _speed(self, spent: float) -> str:
        done = self.step * self.settings.timestep / 1000
        return f"{self.folder.name} {done:.1f} ps, {ns_per_day(done, spent):.2f} ns/day"
