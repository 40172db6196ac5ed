"""Energies, forces and virials of frames by QUIP, in this process or in several."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.gap.fitting import GAP_FILE
from baselines.gap.process import ending, started
from baselines.protocol import Floats, Predicted, Progress
from teadata import Frames, TeaError
from teadata.elements import SYMBOLS
from teadata.errors import DataError, MissingExtraError
from teadata.units import EV

if TYPE_CHECKING:
    from ase import Atoms

VACUUM = 20.0
"""Å around the atoms along directions that are not periodic; more than any cutoff."""

ATOMS_WORTH_A_PROCESS = 2000
"""Starting a process costs about as much as predicting so many atoms."""


def to_quip(frames: Frames, row: int) -> Atoms:
    """One frame without labels as ASE atoms that QUIP can take.

    QUIP divides by the cell's volume: directions that are not periodic get a cell vector.
    """
    from ase import Atoms

    atoms = Atoms(
        numbers=frames.numbers,
        positions=frames.positions[row],
        cell=None if frames.cell is None else frames.cell[row],
        pbc=frames.pbc,
    )
    open_axes = [axis for axis in range(3) if not frames.pbc[axis]]
    if open_axes:
        atoms.center(vacuum=VACUUM, axis=open_axes)
    return atoms


@contextmanager
def _silent() -> Iterator[None]:
    """Send what Fortran prints on standard output nowhere."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(nowhere)
        os.close(kept)


def load(folder: Path) -> Any:
    """QUIP's potential of a model folder; the files have been checked by :func:`check`.

    Raises
    ------
    MissingExtraError
        If quippy-ase is not installed.
    """
    with _silent():
        try:
            from quippy.potential import Potential
        except ImportError:
            raise MissingExtraError("quippy-ase", "gap", "SOAP/GAP") from None
        return Potential(param_filename=str(folder / GAP_FILE))


def evaluate(potential: Any, frames: Frames, row: int) -> tuple[float, Floats, Floats]:
    """Energy in eV, forces (A, 3) in eV/Å and virial (3, 3) in eV of one frame."""
    atoms = to_quip(frames, row)
    with _silent():
        potential.calculate(atoms, properties=["energy", "forces", "stress"])
    return (
        potential.results["energy"],
        potential.results["forces"],
        potential.extra_results["config"]["virial"],
    )


def check(folder: Path) -> frozenset[int]:
    """Elements of a model folder, by atomic number.

    Raises
    ------
    DataError
        If it is not the folder of a GAP, or a file of it is missing.
    """
    try:
        text = (folder / GAP_FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{folder / GAP_FILE}: not a readable GAP ({error})") from None
    if "<GAP_params" not in text or "</GAP_params>" not in text:
        raise DataError(f"{folder / GAP_FILE}: not a whole GAP potential, expected <GAP_params>")
    sparse = re.findall(r'sparseX_filename="([^"]+)"', text)
    missing = [name for name in sparse if not (folder / name).is_file()]
    if missing:
        raise DataError(
            f"{folder}: sparse points of the GAP are missing: {', '.join(missing)}; they belong "
            f"beside {GAP_FILE}, copy the whole folder"
        )
    centers = re.findall(r"<descriptor>\s*soap [^<]*?\bZ=(\d+)", text)
    if not centers:
        raise DataError(
            f"{folder / GAP_FILE}: a GAP without a SOAP kernel is not one of these models"
        )
    return frozenset(int(z) for z in centers)


def sparse_points(folder: Path) -> int:
    """Number of sparse points of all kernels of a model folder."""
    text = (folder / GAP_FILE).read_text(encoding="utf-8")
    return sum(int(count) for count in re.findall(r'\bn_sparseX="(\d+)"', text))


def predict(
    folder: Path, potential: Any, frames: Frames, progress: Progress, task: str = "predict"
) -> Predicted:
    """Predict frames, with as many processes as there are cores where that is worth it.

    QUIP uses one thread.  A frame's result does not depend on the number of processes.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    workers = min(cores or 1, len(frames), len(frames) * frames.n_atoms // ATOMS_WORTH_A_PROCESS)
    energies, forces = np.empty(len(frames)), np.empty(frames.forces.shape)
    virials = np.empty((len(frames), 3, 3))
    if workers > 1:
        for rows, part in _in_processes(folder, frames, workers, progress, task):
            energies[rows], forces[rows] = part["energies"], part["forces"]
            virials[rows] = part["virials"]
    else:
        for row in range(len(frames)):
            energies[row], forces[row], virials[row] = evaluate(potential, frames, row)
            progress(task, row + 1, len(frames))
    stress = None
    if frames.cell is not None:
        volume = np.abs(np.linalg.det(frames.cell))
        if (volume > 0).all():
            stress = -virials * EV / volume[:, None, None]
    return Predicted(energies * EV, forces * EV, stress)


def _in_processes(
    folder: Path, frames: Frames, workers: int, progress: Progress, task: str
) -> list[tuple[slice, Any]]:
    """Rows of the frames and their results, from processes with a part of them each."""
    bounds = np.linspace(0, len(frames), workers + 1).astype(int).tolist()
    with TemporaryDirectory(prefix="tea-gap-") as scratch, ExitStack() as stack:
        work = Path(scratch)
        given: dict[str, Any] = {
            "numbers": frames.numbers,
            "positions": frames.positions,
            "pbc": frames.pbc,
        }
        if frames.cell is not None:
            given["cell"] = frames.cell
        np.savez(work / "frames.npz", **given)
        source, sink = os.pipe()
        beat = stack.enter_context(open(source, "rb", buffering=0))
        with open(sink, "wb") as writer:
            running = [
                stack.enter_context(_worker(folder, work, start, stop, writer))
                for start, stop in itertools.pairwise(bounds)
            ]
        done = 0
        while ticks := beat.read(4096):  # one byte a frame, from whichever process
            done += len(ticks)
            progress(task, done, len(frames))
        for process, start in zip(running, bounds, strict=False):
            if process.wait() != 0:
                said = (work / f"{start}.log").read_text(encoding="utf-8", errors="replace")
                raise TeaError(
                    f"a process that predicted with {folder} ended with "
                    f"{ending(process.returncode)}; it last said: {said[-500:].strip()}"
                )
        return [
            (slice(start, stop), dict(np.load(work / f"{start}.npz", allow_pickle=False)))
            for start, stop in itertools.pairwise(bounds)
        ]


@contextmanager
def _worker(
    folder: Path, work: Path, start: int, stop: int, ticks: Any
) -> Iterator[subprocess.Popen[bytes]]:
    code = (
        "import sys; sys.path[:0] = [sys.argv.pop(1)]; "
        "from baselines.gap import worker; worker.main()"
    )
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", code, root, folder.resolve(), work, start, stop]
    with (
        open(work / f"{start}.log", "wb") as said,
        started([str(part) for part in command], work, ticks, said) as process,
    ):
        yield process


def unknown_elements(frames: Frames, known: frozenset[int]) -> list[str]:
    """Symbols of elements of the frames that a potential does not know."""
    return [SYMBOLS[z] for z in sorted({int(z) for z in frames.numbers} - known)]
