"""How fast a trained baseline is."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

from baselines.registry import entry
from baselines.runs import folder as runs
from baselines.runs.record import Plan, TrainingRecord, hardware
from baselines.toolkit.devices import gpu
from teadata import catalog
from teadata.provenance import sha256
from teadata.schema import StrictModel

SECONDS = 3.0
"""Time that each way of predicting is repeated for."""

MANY = 64
"""Frames that are predicted at once."""


class Speed(StrictModel):
    """Speed of a trained model.

    Parameters
    ----------
    train_seconds
        Time of the training, as recorded.
    train_frames_per_second
        None where the recorded time is not that of the whole training: it was interrupted, and
        nothing kept the time until then.
    train_frames
        Frames that it passed over: those of an epoch times epochs, or of a batch times steps, for
        a model that has these.
    one_us_per_atom, many_us_per_atom
        Time of energies and forces, in µs per atom, for one frame at a time and for
        `many_frames` at once.
    calculator_us_per_atom
        The same through the ASE calculator, one frame at a time.
    one_cpu_us_per_atom
        Processor time of energies and forces of one frame at a time, of all threads together,
        which other work on the machine hardly adds to; None on a GPU.
    hardware
        Where the predictions were timed.
    record
        SHA-256 of the training's record, which its predictions carry too.
    """

    model: str
    dataset: str
    record: str
    device: str
    train_seconds: float
    train_frames: int
    train_frames_per_second: float | None
    one_us_per_atom: float
    many_us_per_atom: float
    many_frames: int
    calculator_us_per_atom: float
    one_cpu_us_per_atom: float | None
    hardware: dict[str, str]


def repeated(
    work: Callable[[], object],
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Time a function: the shortest of several calls in seconds, after one that warms it up."""
    work()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = clock()
        work()
        times.append(clock() - start)
    return min(times)


def bench(folder: Path, device: str | None = None, seconds: float = SECONDS) -> Speed:
    """Time the predictions of the model of a run folder.

    Parameters
    ----------
    folder
        A run folder whose training has finished.
    device
        Where to predict; by default where it was trained.
    seconds
        Time that each way of predicting is repeated for.

    Raises
    ------
    TeaError
        If it has not finished, or its backend or the device is not there.
    """
    model = runs.load(folder, device)
    record = TrainingRecord.read(folder / runs.RECORD_FILE)
    plan = record.plan
    frames = catalog.load(plan.dataset).split(f"{plan.train.split('/')[0]}/test")[:MANY]
    curve = runs.read_curve(folder)
    calculator = model.calculator()
    images = frames.to_ase()
    atoms = frames.n_atoms
    # another frame every time: what is asked for again, some calculators remember
    turns = itertools.cycle(range(len(frames)))

    def one() -> None:
        row = next(turns)
        model.predict(frames[row : row + 1])

    def by_calculator() -> None:
        calculator.calculate(images[next(turns)], ["energy", "forces"])

    passed = _frames_passed(plan, curve)
    return Speed(
        model=plan.model,
        dataset=plan.dataset,
        record=sha256(folder / runs.RECORD_FILE),
        device=model.device,
        train_seconds=record.wall_seconds,
        train_frames=passed,
        train_frames_per_second=passed / max(record.wall_seconds, 1e-9)
        if record.whole_time
        else None,
        one_us_per_atom=1e6 * repeated(one, seconds) / atoms,
        many_us_per_atom=1e6
        * repeated(lambda: model.predict(frames), seconds)
        / (atoms * len(frames)),
        many_frames=len(frames),
        calculator_us_per_atom=1e6 * repeated(by_calculator, seconds) / atoms,
        one_cpu_us_per_atom=None
        if model.device != "cpu"
        else 1e6 * repeated(one, seconds, time.process_time) / atoms,
        hardware=hardware() | gpu(model.device, entry(plan.model).framework),
    )


def _frames_passed(plan: Plan, curve: list[dict[str, float]]) -> int:
    size = int(plan.train.split("/")[2])
    if curve and "epoch" in curve[0]:
        return len(curve) * size
    if curve and "step" in curve[0]:
        return int(curve[-1]["step"]) * int(plan.config["batch_size"])
    return size
