"""Several simulations of one system with one model, in one folder."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata import Dataset, catalog
from teadata.errors import DataError, MissingExtraError, TeaError, UsageError
from teadata.files import write_text
from teadata.provenance import package_version
from teadata.schema import StrictModel
from teadata.typing import Progress
from teaeval.calculators import Batched, find_calculator
from teaeval.md.outcome import OUTCOME_FILE, Outcome
from teaeval.md.settings import Settings
from teaeval.md.simulation import simulate

if TYPE_CHECKING:
    from ase import Atoms

PLAN_FILE = "plan.json"


class Replica(StrictModel):
    """One simulation: the seed of its velocities and noise, and the test frame it starts from."""

    seed: int
    frame: int


class Plan(StrictModel):
    """Simulations of a dataset's system.

    ``calculator`` is ``module:factory``, or ``model`` a run folder; ``name`` is the model's in
    figures and tables.  ``together`` evaluates all replicas as one batch.
    """

    dataset: str
    subset: str
    frames_sha256: str
    splits_sha256: str
    name: str
    calculator: str | None = None
    model: str | None = None
    device: str | None = None
    together: bool = False
    settings: Settings
    replicas: list[Replica]
    version: str


def make_plan(
    dataset: Dataset,
    subset: str,
    settings: Settings,
    replicas: int = 1,
    *,
    calculator: str | None = None,
    model: Path | str | None = None,
    device: str | None = None,
    together: bool = False,
    name: str | None = None,
) -> Plan:
    """The plan of simulations that start from frames of a test set, drawn with the seed.

    Replica i has the settings' seed + i.

    Raises
    ------
    UsageError
        If there is no such subset, or it has fewer test frames than replicas.
    """
    dataset.card.check_subset(subset)
    ids = dataset.splits.ids(f"{subset}/test")
    if not 0 < replicas <= len(ids):
        raise UsageError(
            f"--replicas {replicas}: expected 1 to {len(ids)}, the test frames of {subset}; "
            "each replica starts from another one"
        )
    if together and settings.stress:
        raise UsageError("--together gives no stress; leave one of --together and --stress out")
    drawn = np.random.default_rng(settings.seed).choice(ids, replicas, replace=False)
    return Plan(
        dataset=dataset.card.full_id,
        subset=subset,
        frames_sha256=dataset.card.file("frames").sha256,
        splits_sha256=dataset.card.file("splits").sha256,
        name=name or (Path(model).name if model is not None else str(calculator)),
        calculator=calculator,
        model=None if model is None else str(Path(model).resolve()),
        device=device,
        together=together,
        settings=settings,
        replicas=[
            Replica(seed=settings.seed + i, frame=int(frame)) for i, frame in enumerate(drawn)
        ],
        version=package_version(),
    )


def read_plan(folder: Path) -> Plan:
    """The plan in a folder of simulations.

    Raises
    ------
    DataError
        If there is none.
    """
    return Plan.from_json(
        folder / PLAN_FILE,
        "a plan of simulations",
        "this is no folder of simulations: start some with `teaeval md run`",
    )


def folders(plan: Plan, folder: Path) -> list[Path]:
    """Folder of each replica."""
    return [folder / f"replica-{i}" for i in range(len(plan.replicas))]


def outcomes(plan: Plan, folder: Path) -> Iterator[Outcome | None]:
    """Outcome of each replica, None for one that has not ended."""
    for path in folders(plan, folder):
        yield Outcome.read(path) if (path / OUTCOME_FILE).exists() else None


def run(plan: Plan, folder: Path, jobs: int = 1, progress: Progress | None = None) -> list[Outcome]:
    """Run what a plan says in a folder, or go on with it where it was interrupted.

    Parameters
    ----------
    plan
        From :func:`make_plan`.
    folder
        Made if need be.
    jobs
        Replicas that run at a time, each in a process of its own; 1 runs them one after
        another in this process.
    progress
        Told of the progress of each replica.

    Returns
    -------
    list of Outcome
        Of each replica; a failed one does not stop the others.

    Raises
    ------
    UsageError
        If the folder holds other simulations or anything else, or there is no such calculator.
    TeaError
        If the dataset is another one than the plan's, or a calculator fails.
    """
    _prepare(plan, folder)
    if plan.together:
        return _together(plan, folder, progress)
    waiting = [i for i, found in enumerate(outcomes(plan, folder)) if found is None]
    if jobs > 1 and len(waiting) > 1:
        _processes(folder, waiting, jobs, progress)
    elif waiting:
        calculator = find_calculator(plan.calculator, plan.model, plan.device)
        for i in waiting:
            _one(plan, folder, i, calculator, progress)
    return [Outcome.read(path) for path in folders(plan, folder)]


def _prepare(plan: Plan, folder: Path) -> None:
    """Write the plan, or find the same one there."""
    path = folder / PLAN_FILE
    if path.exists():
        if read_plan(folder).model_dump(exclude={"version"}) != plan.model_dump(
            exclude={"version"}
        ):
            raise UsageError(
                f"{folder}: holds simulations with another plan ({PLAN_FILE}); `teaeval md resume` "
                "goes on with them; for others choose another --output"
            )
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: exists and holds no simulations; choose another --output")
    find_calculator(plan.calculator, plan.model, plan.device)  # before anything is made
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot be made ({error.strerror or error})") from None
    write_text(path, plan.model_dump_json(indent=1) + "\n")


def start_of(plan: Plan, replica: Replica) -> Atoms:
    """The structure that a replica starts from.

    Raises
    ------
    TeaError
        If the dataset here has other frames or splits than the plan's.
    """
    dataset = catalog.load(plan.dataset)
    for name, expected in (("frames", plan.frames_sha256), ("splits", plan.splits_sha256)):
        found = dataset.card.file(name).sha256
        if found != expected:
            raise TeaError(
                f"{plan.dataset} here is not the one of these simulations: its {name} have sha256 "
                f"{found}, the plan says {expected}"
            )
    (atoms,) = dataset.split(f"{plan.subset}/test").select([replica.frame]).to_ase()
    atoms.calc = None
    return atoms


def _one(
    plan: Plan, folder: Path, index: int, calculator: Any, progress: Progress | None
) -> Outcome:
    replica = plan.replicas[index]
    settings = plan.settings.model_copy(update={"seed": replica.seed})
    atoms = start_of(plan, replica)
    return simulate(atoms, calculator, settings, folders(plan, folder)[index], progress)


def _together(plan: Plan, folder: Path, progress: Progress | None) -> list[Outcome]:
    """Run all replicas in threads that share one model."""
    waiting = [i for i, found in enumerate(outcomes(plan, folder)) if found is None]
    if waiting:
        from teaeval.md.batched import BatchedReplicas

        model = find_calculator(plan.calculator, plan.model, plan.device)
        if not isinstance(model, Batched):
            raise UsageError(
                f"--together: {plan.name} has no predict(frames), so it evaluates one structure at "
                "a time; leave --together out"
            )
        group = BatchedReplicas(model, len(waiting))
        errors: list[BaseException] = []

        def work(member: int, index: int) -> None:
            report = progress if member == 0 else None
            try:
                _one(plan, folder, index, group.calculator(member), report)
            except BaseException as error:
                errors.append(error)
            finally:
                group.leave(member)

        threads = [threading.Thread(target=work, args=pair) for pair in enumerate(waiting)]
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                threads[0].join(0.1) if threads[0].is_alive() else threads[-1].join(0.1)
        except BaseException:
            group.stop()
            for thread in threads:
                thread.join()
            raise
        if errors:
            raise errors[0]
    return [Outcome.read(path) for path in folders(plan, folder)]


def _processes(folder: Path, waiting: list[int], jobs: int, progress: Progress | None) -> None:
    """Run replicas in processes, so many at a time."""
    context = multiprocessing.get_context("spawn")  # backends do not survive a fork
    messages: Any = context.Queue()
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    os.environ.setdefault("OMP_NUM_THREADS", threads)  # read by the processes as they start
    left = list(waiting)
    running: dict[int, Any] = {}
    done: dict[int, int] = {}
    try:
        while left or running:
            while left and len(running) < jobs:
                index = left.pop(0)
                running[index] = context.Process(target=_work, args=(folder, index, messages))
                running[index].start()
            _listen(messages, done, len(waiting), progress)
            for index, process in list(running.items()):
                if not process.is_alive():
                    process.join()
                    del running[index]
                    _listen(messages, done, len(waiting), progress)
                    if process.exitcode:
                        raise TeaError(
                            f"replica {index} ended with status {process.exitcode}; what it did is "
                            "kept: `teaeval md resume` goes on"
                        )
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.join()


def _listen(messages: Any, done: dict[int, int], count: int, progress: Progress | None) -> None:
    """Pass on what processes say, and raise the error of one that cannot go on."""
    while True:
        try:
            index, text, step, steps = messages.get(timeout=0.1)
        except queue.Empty:
            return
        if steps == 0:
            raise (UsageError if step == UsageError.exit_status else TeaError)(text)
        done[index] = step
        if progress is not None:
            progress(text, sum(done.values()), steps * count)


def _work(folder: Path, index: int, messages: Any) -> None:
    """A replica in a process of its own; Ctrl-C is seen to by the one that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def report(text: str, step: int, steps: int) -> None:
        messages.put((index, text, step, steps))

    try:
        plan = read_plan(folder)
        calculator = find_calculator(plan.calculator, plan.model, plan.device)
        _one(plan, folder, index, calculator, report)
    except (TeaError, MissingExtraError) as error:
        messages.put((index, f"replica {index}: {error}", error.exit_status, 0))
        messages.close()
        messages.join_thread()
        sys.exit(error.exit_status)
