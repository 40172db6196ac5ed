"""Which of two predictions of a test set is better, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from pydantic import Field

from teadata.dataset import Dataset
from teadata.errors import UsageError, expect
from teadata.output.display import Shown, data_frame, html_table, line
from teadata.schema import StrictModel
from teaeval.defaults import SIGN_PATTERNS
from teaeval.metrics.frame_errors import FrameErrors
from teaeval.metrics.sign_flips import SignFlips
from teaeval.metrics.uncertainty import DifferenceIntervals, difference_intervals
from teaeval.predictions.declaring import FileDeclarations
from teaeval.predictions.findings import codes
from teaeval.predictions.prediction import Prediction
from teaeval.predictions.reading import AnyFile
from teaeval.predictions.reference import Reference
from teaeval.resampling import Interval
from teaeval.scores.against import (
    EXAMINED_AGAINST,
    Against,
    check_one_of_both,
    examine_against,
    opened_parts,
    opened_reference,
)
from teaeval.scores.builds import Build, check_same
from teaeval.scores.examine import (
    EXAMINED,
    AnyPrediction,
    Examined,
    check_unsaid,
    examine,
    loaded,
    opened,
)
from teaeval.scores.pooling import Pool, pool
from teaeval.scores.record import ALL, ScoredReference
from teaeval.scores.rows import Bootstrap, unit_of

if TYPE_CHECKING:
    import pandas as pd


class Difference(StrictModel):
    """Error of the first prediction minus that of the second, on the same frames.

    ``interval`` is None if there is only one unit.  ``p`` is the two-sided p-value of no
    difference: the share of sign patterns, of the units' differences, with a sum as far from 0 as
    the observed one.
    """

    first: float
    second: float
    difference: float
    interval: Interval | None
    p: float


class ComparedRow(Shown, StrictModel):
    """One quantity: differences, and how often the first is nearer to the reference.

    ``superiority`` is the share of frames whose mean absolute error is smaller in the first,
    ties counting half.
    """

    quantity: str
    unit: str
    mae: Difference
    rmse: Difference
    superiority: float

    def _fields(self) -> dict[str, object]:
        difference = f"{self.mae.difference:.3g}"
        return {"quantity": self.quantity, "MAE": difference, "p": f"{self.mae.p:.2g}"}


class ComparedSystem(StrictModel):
    """The rows of the frames of one composition, where a reference has several."""

    formula: str
    frames: int
    rows: list[ComparedRow]


class Comparison(Shown, StrictModel):
    """Two predictions of one test set, compared frame by frame.

    ``exact`` says whether the p-values count all sign patterns, or ``bootstrap.replicates`` that
    were drawn.  ``warnings`` are what the checks say of either.  No p-value can be below
    ``smallest_p``, however large the difference.  Against a ``reference`` there is no dataset;
    where that has several compositions, ``rows`` are over all, and ``systems`` has each.
    """

    dataset: str = ""
    subset: str = ""
    reference: ScoredReference | None = None
    frames: int
    first: str
    second: str
    bootstrap: Bootstrap
    exact: bool
    smallest_p: float
    rows: list[ComparedRow]
    warnings: list[str] = Field(default_factory=list)
    systems: list[ComparedSystem] = Field(default_factory=list)

    @property
    def where(self) -> str:
        """The test set, or the reference."""
        if self.reference is not None:
            return self.reference.title
        return f"{self.dataset}, test set {self.subset}"

    def _fields(self) -> dict[str, object]:
        data: dict[str, object] = {"dataset": self.dataset, "subset": self.subset}
        if self.reference is not None:
            data = {"reference": self.reference.name}
        return {
            **data,
            "first": self.first,
            "second": self.second,
            "frames": self.frames,
            "warnings": codes(self.warnings),
        }

    def _repr_html_(self) -> str:
        heads = ("quantity", "unit", "measure", self.first, self.second, "difference", "p")
        rows = [
            (row.quantity, row.unit, name, part.first, part.second, part.difference, part.p)
            for row in self.rows
            for name, part in (("MAE", row.mae), ("RMSE", row.rmse))
        ]
        notes = [f"warning: {text}" for text in self.warnings]
        return html_table(line(self, self._fields()), heads, rows, notes)

    def to_pandas(self) -> pd.DataFrame:
        """A row for each quantity and measure: both errors, difference, its interval, p.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        entries = []
        each = [(ALL, self.rows)] + [(system.formula, system.rows) for system in self.systems]
        for system, row in ((name, row) for name, rows in each for row in rows):
            for name, part in (("MAE", row.mae), ("RMSE", row.rmse)):
                low, high = part.interval or (None, None)
                entries.append(
                    ({"system": system} if self.systems else {})
                    | {"quantity": row.quantity, "unit": row.unit, "measure": name}
                    | {"first": part.first, "second": part.second}
                    | {"difference": part.difference, "low": low, "high": high, "p": part.p}
                    | {"superiority": row.superiority}
                )
        return data_frame(entries)


def compare(
    first: AnyPrediction,
    second: AnyPrediction,
    dataset: Dataset | str | None = None,
    *,
    replicates: int = SIGN_PATTERNS,
    seed: int = 0,
    reference: Reference | AnyFile | None = None,
    **declared: Unpack[FileDeclarations],
) -> Comparison:
    """Compare two predictions of one test set.

    Parameters
    ----------
    first, second
        What was predicted, or the file.
    dataset
        The dataset, or its id; by default the one they name.
    replicates, seed
        Number of sign patterns that are drawn if there are too many units to count all of them,
        and their seed.
    reference
        A file of labelled frames, or what :func:`teaeval.read_reference` gives, that both are
        compared with instead of a dataset.
    **declared
        What files do not state themselves, as :func:`teaeval.read_prediction` takes it.  What a
        file states goes before; a ``model`` is of one file, and no name for both.

    Raises
    ------
    UsageError
        If they are not of the same test set, one name is given to both, or a dataset and a
        reference are given.
    PredictionError
        If a check of one of them finds an error.
    """
    _check_of_both(first, second, declared)
    if reference is not None:
        check_one_of_both(dataset, declared)
        reference = opened_reference(reference)
        read = (opened_parts(item, defaults=declared) for item in (first, second))
        both = [examine_against(item, reference, by_frame=True) for item in read]
        return compare_against(both[0], both[1], replicates=replicates, seed=seed)
    one, other = (opened(item, dataset, defaults=declared) for item in (first, second))
    _check_same(one, other)
    data = loaded(one, dataset)
    a, b = (examine(prediction, data, by_frame=True) for prediction in (one, other))
    return compare_examined(a, b, replicates=replicates, seed=seed)


def _check_of_both(first: AnyPrediction, second: AnyPrediction, declared: FileDeclarations) -> None:
    """Refuse what is said of files where both are read already, and one name of both."""
    if not isinstance(first, AnyFile) and not isinstance(second, AnyFile):
        check_unsaid(declared)
    if declared.get("model") is not None:
        raise UsageError(
            f"model {declared['model']!r}: one name for two predictions; name each as it is read: "
            "teaeval.read_prediction(FILE, model=NAME)"
        )


def compare_examined(
    first: Examined, second: Examined, *, replicates: int = SIGN_PATTERNS, seed: int = 0
) -> Comparison:
    """Compare two predictions of one test set that were examined with ``by_frame=True``.

    Parameters
    ----------
    first, second
        What :func:`~teaeval.scores.examine.examine` gives.
    replicates, seed
        Number of sign patterns that are drawn if there are too many units to count all of them,
        and their seed.

    Raises
    ------
    UsageError
        If they are not of the same test set, or of the same frames of it.
    """
    for examined in (first, second):
        expect(examined, Examined, f"{EXAMINED}, with by_frame=True")
    _check_same(first.prediction, second.prediction)
    assert first.dataset is not None
    assert second.dataset is not None
    check_same(
        Build.of_dataset(examined.prediction, data)
        for examined, data in ((first, first.dataset), (second, second.dataset))
    )
    pools = [pool([examined], replicates, seed) for examined in (first, second)]
    return Comparison(
        dataset=first.dataset.card.full_id,
        subset=first.prediction.subset,
        frames=len(first.test),
        **(compared := _compared(pools[0], pools[1])),
        **_named(first, second, compared["rows"]),
    )


def compare_against(
    first: Against, second: Against, *, replicates: int = SIGN_PATTERNS, seed: int = 0
) -> Comparison:
    """Compare two predictions that were examined against one reference with ``by_frame=True``.

    Parameters
    ----------
    first, second
        What :func:`~teaeval.scores.against.examine_against` gives.
    replicates, seed
        Number of sign patterns that are drawn if there are too many units to count all of them,
        and their seed.

    Raises
    ------
    UsageError
        If the references are not the same.
    """
    for examined in (first, second):
        expect(examined, Against, f"{EXAMINED_AGAINST}, with by_frame=True")
    check_same(
        Build.of_reference(examined.prediction, examined.reference) for examined in (first, second)
    )
    groups = [examined.by_formula() for examined in (first, second)]
    several = len(groups[0]) > 1
    pools = [
        pool(
            [part for parts in group.values() for part in parts],
            replicates,
            seed,
            compositions=[name for name, parts in group.items() for _ in parts] if several else (),
        )
        for group in groups
    ]
    systems = [
        ComparedSystem(
            formula=name,
            frames=sum(len(part.test) for part in parts),
            rows=_compared(*(pool(group[name], replicates, seed) for group in groups))["rows"],
        )
        for name, parts in (groups[0] if several else {}).items()
    ]
    return Comparison(
        reference=ScoredReference.of(first.reference),
        frames=len(first.reference),
        **(compared := _compared(pools[0], pools[1])),
        **_named(first, second, compared["rows"]),
        systems=systems,
    )


def _compared(first: Pool, second: Pool) -> dict[str, Any]:
    """The rows of a comparison, and what their intervals and p-values are from."""
    draws, a, b = first.draws, first.table, second.table
    flips = SignFlips(draws.count, draws.replicates, draws.seed)
    intervals = difference_intervals(a, b, draws, flips)
    return {
        "bootstrap": Bootstrap.of(draws),
        "exact": flips.exact,
        "smallest_p": flips.smallest_p,
        "rows": [_row(name, a[name], b[name], intervals[name]) for name in a],
    }


def _named(
    first: Examined | Against, second: Examined | Against, rows: list[ComparedRow]
) -> dict[str, Any]:
    """What the two are called, what the checks say of either, and whether they are the same."""
    parts = [part for row in rows for part in (row.mae, row.rmse)]
    same = all(part.difference == 0 and part.interval in (None, (0, 0)) for part in parts)
    called, other = _told_apart(first.prediction, second.prediction)
    return {
        "first": called,
        "second": other,
        "warnings": [
            f"{mark}: {finding}"
            for mark, examined in (("A", first), ("B", second))
            for finding in examined.findings
        ]
        + ["A and B predict the same: is one of them a copy of the other?"] * same,
    }


def _told_apart(first: Prediction, second: Prediction) -> tuple[str, str]:
    """What two predictions are called: models of one name by what they were trained on, or file."""
    pair = (first, second)
    names = (first.name or "first", second.name or "second")
    if names[0] != names[1]:
        return names
    for said in ([p.train for p in pair], [p.source.get("path") for p in pair]):
        if said[0] != said[1]:
            known = [f" ({detail})" if detail else "" for detail in said]
            return names[0] + known[0], names[1] + known[1]
    return names


def _check_same(first: Prediction, second: Prediction) -> None:
    """Refuse two predictions of different test sets."""
    same = {(p.dataset.partition("@")[0], p.subset) for p in (first, second)}
    if len(same) > 1:
        raise UsageError(
            f"expected two predictions of one test set, found {first.dataset} {first.subset} "
            f"and {second.dataset} {second.subset}"
        )


def _row(
    name: str, first: FrameErrors, second: FrameErrors, limits: DifferenceIntervals
) -> ComparedRow:
    a, b = first.errors(), second.errors()
    there = first.frames > 0
    one, other = first.mae[there], second.mae[there]
    better = float(np.mean(one < other) + np.mean(one == other) / 2)
    return ComparedRow(
        quantity=name,
        unit=unit_of(name),
        mae=_difference(a.mae, b.mae, limits.mae, limits.mae_p),
        rmse=_difference(a.rmse, b.rmse, limits.rmse, limits.rmse_p),
        superiority=better,
    )


def _difference(first: float, second: float, limits: Interval | None, p: float) -> Difference:
    return Difference(first=first, second=second, difference=first - second, interval=limits, p=p)
