"""A fit by the gap_fit program of quippy-ase."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from baselines.gap.potential import GAP_FILE, to_quip
from baselines.gap.process import ending, started
from teadata import Frames, TeaError
from teadata.errors import MissingExtraError
from teadata.typing import Progress
from teadata.units import EV

LABEL = "GAP_tea"
"""Label of a potential, which gap_fit makes of the time of day: equal fits are equal files."""

ENERGY, FORCES = "tea_energy", "tea_forces"

LAST_LINES = 12

_PEAK = re.compile(r"^PEAK\s+(\d+)\s*([kKMGTP]?)B")
_UNITS = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}

# What gap_fit prints as it goes on: once, and once for each kernel.
ONCE = ("Number of target energies", "TIMER: Build linear system", "TIMER: GP sparsify")
FOR_EACH = "Finished sparse covariance matrix"


@dataclass(frozen=True)
class Fit:
    """A fit that gap_fit is asked for.

    Parameters
    ----------
    descriptors
        Descriptors and kernels, in gap_fit's words.
    energy_per_atom
        Subtracted from the energies, times the number of atoms, in kcal/mol.
    sigma_energy
        kcal/mol per atom.
    sigma_force
        kcal/mol/Å.
    jitter
        eV².
    seed
        Not negative.
    """

    descriptors: list[str]
    energy_per_atom: float
    sigma_energy: float
    sigma_force: float
    jitter: float
    seed: int

    def arguments(self, frames_file: str) -> list[str]:
        """List the arguments of gap_fit, in eV and Å, for its configuration file.

        The regularisation of energies is per atom, as gap_fit takes it; stresses are not
        fitted.
        """
        kernels = " :\n".join(self.descriptors)  # a blank at the end of a long line is lost
        return [
            f"at_file={frames_file}",
            f"gap={{{kernels}}}",
            f"default_sigma={{{self.sigma_energy / EV!r} {self.sigma_force / EV!r} 0.0 0.0}}",
            f"e0={self.energy_per_atom / EV!r}",
            f"energy_parameter_name={ENERGY}",
            f"force_parameter_name={FORCES}",
            "virial_parameter_name=tea_none",
            "stress_parameter_name=tea_none",
            f"sparse_jitter={self.jitter!r}",
            "do_copy_at_file=F",
            "sparse_separate_file=T",
            f"rnd_seed={self.seed + 1}",
            f"gp_file={GAP_FILE}",
        ]


def executable() -> Path:
    """Find the gap_fit program without importing quippy.

    Raises
    ------
    MissingExtraError
        If quippy-ase is not installed, or without the program.
    """
    spec = importlib.util.find_spec("quippy")
    places = [] if spec is None else spec.submodule_search_locations or []
    for place in places:
        if (Path(place) / "gap_fit").is_file():
            return Path(place) / "gap_fit"
    raise MissingExtraError("quippy-ase", "gap", "SOAP/GAP")


def write_frames(path: Path, frames: Frames) -> None:
    """Write frames as gap_fit reads them: extended XYZ in eV, eV/Å and Å."""
    from ase.io import write

    images = []
    for row in range(len(frames)):
        image = to_quip(frames, row)
        image.info[ENERGY] = float(frames.energies[row] / EV)
        image.arrays[FORCES] = frames.forces[row] / EV
        images.append(image)
    write(path, images, format="extxyz")


def run(fit: Fit, frames: Frames, folder: Path, log: Path, progress: Progress, task: str) -> None:
    """Fit a potential, and leave its files in an existing, empty folder.

    Parameters
    ----------
    fit
        What to fit.
    frames
        Training frames.
    folder
        Where :data:`GAP_FILE` and the files it names are left.
    log
        File that gap_fit's output is appended to while it runs.
    progress
        Called with `task` as gap_fit advances.

    Raises
    ------
    MissingExtraError
        If there is no gap_fit.
    TeaError
        If gap_fit needs more memory than there is, or fails.
    """
    program = executable()
    try:
        with TemporaryDirectory(dir=folder.parent) as scratch:
            work = Path(scratch)
            write_frames(work / "frames.xyz", frames)
            # A file: an argument of the command line is cut after some hundred characters.
            (work / "gap_fit.in").write_text("\n".join(fit.arguments("frames.xyz")) + "\n")
            steps = _Steps(progress, task, len(fit.descriptors))
            _watch([str(program), "config_file=gap_fit.in"], work, log, len(frames), steps)
            _collect(work, folder)
    except OSError as error:
        raise TeaError(
            f"{folder.parent}: gap_fit could not be given its frames, started, or its potential "
            f"read ({error.strerror or error}); look for space on the disk and for permissions"
        ) from None


class _Steps:
    """Reports the progress of gap_fit, told from the lines that it prints."""

    def __init__(self, progress: Progress, task: str, kernels: int) -> None:
        self.progress, self.task = progress, task
        self.done, self.total = 0, kernels + len(ONCE)
        progress(task, 0, self.total)

    def read(self, line: str) -> None:
        if any(mark in line for mark in (*ONCE, FOR_EACH)):
            self.done += 1
            self.progress(self.task, self.done, self.total)


def _watch(command: list[str], work: Path, log: Path, frames: int, steps: _Steps) -> None:
    last: deque[str] = deque(maxlen=LAST_LINES)
    with (
        open(log, "a", encoding="utf-8") as stream,
        started(command, work, subprocess.PIPE, subprocess.STDOUT) as process,
    ):
        assert process.stdout is not None
        for raw in process.stdout:
            line = raw.decode("utf-8", "replace").rstrip()
            print(line, file=stream, flush=True)
            if line.strip():
                last.append(line.strip())
            steps.read(line)
            if peak := _PEAK.match(line):
                _check_memory(float(peak[1]) * _UNITS[peak[2]], frames)
        status = process.wait()
    if status != 0:
        raise TeaError(
            f"gap_fit failed ({ending(status)}) in the {steps.task} to {frames} frames; its whole "
            f"output is in {log}, its last lines are:\n" + "\n".join(last)
        )


def _check_memory(needed: float, frames: int) -> None:
    """Refuse a fit if gap_fit's own estimate, in bytes, is more memory than is free."""
    import psutil

    available = psutil.virtual_memory().available
    if needed > available:
        fitting = int(frames * available / needed)
        fewer = f"train on at most {fitting} frames (--size), " if fitting else ""
        raise TeaError(
            f"gap_fit needs about {needed / 2**30:.1f} GiB of memory for {frames} frames with "
            f"these settings, {available / 2**30:.1f} GiB are available; {fewer}lower "
            "sparse_soap, n_max or l_max, or use a machine with more memory"
        )


def _collect(work: Path, folder: Path) -> None:
    """Move a potential's files into a folder, under names without the time of day."""
    text = (work / GAP_FILE).read_text(encoding="utf-8")
    label = re.search(r'<Potential label="([^"]+)"', text)
    if label is None:
        raise TeaError(
            f"gap_fit wrote a {GAP_FILE} without a label: expected one of its potentials"
        )
    for name in re.findall(r'sparseX_filename="([^"]+)"', text):
        (work / name).rename(folder / name.replace(label[1], LABEL))
    (folder / GAP_FILE).write_text(text.replace(label[1], LABEL), encoding="utf-8")
