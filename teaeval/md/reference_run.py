"""Simulations of one's own that others are compared with: ``teaeval md analyse --reference``."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np

from teadata.errors import DataError, UsageError
from teadata.provenance import sha256
from teaeval.md.ending import stable_part
from teaeval.md.outcome import Outcome
from teaeval.md.plan import Plan, outcomes, read_plan, states
from teaeval.md.sources import FromFile, Reference


def simulated_reference(folder: Path, compared: Path, plan: Plan, discard: float) -> Reference:
    """The simulations in a folder, as what others are compared with.

    Parameters
    ----------
    folder
        Of :func:`teaeval.md.run`, or one with a folder for each temperature.
    compared, plan
        Where the others are, and what they were to be.
    discard
        ps at the start of each replica that are left out.

    Raises
    ------
    UsageError
        If they are of another dataset or temperature, or the same simulations.
    DataError
        If there are none, one has not ended, or no frame is left.
    """
    path, own = _fitting(folder, plan)
    if path.resolve() == compared.resolve():
        raise UsageError(
            f"--reference {folder}: these are the simulations that are analysed; expected others"
        )
    ended = [_ended(path, i, outcome) for i, outcome in enumerate(outcomes(own, path))]
    sources, files = [], {}
    for i, outcome in enumerate(ended):
        run = stable_part(outcome, own.settings_of(i))
        files[f"{run.path.parent.name}/{run.path.name}"] = sha256(run.path)
        start = int(np.searchsorted(run.times, 1000 * discard - 1e-6))
        if len(run) > start:
            sources.append(FromFile(run, start))
    if not sources:
        raise DataError(
            f"--reference {folder}: no frame is left after the first {discard:g} ps of each "
            "replica; simulate the reference for longer, or give a shorter --discard"
        )
    return Reference(_label(path, own, ended), own.settings.temperature, sources, files)


def _fitting(folder: Path, plan: Plan) -> tuple[Path, Plan]:
    """Where simulations of the same system at the same temperature are, and their plan."""
    temperature = plan.settings.temperature
    there = [(path, read_plan(path)) for path in states(folder)]
    found = [one for one in there if one[1].settings.temperature == temperature]
    if not found:
        kelvins = " and ".join(f"{own.settings.temperature:g}" for _, own in there)
        raise UsageError(
            f"--reference {folder}: expected simulations at {temperature:g} K, as those that are "
            f"analysed, found {kelvins} K; simulate the reference with --temperature "
            f"{temperature:g}"
        )
    path, own = found[0]
    if (own.dataset, own.frames_sha256) != (plan.dataset, plan.frames_sha256):
        other = own.dataset if own.dataset != plan.dataset else "other frames under that name"
        raise UsageError(
            f"--reference {folder}: expected simulations of {plan.dataset}, as those that are "
            f"analysed, found {other}; simulate the reference from this dataset"
        )
    return path, own


def _ended(path: Path, index: int, outcome: Outcome | None) -> Outcome:
    if outcome is None:
        raise DataError(
            f"--reference {path}: replica {index} has not ended; to go on with it: "
            f"teaeval md resume {shlex.quote(str(path))}"
        )
    return outcome


def _label(path: Path, plan: Plan, ended: list[Outcome]) -> str:
    settings, failed = plan.settings, sum(one.status == "failed" for one in ended)
    broken = f", {failed} of them unstable," if failed else ""
    return (
        f"{len(ended)} simulations of {settings.steps * settings.timestep / 1000:g} ps{broken} by "
        f"{plan.name} from {plan.subset} at {settings.temperature:g} K ({path})"
    )
