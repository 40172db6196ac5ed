"""All replicas as one batch of torch-sim: ``teaeval md run --engine torch-sim``.

torch-sim's integrators move the atoms, and its wrapper of the model evaluates them.  What is
written is what :mod:`teaeval.md.simulation` writes, but for the checkpoint: the batch has one, in
the folder of the plan, so that all replicas always go on from the same step.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata import units
from teadata.errors import MissingExtraError
from teadata.files import locked
from teadata.typing import Floats, Progress
from teaeval.calculators import CalculationError
from teaeval.md import checkpoint
from teaeval.md.ending import TRAJECTORY_FILE, end, ns_per_day
from teaeval.md.freedom import degrees_of_freedom
from teaeval.md.h5md import Buffer, Writer
from teaeval.md.monitor import Monitor
from teaeval.md.outcome import OUTCOME_FILE, Failure
from teaeval.md.settings import Settings
from teaeval.md.simulation import REPORT_EVERY, SAVE_EVERY, WARM_UP
from teaeval.md.torch_batch import ENGINE, MovingBatch

if TYPE_CHECKING:
    from ase import Atoms


class TorchSimBatch:
    """Replicas of one system that are moved as one batch, in folders beside each other.

    Parameters
    ----------
    model
        From :func:`teaeval.md.torch_batch.model_of`.
    starts
        The starting structure of each replica; all of the same atoms, in the same order.
    settings
        Of each replica: they differ in the seed alone.
    folder
        Where the checkpoint of the batch is.
    folders
        Where trajectory and outcome of each replica are.
    progress
        Told of the progress.

    Raises
    ------
    UsageError
        If the system is periodic along one or two axes, which torch-sim 0.3 does not know.
    """

    def __init__(
        self,
        model: Any,
        starts: Sequence[Atoms],
        settings: Sequence[Settings],
        folder: Path,
        folders: Sequence[Path],
        progress: Progress | None = None,
    ) -> None:
        from teaeval.md.integrators import start_moving

        self.all_settings, self.settings = settings, settings[0]
        self.folder, self.folders, self.progress = folder, folders, progress
        self.atoms = [start.copy() for start in starts]
        for atoms, own in zip(self.atoms, settings, strict=True):
            start_moving(atoms, own)
        first = self.atoms[0]
        self.freedom = degrees_of_freedom(self.settings, len(first), bool(first.pbc.any()))
        self.monitors = [
            Monitor(a.numbers, a.positions, a.cell.array, a.pbc, own, self.freedom)
            for a, own in zip(self.atoms, settings, strict=True)
        ]
        self.masses = first.get_masses()
        self.moving = MovingBatch(model, self.atoms, self.settings)
        self.alive = list(range(len(starts)))
        self.failures: dict[int, tuple[Failure, int, int]] = {}
        self.step = self.resumed = 0
        self.spent = self.begun = 0.0
        self.unsaved: dict[str, Any] | None = None
        self.frames = [Buffer(0) for _ in starts]
        self.writers: dict[int, Writer] = {}

    def complete(self) -> None:
        """Run to the end, or go on with what was interrupted; write every outcome.

        Without a checkpoint, replicas that have an outcome are left as they are.

        Raises
        ------
        UsageError
            If the folder holds simulations of something else, or they are running.
        CalculationError
            If the model fails on structures in which the monitors find nothing wrong.
        """
        with locked(self.folder, "simulating", "another folder"), self.moving.random_numbers():
            started = (self.folder / checkpoint.CHECKPOINT_FILE).exists()
            if started:
                self._restore()
            else:
                self._begin()
            self.writers = {
                i: Writer(
                    self.folders[i] / TRAJECTORY_FILE,
                    self.frames[i].start if started else 0,
                    self.folder / checkpoint.CHECKPOINT_FILE,
                )
                for i in self._members()
            }
            try:
                self._loop(started)
            finally:
                if self.unsaved is not None:
                    self._save()
                for writer in self.writers.values():
                    writer.close()
            self._end()

    def _members(self) -> list[int]:
        """The replicas of this batch, running or failed: others had ended before it began."""
        return sorted([*self.alive, *self.failures])

    def _begin(self) -> None:
        """Make the files of the replicas that have not ended, and leave the others out."""
        settings = self.settings
        self.alive = [
            i for i, path in enumerate(self.folders) if not (path / OUTCOME_FILE).exists()
        ]
        if 0 < len(self.alive) < len(self.folders):
            self.moving.keep_only(self.alive)
        steps = np.arange(settings.frames) * settings.interval
        optional = ("forces",) if settings.forces else ()
        for replica in self.alive:
            path = self.folders[replica]
            path.mkdir(exist_ok=True)
            Writer.create(
                path / TRAJECTORY_FILE, self.atoms[replica], steps, settings.timestep, optional
            )

    def _loop(self, started: bool) -> None:
        settings = self.settings
        self.begun = time.perf_counter() - self.spent
        told = 0.0
        if self.alive and self.step < settings.steps:
            self._warm_up(evaluate=not started)
        if not started:
            self._look()
            self._store()
            self.unsaved = self._state()
            self._save()
        while self.alive and self.step < settings.steps:
            self._advance()
            stored = self.step % settings.interval == 0
            if stored or self.step % settings.monitor_interval == 0:
                self._look()
            if stored:
                self._store()
            if self.step % settings.checkpoint == 0:
                self.unsaved = self._state()
                if self._elapsed() - self.spent > SAVE_EVERY:
                    self._save()
            if self.progress and (now := time.perf_counter()) - told > REPORT_EVERY:
                self._tell()
                told = now
        self.unsaved = self._state()
        self._save()  # before any outcome is written: a run that is killed here has all of them
        if self.progress:
            self._tell()

    def _warm_up(self, evaluate: bool) -> None:
        """Evaluate the structures at hand as often as TorchScript needs, and keep that if asked."""
        try:
            for _ in range(WARM_UP):
                self.moving.evaluate(keep=evaluate)
        except MissingExtraError:
            raise
        except Exception as error:
            raise CalculationError(
                f"{self.folder}: the model failed on the structures at step {self.step}: "
                f"{type(error).__name__}: {error}"
            ) from error

    def _advance(self) -> None:
        """Do one step; where the model fails, without the replicas that are broken."""
        while self.alive:
            before = self.moving.kept()
            try:
                self.moving.update()
            except MissingExtraError:
                raise
            except Exception as error:
                now = self.moving.positions()
                self.moving.go_back(before)
                self._refused(error, (now, self.moving.positions()))
            else:
                self.step += 1
                return

    def _refused(self, error: Exception, positions: Sequence[Floats]) -> None:
        """Take the broken replicas out; if none is, the error is the model's."""
        text = f"{type(error).__name__}: {error}"
        broken = {}
        for row, replica in enumerate(self.alive):
            for structures in positions:
                failure = self.monitors[replica].broken_now(self.step + 1, structures[row])
                if failure is not None:
                    message = f"{failure.message}; then the calculator failed: {text}"
                    broken[replica] = failure.model_copy(update={"message": message})
                    break
        if not broken:
            raise CalculationError(
                f"{self.folder}: the model failed after step {self.step}, on structures in which "
                f"nothing is broken: {text}. What was simulated until the last checkpoint is kept"
            ) from error
        self._take_out(broken)

    def _look(self) -> None:
        """Take out the replicas that the monitors find to be unstable."""
        positions, momenta = self.moving.positions(), self.moving.momenta()
        energies, temperatures = self.moving.energies(), self._temperatures(momenta)
        broken = {}
        for row, replica in enumerate(self.alive):
            monitor, failure = self.monitors[replica], None
            if not temperatures[row] < monitor.hottest:
                failure = monitor.too_hot(self.step, float(temperatures[row]), positions[row])
            elif not np.isfinite(energies[row]):
                failure = monitor.no_energy(self.step, float(energies[row]))
            elif self.step % self.settings.monitor_interval == 0:
                failure = monitor.look(self.step, positions[row])
            if failure is not None:
                broken[replica] = failure
        if broken:
            self._take_out(broken)

    def _take_out(self, broken: dict[int, Failure]) -> None:
        for replica, failure in broken.items():
            frames = self.frames[replica]
            count = frames.start + len(frames.frames)
            self.failures[replica] = failure, self.step, count
        rows = [row for row, replica in enumerate(self.alive) if replica not in broken]
        self.alive = [self.alive[row] for row in rows]
        if rows:
            self.moving.keep_only(rows)

    def _temperatures(self, momenta: Floats) -> Floats:
        """Kinetic temperature of each replica in K, of the degrees of freedom that there are."""
        twice = np.einsum("rai,rai,a->r", momenta, momenta, 1 / self.masses)
        temperatures: Floats = twice / (self.freedom * units.BOLTZMANN / units.EV)
        return temperatures

    def _store(self) -> None:
        """Keep the frames of all replicas until they are written."""
        from ase.units import fs

        if not self.alive:
            return
        positions, momenta = self.moving.positions(), self.moving.momenta()
        energies, temperatures = self.moving.energies(), self._temperatures(momenta)
        forces = self.moving.forces() if self.settings.forces else None
        kinetic = temperatures * self.freedom * units.BOLTZMANN / 2
        for row, replica in enumerate(self.alive):
            frame = {
                "positions": positions[row],
                "velocities": momenta[row] / self.masses[:, None] * fs,
                "energies": energies[row] * units.EV,
                "kinetic_energies": kinetic[row],
                "temperatures": temperatures[row],
            }
            if forces is not None:
                frame["forces"] = forces[row] * units.EV
            self.frames[replica].append(frame)

    def _elapsed(self) -> float:
        return time.perf_counter() - self.begun

    def _tell(self) -> None:
        assert self.progress is not None
        done = self.step * self.settings.timestep / 1000
        speed = ns_per_day(done, self._elapsed())
        text = f"{len(self.alive)} replicas {done:.1f} ps, {speed:.2f} ns/day each"
        self.progress(text, self.step, self.settings.steps)

    def _identity(self) -> dict[str, Any]:
        digest = hashlib.sha256()
        for atoms, own in zip(self.atoms, self.all_settings, strict=True):
            digest.update(checkpoint.identity_of(atoms, own)["start"].encode())
        settings = self.settings.model_dump(mode="json")
        return {"settings": settings, "start": digest.hexdigest(), "engine": ENGINE}

    def _state(self) -> dict[str, Any]:
        """What a checkpoint holds, as it is now."""
        failed = {
            replica: [failure.model_dump(mode="json"), step, frames]
            for replica, (failure, step, frames) in self.failures.items()
        }
        watched = {
            f"{name}-{replica}": values.copy()
            for replica in self.alive
            for name, values in self.monitors[replica].state().items()
        }
        return {
            "step": self.step,
            "resumed": self.resumed,
            "alive": np.array(self.alive, dtype=np.int64),
            "failed": json.dumps(failed),
            **watched,
            **self.moving.state(),
        }

    def _save(self) -> None:
        """Write the frames, then the last checkpoint, from which later ones could be made again."""
        for replica, writer in self.writers.items():
            self.frames[replica].flush(writer)
        self.spent = self._elapsed()
        state = (self.unsaved or {}) | {"spent": self.spent}
        checkpoint.write(self.folder, self._identity(), state)
        self.unsaved = None

    def _restore(self) -> None:
        """Restore the state of the checkpoint."""
        state = checkpoint.read(self.folder, self._identity())
        with checkpoint.readable(self.folder):
            self.step, self.spent = int(state["step"]), float(state["spent"])
            self.resumed = int(state["resumed"]) + 1
            self.alive = state["alive"].tolist()
            self.failures = {
                int(replica): (Failure.model_validate(failure), step, frames)
                for replica, (failure, step, frames) in json.loads(str(state["failed"])).items()
            }
            for replica in self.alive:
                self.monitors[replica].restore(
                    state[f"broken-{replica}"], state[f"formed-{replica}"]
                )
            self.moving.restore(state, self.alive)
        written = self.step // self.settings.interval + 1
        self.frames = [
            Buffer(self.failures[i][2] if i in self.failures else written)
            for i in range(len(self.atoms))
        ]

    def _end(self) -> None:
        """Write the outcome of every replica of this batch."""
        for replica in self._members():
            failed = self.failures.get(replica)
            failure, step, frames = failed or (None, self.step, self.frames[replica].start)
            end(
                self.folders[replica],
                self.all_settings[replica],
                self.freedom,
                step=step,
                frames=frames,
                failure=failure,
                spent=self.spent,
                resumed=self.resumed,
            )
