"""Read scores, and check that their numbers belong together.

A record is a file that anybody can edit.  What :mod:`teaeval.scores.scoring` writes obeys these
rules, so a number that breaks one was changed, and no table should call it the best.
"""

from __future__ import annotations

import math
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from teadata.arrays import SUFFIXES, suffix_of
from teadata.errors import DataError, UsageError, expect_path
from teadata.locations import Location, location
from teadata.output.display import data_frame
from teaeval.checks.fixes import FIXES
from teaeval.defaults import MOST_REPLICATES
from teaeval.predictions.declaring import NAMES
from teaeval.scores.record import Score
from teaeval.scores.rows import Row, unit_of

if TYPE_CHECKING:
    import pandas as pd

ROUNDING = 1e-9
"""Relative difference of numbers that follow from each other."""

MEASURES = ("mae", "rmse", "max")

HASH = re.compile("[0-9a-f]{64}")


def read_score(path: Path | str, *, claimed: bool = False) -> Score:
    """Read a score that ``teaeval score --json`` or ``-o`` wrote.

    Parameters
    ----------
    path
        The file.
    claimed
        Whether its numbers are only claims, which :mod:`teaeval.scores.verification` compares
        with others: then only what they are to be computed from is checked.

    Raises
    ------
    UsageError
        If it is a prediction file.
    PathError
        If there is no such file.
    DataError
        If it is not a score, or its numbers contradict each other.
    """
    path = expect_path(path, "the path of a score")
    if suffix_of(path) in SUFFIXES and path.is_file():
        raise UsageError(
            f"{path}: is a prediction file, expected a score; to make one: teaeval score "
            f"{shlex.quote(str(path))} -o {shlex.quote(f'{path.stem}.json')}"
        )
    score = Score.from_json(
        path, "a score of this version of teaeval", "`teaeval score -o` writes one"
    )
    found = _of_the_computation(score) if claimed else inconsistencies(score)
    if wrong := list(found):
        more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise DataError(
            f"{path}: a score whose numbers do not belong together, so it was changed: "
            f"{'; '.join(wrong[:SHOWN])}{more}. Score the prediction again"
        )
    return score


def data_frame_of(paths: Iterable[Location | str]) -> pd.DataFrame:
    """The numbers of scores, or of predictions that are scored, as a DataFrame.

    Raises
    ------
    TeaError
        If one cannot be read or scored.
    MissingExtraError
        If pandas is not installed.
    """
    from teaeval.scores.scoring import score

    read = [
        read_score(path)
        if isinstance(path, Path) and path.suffix.lower() == ".json"
        else score(path)
        for path in (location(path, "paths of scores and predictions") for path in paths)
    ]
    return data_frame([entry for item in read for entry in item.flat()])


SHOWN = 4
"""Contradictions that an error names."""


def inconsistencies(score: Score) -> Iterator[str]:
    """Say what in a score contradicts itself: the field, its value, and what was expected."""
    yield from _of_the_data(score)
    yield from _of_the_computation(score)
    if not score.rows:
        yield "rows: there are none"
    for name, times in Counter(row.quantity for row in score.rows).items():
        if times > 1:
            yield f"rows: {name} is there {times} times"
    values = _values(score)
    for row in score.rows:
        for text in _of_a_row(row, score, values[0 if row.quantity == "E" else 1]):
            yield f"rows[{row.quantity}].{text}"
    for system in score.systems:
        frames = system.coverage.scored
        for row in system.rows:
            most = frames if row.quantity == "E" else 3 * system.atoms * frames
            for text in _of_a_row(row, score, most):
                yield f"systems[{system.formula}].rows[{row.quantity}].{text}"


def _values(score: Score) -> tuple[int, int]:
    """How many energies and how many force components the errors are of."""
    frames = score.coverage.scored
    if score.dataset is not None:
        return frames, 3 * score.dataset.atoms * frames
    if score.systems:
        return frames, sum(3 * one.atoms * one.coverage.scored for one in score.systems)
    assert score.reference is not None
    return frames, 3 * (score.reference.atoms or 0) * frames


def _of_the_computation(score: Score) -> Iterator[str]:
    """What cannot be an option, a fix or a number of draws."""
    yield from _of_the_draws(score)
    for kind, given, known in (
        ("options", score.options, NAMES),
        ("fixes", score.fixes, FIXES),
    ):
        for name in set(given) - set(known):
            yield f"{kind}: {name!r}, expected some of {', '.join(known)}"


def _of_the_data(score: Score) -> Iterator[str]:
    data, cover = score.data, score.coverage
    what = "dataset" if score.dataset else "reference"
    for name in ("frames_sha256", "splits_sha256") if score.dataset else ("sha256",):
        if not HASH.fullmatch(value := getattr(data, name)):
            yield f"{what}.{name}: {value!r}, expected 64 hexadecimal digits"
    for name in ("frames", "atoms") if score.dataset else ("frames",):
        if (count := getattr(data, name)) < 1:
            yield f"{what}.{name}: {count}, expected 1 or more"
    if cover.frames != data.frames:
        yield f"coverage.frames: {cover.frames}, the {what}'s are {data.frames}"
    if score.systems and sum(one.coverage.frames for one in score.systems) != cover.frames:
        yield f"systems: their frames are not {cover.frames} together"
    counts = (cover.scored, cover.missing, cover.not_finite)
    if min(counts) < 0 or cover.scored < 1 or sum(counts) != cover.frames:
        yield (
            f"coverage: {cover.scored} scored, {cover.missing} missing and {cover.not_finite} not "
            f"finite, expected {cover.frames} together"
        )


def _of_the_draws(score: Score) -> Iterator[str]:
    draws = score.bootstrap
    if draws is None:
        return
    if not 0 < draws.level < 1:
        yield f"bootstrap.level: {draws.level}, expected a share between 0 and 1"
    if not 1 <= draws.replicates <= MOST_REPLICATES:
        yield f"bootstrap.replicates: {draws.replicates}, expected 1 to {MOST_REPLICATES}"
    if draws.seed < 0:
        yield f"bootstrap.seed: {draws.seed}, expected 0 or more"
    if not 1 <= draws.units <= score.coverage.frames:
        yield f"bootstrap.units: {draws.units}, expected 1 to {score.coverage.frames}"


def _of_a_row(row: Row, score: Score, values: int) -> Iterator[str]:
    if row.unit != unit_of(row.quantity):
        yield f"unit: {row.unit!r}, expected {unit_of(row.quantity)!r}"
    if not 1 <= row.count <= values or (row.quantity in ("E", "F") and row.count != values):
        yield f"count: {row.count}, expected {values} values at most"
    for name in ("mean_reference", "std_reference", *MEASURES):
        if not (math.isfinite(value := getattr(row, name)) and value >= 0):
            yield f"{name}: {value!r}, expected a number of 0 or more"
            return
    for small, large in (("mae", "rmse"), ("rmse", "max")):
        low, high = getattr(row, small), getattr(row, large)
        if low > high * (1 + ROUNDING):
            yield f"{large}: {high!r}, expected {small} {low!r} or more"
    yield from _of_the_percents(row)
    yield from _of_the_intervals(row, score)


def _of_the_percents(row: Row) -> Iterator[str]:
    for kind, normaliser in (("mean", row.mean_reference), ("std", row.std_reference)):
        for name in MEASURES:
            field = f"{name}_percent_{kind}"
            stated = getattr(row, field)
            expected = 100 * getattr(row, name) / normaliser if normaliser else None
            if stated is None or expected is None:
                same = stated is expected
            else:
                same = math.isclose(stated, expected, rel_tol=ROUNDING)
            if not same:
                yield f"{field}: {stated!r}, expected {expected!r}, which follows from {name}"


def _of_the_intervals(row: Row, score: Score) -> Iterator[str]:
    jackknife = score.bootstrap is not None and score.bootstrap.method == "jackknife"
    for name in MEASURES:
        limits, value = getattr(row, f"{name}_interval"), getattr(row, name)
        if limits is None:
            continue
        low, high = limits
        if score.bootstrap is None:
            yield f"{name}_interval: {limits}, but the score has no bootstrap"
        elif not (0 <= low <= high and math.isfinite(high)):
            yield f"{name}_interval: {limits}, expected its limits in order"
        elif name == "max" and high > value * (1 + ROUNDING):
            yield f"{name}_interval: {limits}, expected no limit above {value!r}"
        elif name != "max" and jackknife and not _holds(low, value, high):
            yield f"{name}_interval: {limits}, expected limits around {value!r}"


def _holds(low: float, value: float, high: float) -> bool:
    return low * (1 - ROUNDING) <= value <= high * (1 + ROUNDING)
