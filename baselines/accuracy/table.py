"""Records of accuracy, and comparisons with them, as tables."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from baselines.accuracy.record import AccuracyRecord, Training
from baselines.accuracy.regression import RegressionCheck, kind_of
from baselines.accuracy.retraining import Retrained
from baselines.registry import models
from teadata import console
from teaeval.tables.numbers import significant

COLUMNS = [
    "model", "dataset", "trained on", "tested on", "frames", "E MAE", "F MAE", "F MAE, % of mean",
    "seeds", "time, s", "memory, MiB",
]  # fmt: skip


def _mean_and_spread(values: Sequence[float]) -> str:
    """Mean of some values, and the larger deviation from it."""
    mean = sum(values) / len(values)
    text = significant(mean)
    spread = max(abs(value - mean) for value in values)
    return f"{text} ± {significant(spread)}" if spread > 1e-3 * mean else text


def _rows(records: Sequence[AccuracyRecord]) -> list[list[str]]:
    rows, known = [], models()
    for record in records:
        title = known[record.model].title if record.model in known else record.model
        if record.config_name != "quick":
            title += f" ({Path(record.config_name).stem})"
        for training in record.trainings:
            seeds = training.seeds
            for test in seeds[0].tests:
                percent = [seed.tests[test]["F"].percent_mean for seed in seeds]
                rows.append(
                    [
                        title,
                        record.dataset,
                        training.train,
                        test,
                        str(seeds[0].tests[test]["F"].frames),
                        _mean_and_spread(training.values(test, "E")),
                        _mean_and_spread(training.values(test, "F")),
                        significant(sum(percent) / len(percent)),
                        str(len(seeds)),
                        _seconds(training),
                        f"{max(seed.peak_memory_mib for seed in seeds):.0f}",
                    ]
                )
    return rows


def _seconds(training: Training) -> str:
    """Time of a training; the least that it took where only its last session's is known."""
    return f"{'' if training.whole_time else '≥ '}{training.wall_seconds:.0f}"


def print_records(records: Sequence[AccuracyRecord]) -> None:
    """Print what records hold: energies in kcal/mol, forces in kcal/mol/Å."""
    console.print_table(COLUMNS, _rows(records), right=COLUMNS[4:])


def markdown(records: Sequence[AccuracyRecord]) -> str:
    """The same as a Markdown table, and what the reference trainings took in all."""
    head = f"| {' | '.join(COLUMNS)} |\n|{'---|' * 4}{'--:|' * (len(COLUMNS) - 4)}\n"
    rows = "".join(f"| {' | '.join(row)} |\n" for row in _rows(records))
    long = [record for record in records if kind_of(record.config_name) == "reference"]
    seconds = sum(training.wall_seconds for record in long for training in record.trainings)
    if not long:
        return head + rows
    return f"{head}{rows}\nReference trainings: recorded times add up to {seconds / 3600:.1f} h.\n"


def print_costs(retrained: Retrained) -> None:
    """Say what a retraining cost beside what was recorded, and what was not as recorded."""
    record, training, _, found, changes = retrained
    memory = max(seed.peak_memory_mib for seed in training.seeds)
    costs = f"recorded {_seconds(training)} s, {memory:.0f} MiB"
    now = (
        "failed"
        if found is None
        else f"{found.wall_seconds:.0f} s, {found.peak_memory_mib:.0f} MiB"
    )
    console.say(f"{record.model} {record.dataset} {training.train}: {now} ({costs})", err=True)
    for change in changes:
        console.say(f"  not as it was recorded: {change}", err=True)


def print_checked(checked: Sequence[RegressionCheck]) -> None:
    """Print comparisons; the bound is what another seed could reach."""
    columns = ["model", "dataset", "task", "MAE", "recorded", "bound", "found", ""]
    console.print_table(
        columns,
        [
            [
                line.model,
                line.dataset,
                line.task,
                line.quantity,
                significant(line.recorded),
                significant(line.bound),
                "failed" if line.found is None else significant(line.found),
                "REGRESSED" if line.regressed else "ok",
            ]
            for line in checked
        ],
        right=["recorded", "bound", "found"],
    )


@contextmanager
def kept_or_temporary(folder: Path | None) -> Iterator[Path]:
    """A folder to work in: the given one, or one that is removed afterwards."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="baselines-check-") as made:
        yield Path(made)
