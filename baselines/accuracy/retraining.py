"""Trainings as their user starts them, several of them, for records and for the check."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from baselines.accuracy import record as accuracy
from baselines.accuracy import regression
from baselines.accuracy.record import AccuracyRecord, SeedResult, Training
from baselines.accuracy.regression import RegressionCheck, Spread
from baselines.runs import folder as runs
from baselines.runs import predictions
from baselines.runs.record import Plan, TrainingRecord
from teadata import TeaError, catalog
from teaeval.scores.reading import read_score
from teaeval.scores.record import Score


class CommandError(TeaError):
    """A command that was run failed."""


class Retrained(NamedTuple):
    """A repeated training: the comparisons, and what was reached (None if a command failed).

    ``changes`` says what is not as it was when the record was made: settings, data, and how
    a command failed.
    """

    record: AccuracyRecord
    training: Training
    lines: list[RegressionCheck]
    found: SeedResult | None
    changes: list[str]


def carry_out(
    plan: Plan, folder: Path, threads: int | None = None
) -> tuple[TrainingRecord, dict[str, Score]]:
    """Train in a process of its own, so that its memory can be told, and score every task.

    A run folder of the same plan is gone on with, or used if it has finished.

    Parameters
    ----------
    plan
        From :func:`baselines.runs.folder.make_plan`.
    folder
        The run folder.
    threads
        That each calculation may have, of which there are several at once: none shows its
        progress.  None: as many as it likes.

    Returns
    -------
    The training record, and the score by test subset.

    Raises
    ------
    CommandError
        If a command fails.
    """
    subset, _, size = plan.train.split("/")
    if not _finished(plan, folder):
        _command(
            "train", plan.model, plan.dataset, "--subset", subset, "--size", size,
            "--config", plan.config_name, "--seed", str(plan.seed), "--device", plan.device,
            "--output", str(folder), threads=threads,
        )  # fmt: skip
    scores = {}
    for test in accuracy.tests_of(catalog.card(plan.dataset), subset):
        _command(
            "score", str(folder), "--subset", test, "--bootstrap", "0",
            "--frames", str(accuracy.FRAMES), threads=threads,
        )  # fmt: skip
        name = predictions.part_name(test, accuracy.FRAMES)
        scores[test] = read_score(folder / "scores" / f"{name}.json")
    return TrainingRecord.read(folder / runs.RECORD_FILE), scores


def _finished(plan: Plan, folder: Path) -> bool:
    path = folder / runs.RECORD_FILE
    return path.is_file() and TrainingRecord.read(path).plan == plan


def _command(*arguments: str, threads: int | None) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "baselines", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE if threads else None,
        text=True,
        env=os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {}),
        check=False,
    )
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1:] if threads else ["its message is above"]
        raise CommandError(
            f"`baselines {shlex.join(arguments)}` ended with status {done.returncode}; "
            + "".join(why)
        )


def make_record(
    plan: Plan, seeds: int, folder: Path, records: Path = accuracy.RECORDS
) -> AccuracyRecord:
    """Train with several seeds and record what they reach.

    Parameters
    ----------
    plan
        The training; its seed is the first.
    seeds
        How many seeds; they follow one another.
    folder
        Where the run folders are; finished ones of the same plan are used.
    records
        Folder of the record.

    Raises
    ------
    TeaError
        If a training fails.
    """
    results = []
    for seed in range(plan.seed, plan.seed + seeds):
        seeded = plan.model_copy(update={"seed": seed})
        results.append(carry_out(seeded, folder / runs.default_folder(seeded).name))
    return accuracy.add_training(accuracy.record_file(plan, records), results)


def check(
    chosen: Sequence[tuple[AccuracyRecord, Training]],
    spreads: dict[str, dict[str, dict[str, Spread]]],
    folder: Path,
    jobs: int,
) -> Iterator[Retrained]:
    """Repeat recorded trainings with their first seeds and compare.

    A training or a scoring that fails is a regression too.

    Parameters
    ----------
    chosen
        From :func:`baselines.accuracy.regression.select`.
    spreads
        For each model, from :func:`baselines.accuracy.regression.pooled_spreads`.
    folder
        Where the run folders are made.
    jobs
        How many are trained at once, the longest first; they share the cores.

    Yields
    ------
    What was found, in the order of ``chosen``.
    """
    threads = max(1, (os.cpu_count() or 1) // jobs)

    def work(pair: tuple[AccuracyRecord, Training]) -> Retrained:
        return _repeat(*pair, spreads[pair[0].model], folder, threads)

    with ThreadPoolExecutor(jobs) as pool:
        longest_first = sorted(
            range(len(chosen)), key=lambda n: chosen[n][1].wall_seconds, reverse=True
        )
        futures = {n: pool.submit(work, chosen[n]) for n in longest_first}
        for n in range(len(chosen)):
            yield futures[n].result()


def _repeat(
    record: AccuracyRecord,
    training: Training,
    spreads: dict[str, dict[str, Spread]],
    folder: Path,
    threads: int,
) -> Retrained:
    """Repeat one recorded training, see :func:`check`."""
    plan = runs.make_plan(
        record.model,
        catalog.load(record.dataset),
        training.subset,
        training.size,
        record.config_name,
        training.seeds[0].seed,
    )
    now = accuracy.settings_of(plan)
    changes = [
        f"{key} was {record.config.get(key)}, is {now.get(key)}"
        for key in sorted(record.config.keys() | now.keys())
        if record.config.get(key) != now.get(key)
    ]
    if (plan.frames_sha256, plan.splits_sha256) != (record.frames_sha256, record.splits_sha256):
        changes.append(f"{record.dataset} has other frames or splits")
    reached = None
    try:
        reached = SeedResult.of(*carry_out(plan, folder / runs.default_folder(plan).name, threads))
    except CommandError as error:
        changes.append(str(error))
    lines = regression.regressions(record, training, reached, spreads)
    return Retrained(record, training, lines, reached, changes)
