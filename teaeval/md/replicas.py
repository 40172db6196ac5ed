"""Several simulations of one system with one model, in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata import Dataset, catalog
from teadata.errors import UsageError, unknown_name
from teadata.provenance import package_version, sha256
from teadata.typing import Progress
from teaeval.calculators import Batched, find_calculator
from teaeval.md import campaign
from teaeval.md.outcome import Outcome
from teaeval.md.plan import ENGINES, Engine, Plan, Replica, folders, outcomes
from teaeval.md.settings import Settings
from teaeval.md.simulation import simulate
from teaeval.md.starting import check_friction

if TYPE_CHECKING:
    from ase import Atoms

    from teaeval.md.torch_engine import TorchSimBatch


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
    engine: str = "ase",
    name: str | None = None,
) -> Plan:
    """Make a plan of simulations that start from frames of a test set, drawn with the seed.

    Replica i has the settings' seed + i.

    Raises
    ------
    UsageError
        If there is no such subset, it has fewer test frames than replicas, the engine is unknown
        or does not have the settings, or the friction is too large for the time step.
    MissingExtraError
        If the engine is not installed.
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
    known, engine_version = _known(engine, settings, together)
    if known == "ase":
        check_friction(settings)
    drawn = np.random.default_rng(settings.seed).choice(ids, replicas, replace=False)
    return Plan(
        dataset=dataset.card.full_id,
        subset=subset,
        frames_sha256=dataset.card.file("frames").sha256,
        splits_sha256=dataset.card.file("splits").sha256,
        name=name or (Path(model).name if model is not None else str(calculator)),
        calculator=calculator,
        model=None if model is None else str(Path(model).resolve()),
        model_sha256=_checksum(model),
        device=device,
        together=together,
        engine=known,
        engine_version=engine_version,
        settings=settings,
        replicas=[
            Replica(seed=settings.seed + i, frame=int(frame)) for i, frame in enumerate(drawn)
        ],
        version=package_version(),
    )


def _known(engine: str, settings: Settings, together: bool) -> tuple[Engine, str | None]:
    """An engine that can be used, and its version, None of ASE."""
    known = next((name for name in ENGINES if name == engine), None)
    if known is None:
        raise unknown_name("engine", engine, ENGINES)
    if known == "ase":
        return known, None
    from teaeval.md import torch_batch

    if together:
        raise UsageError(
            f"--engine {engine} runs all replicas as one batch anyway; leave --together out"
        )
    torch_batch.check_settings(settings)
    return known, torch_batch.version()


def _checksum(model: Path | str | None) -> str | None:
    """The checksum of a run folder's record, which stands for its model wherever it is moved to."""
    record = None if model is None else Path(model) / "record.json"
    return sha256(record) if record is not None and record.is_file() else None


def run(
    plan: Plan, folder: Path | str, jobs: int = 1, progress: Progress | None = None
) -> list[Outcome]:
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
    DataError
        If the dataset is another one than the plan's.
    TeaError
        If a calculator fails; the other replicas are run all the same.
    """
    folder = Path(folder)
    check_jobs(plan, jobs)
    prepare(plan, folder)
    waiting = {
        f"replica-{i}": _Job(plan, folder, i)
        for i, outcome in enumerate(outcomes(plan, folder))
        if outcome is None
    }
    if waiting and plan.engine != "ase":
        _torch_sim_batch(plan, folder, progress).complete()
    elif waiting and plan.together:
        _run_together(plan, list(waiting.values()), progress)
    elif waiting:
        campaign.carry_out(_run_replica, waiting, jobs, progress=progress)
    return [Outcome.read(path) for path in folders(plan, folder)]


def check_jobs(plan: Plan, jobs: int) -> None:
    """Refuse processes for an engine that does not share its replicas among them.

    Raises
    ------
    UsageError
        If there is more than one.
    """
    if plan.engine != "ase" and jobs > 1:
        raise UsageError(
            f"--jobs {jobs}: --engine {plan.engine} runs all replicas as one batch in this "
            "process; leave --jobs out"
        )


def prepare(plan: Plan, folder: Path) -> None:
    """Make the folder of a plan and write the plan, or check that the folder is of this plan.

    Raises
    ------
    UsageError
        If the folder holds other simulations or anything else, or there is no such calculator.
    DataError
        If the plan there cannot be read, or the folder not be made.
    """
    campaign.prepare(
        folder,
        plan,
        _shared,
        "simulations",
        first=lambda: _try(plan, folder),
    )


def _try(plan: Plan, folder: Path) -> None:
    """Raise an error if a plan cannot be carried out."""
    if plan.engine != "ase":
        _torch_sim_batch(plan, folder)
    simulated_model(plan)


def simulated_model(plan: Plan) -> Any:
    """What gives the forces of a plan's simulations, for :func:`teaeval.calculators.evaluate`.

    With torch-sim that is its own model, once that agrees with the calculator on some test frames.

    Raises
    ------
    TeaError
        If there is no such calculator, or the engine does not take it, or its model is another one.
    """
    from teaeval.md.torch_check import checked_model

    calculator = find_calculator(plan.calculator, plan.model, plan.device)
    if plan.engine == "ase":
        return calculator
    test = catalog.load(plan.dataset).split(f"{plan.subset}/test")
    return checked_model(calculator, plan.name, test)


def _shared(plan: Plan) -> dict[str, Any]:
    """What all plans of one folder must agree in: all but the version, and where the model is."""
    left_out = {"version", "settings", "model" if plan.model_sha256 else "model_sha256"}
    values = plan.model_dump(mode="json", exclude=left_out)
    return values | plan.settings.model_dump(mode="json")


def start_of(plan: Plan, replica: Replica) -> Atoms:
    """Read the structure that a replica starts from.

    Raises
    ------
    DataError
        If the dataset here has other frames or splits than the plan's.
    """
    dataset = catalog.load(plan.dataset)
    dataset.require(plan.frames_sha256, plan.splits_sha256)
    (atoms,) = dataset.split(f"{plan.subset}/test").select([replica.frame]).to_ase()
    atoms.calc = None
    return atoms


@dataclass(frozen=True)
class _Job:
    """One replica of a plan, to be run in the plan's folder."""

    plan: Plan
    folder: Path
    index: int

    def simulate(self, calculator: Any, progress: Progress | None) -> Outcome:
        start = start_of(self.plan, self.plan.replicas[self.index])
        path = folders(self.plan, self.folder)[self.index]
        settings = self.plan.settings_of(self.index)
        return simulate(start, calculator, settings, path, progress)


def _run_replica(job: _Job, progress: Progress) -> Outcome:
    plan = job.plan
    calculator = campaign.calculator_of(plan.calculator, plan.model, plan.device)
    return job.simulate(calculator, progress)


def _run_together(plan: Plan, jobs: list[_Job], progress: Progress | None) -> None:
    """Run all replicas in threads that share one model."""
    from teaeval.md.batched import in_batches

    model = find_calculator(plan.calculator, plan.model, plan.device)
    if not isinstance(model, Batched):
        raise UsageError(
            f"--together: {plan.name} has no predict(frames), so it evaluates one structure at "
            "a time; leave --together out"
        )
    in_batches(model, [job.simulate for job in jobs], progress)


def _torch_sim_batch(plan: Plan, folder: Path, progress: Progress | None = None) -> TorchSimBatch:
    """All replicas of a plan as a batch of torch-sim.

    Raises
    ------
    UsageError
        If the plan was made with another version of torch-sim, or the model or the system is none
        that it takes.
    """
    from teaeval.md import torch_batch
    from teaeval.md.torch_engine import TorchSimBatch

    if (installed := torch_batch.version()) != plan.engine_version:
        raise UsageError(
            f"{folder}: its plan is for {torch_batch.PACKAGE} {plan.engine_version}, and "
            f"{installed} is installed; to go on: "
            f"python -m pip install {torch_batch.PACKAGE}=={plan.engine_version}"
        )
    calculator = find_calculator(plan.calculator, plan.model, plan.device)
    return TorchSimBatch(
        torch_batch.model_of(calculator, plan.name),
        [start_of(plan, replica) for replica in plan.replicas],
        [plan.settings_of(i) for i in range(len(plan.replicas))],
        folder,
        folders(plan, folder),
        progress,
    )
