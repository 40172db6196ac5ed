"""Trainings as their user starts them, several of them, for records and for the check."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from baselines import accuracy, predictions, runs
from baselines.accuracy import AccuracyRecord, Checked, SeedResult, Spread, Training
from baselines.record import Plan, TrainingRecord
from teadata import TeaError, catalog
from teaeval.scoring import Score
from teaeval.verification import read_score


class CommandError(TeaError):
    """A command that was run failed; it has printed why."""


def carry_out(plan: Plan, folder: Path) -> tuple[TrainingRecord, dict[str, Score]]:
    """Train in a process of its own, so that its memory can be told, and score every task.

    A run folder of the same plan is gone on with, or used if it has finished.

    Parameters
    ----------
    plan
        From :func:`baselines.runs.make_plan`.
    folder
        The run folder.

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
            "--output", str(folder),
        )  # fmt: skip
    scores = {}
    for test in accuracy.tests_of(catalog.load(plan.dataset), subset):
        _command(
            "score", str(folder), "--subset", test, "--bootstrap", "0",
            "--frames", str(accuracy.FRAMES),
        )  # fmt: skip
        name = predictions.part_name(test, accuracy.FRAMES)
        scores[test] = read_score(folder / "scores" / f"{name}.json")
    return TrainingRecord.read(folder / runs.RECORD_FILE), scores


def _finished(plan: Plan, folder: Path) -> bool:
    path = folder / runs.RECORD_FILE
    return path.is_file() and TrainingRecord.read(path).plan == plan


def _command(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "baselines", *arguments], stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise CommandError(
            f"`baselines {' '.join(arguments)}` ended with status {done.returncode}; what it says "
            "is above"
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
    record: AccuracyRecord, training: Training, spreads: dict[str, Spread], folder: Path
) -> tuple[list[Checked], SeedResult | None, list[str]]:
    """Repeat a recorded training with its first seed and compare.

    A training or a scoring that fails is a regression too.

    Parameters
    ----------
    record
        The record.
    training
        One of its trainings.
    spreads
        From :func:`baselines.accuracy.pooled_spreads`.
    folder
        Where the run folder is made.

    Returns
    -------
    The comparisons; what was reached, None if a command failed; and what is not as it was
    when the record was made: settings, data, and how it failed.
    """
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
    found = None
    try:
        found = SeedResult.of(*carry_out(plan, folder / runs.default_folder(plan).name))
    except CommandError as error:
        changes.append(str(error))
    return accuracy.compare(record, training, found, spreads), found, changes
