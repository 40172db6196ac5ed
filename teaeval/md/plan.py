"""The plan of several simulations, and what there is of them in its folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

from teadata.errors import DataError, PathError, UsageError
from teadata.files import check_folder
from teadata.schema import StrictModel
from teaeval.md.campaign import PLAN_FILE
from teaeval.md.outcome import OUTCOME_FILE, Outcome
from teaeval.md.settings import Settings

Engine = Literal["ase", "torch-sim"]
ENGINES: tuple[Engine, ...] = get_args(Engine)


class Replica(StrictModel):
    """One simulation: the seed of its velocities and noise, and the test frame it starts from."""

    seed: int
    frame: int


class Plan(StrictModel):
    """Simulations of a dataset's system.

    ``calculator`` is ``module:factory``, or ``model`` a run folder, whose record has the checksum
    ``model_sha256``, where there is one; ``name`` is the model's in figures and tables.
    ``together`` evaluates all replicas as one batch.  ``engine`` moves the atoms, in the version
    ``engine_version`` where it is not ASE.
    """

    dataset: str
    subset: str
    frames_sha256: str
    splits_sha256: str
    name: str
    calculator: str | None = None
    model: str | None = None
    model_sha256: str | None = None
    device: str | None = None
    together: bool = False
    engine: Engine = "ase"
    engine_version: str | None = None
    settings: Settings
    replicas: list[Replica]
    version: str

    def settings_of(self, index: int) -> Settings:
        """The settings of a replica: with its own seed."""
        return self.settings.model_copy(update={"seed": self.replicas[index].seed})


def read_plan(folder: Path) -> Plan:
    """Read the plan in a folder of simulations.

    Raises
    ------
    DataError
        If there is none.
    """
    check_folder(folder, "a folder of simulations, which `teaeval md run` makes")
    path = folder / PLAN_FILE
    try:
        return Plan.from_json(
            path,
            "a plan of simulations",
            "this is no folder of simulations: start some with `teaeval md run`",
        )
    except PathError:
        raise
    except DataError as error:
        if not path.exists():
            raise
        said = str(error).partition("; this is no folder")[0]
        raise DataError(
            f"{said}; it was damaged or edited: put it back, or simulate in another folder"
        ) from None


def check_owner(folder: Path) -> None:
    """Refuse a folder of somebody else: the code that its plan names would run as this user.

    Raises
    ------
    UsageError
        If the folder or its plan belongs to another user.
    """
    for path in (folder, folder / PLAN_FILE):
        if (owner := path.stat().st_uid) != os.getuid():
            raise UsageError(
                f"{path}: belongs to another user (number {owner}), and names code to be run; "
                "copy the folder if you trust it"
            )


def folders(plan: Plan, folder: Path) -> list[Path]:
    """Folder of each replica."""
    return [folder / f"replica-{i}" for i in range(len(plan.replicas))]


def outcomes(plan: Plan, folder: Path) -> Iterator[Outcome | None]:
    """Read the outcome of each replica; None for one that has not ended."""
    for path in folders(plan, folder):
        yield Outcome.read(path) if (path / OUTCOME_FILE).exists() else None


def states(folder: Path) -> list[Path]:
    """The folders of simulations in a folder: itself, or one for each temperature in it.

    Raises
    ------
    DataError
        If there is no such folder, or it holds no simulations.
    """
    if not (folder / PLAN_FILE).exists() and folder.is_dir():
        inner = [path.parent for path in folder.glob(f"*/{PLAN_FILE}")]
        if inner:
            return sorted(inner, key=lambda path: (len(path.name), path.name))
    read_plan(folder)
    return [folder]


def finished(plan: Plan, folder: Path) -> bool:
    """Whether all simulations of a plan have ended in this folder before."""
    return all((path / OUTCOME_FILE).exists() for path in folders(plan, folder))
