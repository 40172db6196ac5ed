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
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from baselines.gap.process import ending, started
from baselines.predicted import Predicted
from baselines.toolkit.structures import stress_of
from teadata import Frames, TeaError
from teadata.elements import SYMBOLS
from teadata.errors import DataError, MissingExtraError
from teadata.typing import Floats, Progress
from teadata.units import EV

if TYPE_CHECKING:
    from ase import Atoms

GAP_FILE = "gap.xml"
"""The potential in its folder; its sparse points lie beside it, in files it names."""

VACUUM = 20.0
"""Å around the atoms along directions that are not periodic; more than any cutoff."""

ATOMS_TOGETHER = 400
"""Atoms, about, up to which molecules are evaluated side by side."""

ATOMS_WORTH_A_PROCESS = 2000
"""Atoms whose prediction costs about as much as starting a process."""


def to_quip(frames: Frames, row: int) -> Atoms:
    """Convert one frame, without labels, to ASE atoms that QUIP can take.

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
    """Discard what Fortran prints on standard output."""
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
    """Let QUIP read the potential of a model folder that :func:`check` has checked.

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
        # quippy keeps the results of atoms that it knows, without a virial if that was not asked.
        return Potential(param_filename=str(folder / GAP_FILE), calculation_always_required=True)


class Evaluated(NamedTuple):
    """Energies (n,) in eV, forces (n, A, 3) in eV/Å, and virials (n, 3, 3) in eV.

    The virials of frames without a cell are zero: they have no stress.
    """

    energies: Floats
    forces: Floats
    virials: Floats


def evaluate(potential: Any, frames: Frames) -> Iterator[Evaluated]:
    """Evaluate frames with QUIP, in order, a few at a time."""
    if frames.cell is None:
        together = max(1, ATOMS_TOGETHER // frames.n_atoms)
        for start in range(0, len(frames), together):
            yield _molecules(potential, frames[start : start + together])
    else:
        for row in range(len(frames)):
            with _silent():
                potential.calculate(to_quip(frames, row), properties=["energy", "forces", "stress"])
            yield Evaluated(
                np.array([potential.results["energy"]]),
                potential.results["forces"][None],
                potential.extra_results["config"]["virial"][None],
            )


def _molecules(potential: Any, frames: Frames) -> Evaluated:
    """Put frames without a cell into one system, side by side and out of each other's reach.

    QUIP parses each descriptor's words anew for each system, which for a small one takes
    longer than the rest.
    """
    from ase import Atoms

    low = frames.positions.min(axis=1, keepdims=True)
    width = np.ptp(frames.positions[:, :, 0], axis=1) + VACUUM
    placed = frames.positions - low
    placed[:, :, 0] += (np.cumsum(width) - width)[:, None]
    atoms = Atoms(np.tile(frames.numbers, len(frames)), placed.reshape(-1, 3))
    atoms.center(vacuum=VACUUM)
    # Energies by atom cost a tenth of the time; of one frame the sum will do.
    energy = "energies" if len(frames) > 1 else "energy"
    with _silent():
        potential.calculate(atoms, properties=[energy, "forces"])
    return Evaluated(
        np.reshape(potential.results[energy], (len(frames), -1)).sum(axis=1),
        potential.results["forces"].reshape(len(frames), frames.n_atoms, 3),
        np.zeros((len(frames), 3, 3)),
    )


def check(folder: Path) -> frozenset[int]:
    """Check a model folder and return the atomic numbers of its elements.

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
    """Count the sparse points of all kernels of a model folder."""
    text = (folder / GAP_FILE).read_text(encoding="utf-8")
    return sum(int(count) for count in re.findall(r'\bn_sparseX="(\d+)"', text))


def processes(frames: Frames) -> int:
    """Choose the number of processes that predict frames soonest; QUIP uses one thread."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    worthwhile = len(frames) * frames.n_atoms // ATOMS_WORTH_A_PROCESS
    return max(1, min(cores or 1, len(frames), worthwhile))


def predict(potential: Any, frames: Frames, progress: Progress) -> Predicted:
    """Predict frames in this process."""
    parts = []
    for part in evaluate(potential, frames):
        parts.append(part)
        progress("predict", sum(len(each.energies) for each in parts), len(frames))
    return _predicted(parts, frames)


def _predicted(parts: list[Evaluated], frames: Frames) -> Predicted:
    energies, forces, virials = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Predicted(energies * EV, forces * EV, stress_of(virials * -EV, frames))


def predict_in_processes(
    folder: Path, frames: Frames, workers: int, progress: Progress
) -> Predicted:
    """Predict frames in several processes, with a part of them each.

    A frame's result does not depend on their number.
    """
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
            progress("predict", done, len(frames))
        for process, start in zip(running, bounds, strict=False):
            if process.wait() != 0:
                said = (work / f"{start}.log").read_text(encoding="utf-8", errors="replace")
                raise TeaError(
                    f"a process that predicted with {folder} ended with "
                    f"{ending(process.returncode)}; it last said: {said[-500:].strip()}"
                )
        return _predicted([_read(work / f"{start}.npz") for start in bounds[:-1]], frames)


def _read(path: Path) -> Evaluated:
    with np.load(path, allow_pickle=False) as stored:
        return Evaluated(**stored)


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
    """List the symbols of the frames' elements that a potential does not know."""
    return [SYMBOLS[z] for z in sorted({int(z) for z in frames.numbers} - known)]
