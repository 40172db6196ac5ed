"""Summarise the errors of a prediction for figures and reports, in two passes over its forces.

The first pass finds the ranges of the values, the second counts them in bins.  Memory grows with
the number of frames by a few numbers per frame only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from teadata import Frames
from teadata.arrays.stored_array import rows_taken
from teadata.errors import UsageError, expect, expect_several
from teadata.stored_frames import AnyFrames
from teadata.typing import Floats, Ints
from teaeval.engines import slices
from teaeval.scores.against import EXAMINED_AGAINST, Against
from teaeval.scores.builds import Build, check_same
from teaeval.scores.examine import EXAMINED, Examined
from teaeval.scores.record import ScoredReference

PARITY_BINS = 160
"""Bins along each axis of the parity histogram of force components."""

ERROR_BINS = 161
"""Bins of the histogram of signed errors of force components, an odd number: one is about 0."""

ABSOLUTE = np.logspace(-5, 5, 401)
"""Edges of the bins of absolute errors, kcal/mol/Å; what lies outside is in the outermost."""

MAGNITUDE_BINS = 24
"""Bins of the reference |F|, of equal width in its logarithm."""


@dataclass(frozen=True, eq=False)
class ErrorSummary:
    """The errors of a prediction on N frames of A atoms of its test set.

    Parameters
    ----------
    name
        The model, or the file if it names none.
    data, system, subset, train
        Title and system of the dataset or reference, test subset (empty for a reference), and
        what was trained on (None if not said).
    build
        The checksums of the data, and where the prediction is.
    test, rows
        The test set, and (N,) the rows of it that the N frames are: all, unless frames failed.
    numbers
        (A,) atomic numbers.
    reference_energies, energies
        (N,) in kcal/mol.
    by_atom
        (A,) mean absolute error of each atom's force components, kcal/mol/Å.
    frame_mae, frame_max
        (N,) mean and largest absolute error of each frame's force components, kcal/mol/Å.
    parity
        (P, P) how many components have a reference in a bin (first axis) and a prediction in a
        bin, and ``parity_edges`` (P + 1,) kcal/mol/Å of both axes.
    signed
        (S,) how many components have an error in a bin, and ``signed_edges`` (S + 1,).
    by_element
        For each element (400,) how many components have an absolute error in each bin of
        :data:`ABSOLUTE`.
    by_magnitude
        (M, 400) the same for atoms whose reference |F| is in each bin of ``magnitude_edges``
        (M + 1,) kcal/mol/Å; an atom's error is the length of its error vector.
    magnitude_sum
        (M,) sum of those lengths.
    """

    name: str
    data: str
    system: str
    subset: str
    train: str | None
    build: Build | None
    test: AnyFrames
    rows: Ints
    numbers: Ints
    reference_energies: Floats
    energies: Floats
    by_atom: Floats
    frame_mae: Floats
    frame_max: Floats
    parity: Ints
    parity_edges: Floats
    signed: Ints
    signed_edges: Floats
    by_element: dict[str, Ints]
    by_magnitude: Ints
    magnitude_edges: Floats
    magnitude_sum: Floats
    _read: Callable[[Ints], tuple[Floats, Floats]]

    @property
    def task(self) -> str:
        """``<train subset>-><test subset>``; ``?`` where the prediction does not say.

        Of a reference, its system.
        """
        if not self.subset:
            return self.system
        return f"{(self.train or '?').split('/')[0]}->{self.subset}"

    @property
    def where(self) -> str:
        """Dataset, edition and test set, in one line, and how much of it was predicted."""
        text = f"{self.data}, test set {self.subset}" if self.subset else self.data
        total = len(self.test)
        return text if len(self.rows) == total else f"{text}, {len(self.rows)} of {total} frames"

    def worst(self, count: int = 1) -> Ints:
        """Indices of the frames with the largest error of a force component, (n,), worst first."""
        order: Ints = np.argsort(self.frame_max, kind="stable")[::-1][:count]
        return order

    def frames(self, which: Ints) -> Frames:
        """Some of the N frames."""
        return self.test[self.rows[which]]

    def errors(self, which: Ints) -> Floats:
        """Predicted minus reference forces of some of the N frames, (n, A, 3), kcal/mol/Å."""
        predicted, reference = self._read(np.asarray(which))
        return predicted - reference


MOST_SYSTEMS = 12
"""Systems of a reference that are drawn, each beside the others."""


def summarise_against(against: Against) -> list[ErrorSummary]:
    """Summarise the errors of each system of a reference.

    Raises
    ------
    UsageError
        If there are more systems than are drawn.
    """
    expect(against, Against, EXAMINED_AGAINST)
    labels = against.reference.labels
    parts = [
        (label, part)
        for label, part in zip(labels, against.parts, strict=True)
        if part.compared.scored.any()
    ]
    if len(parts) > MOST_SYSTEMS:
        raise UsageError(
            f"{against.reference.path}: {len(parts)} systems, and at most {MOST_SYSTEMS} are drawn "
            "beside each other; give a file with fewer. `teaeval score` takes all of them"
        )
    data = ScoredReference.of(against.reference).title
    build = Build.of_reference(against.prediction, against.reference)
    several = len(labels) > 1
    summaries = []
    for system, part in parts:
        title = f"{data}, {system}" if several else data
        made = replace(summarise(part, title, system), subset="", train=None, build=build)
        summaries.append(replace(made, name=f"{made.name}, {system}") if several else made)
    return summaries


def summarise(examined: Examined, data: str = "", system: str = "") -> ErrorSummary:
    """Summarise the errors of a prediction that :func:`~teaeval.scores.examine.examine` let pass.

    Frames that failed are left out.

    Parameters
    ----------
    examined
        The prediction and its errors.
    data, system
        Title and system, if it is not of a dataset.
    """
    expect(examined, Examined, EXAMINED)
    prediction, dataset, test = examined.prediction, examined.dataset, examined.test
    if dataset is not None:
        card = dataset.card
        data, system = f"{card.full_id} ({card.edition} edition)", card.system.name
    rows = np.flatnonzero(examined.compared.scored)
    place = examined.places.sources(rows)

    def read(which: Ints) -> tuple[Floats, Floats]:
        predicted = rows_taken(prediction.forces, place[which])
        reference = rows_taken(test.forces, rows[which])
        return predicted[:], reference[:]

    parts = [np.arange(len(rows))[part] for part in slices(len(rows), test.n_atoms)]
    ranges = _ranges(read, parts, len(rows), test.n_atoms)
    return ErrorSummary(
        name=prediction.model or Path(prediction.source.get("path", "prediction")).stem,
        data=data,
        system=system,
        subset=prediction.subset,
        train=prediction.train,
        build=None if dataset is None else Build.of_dataset(prediction, dataset),
        test=test,
        rows=rows,
        numbers=test.numbers,
        reference_energies=test.energies[rows],
        energies=prediction.energies[place],
        by_atom=ranges.by_atom,
        frame_mae=ranges.frame_mae,
        frame_max=ranges.frame_max,
        **_counts(read, parts, ranges, test.symbols),
        _read=read,
    )


@dataclass(eq=False)
class _Ranges:
    """Ranges and means from the first pass, in kcal/mol/Å."""

    by_atom: Floats
    frame_mae: Floats
    frame_max: Floats
    low: float = np.inf
    high: float = -np.inf
    weakest: float = np.inf
    strongest: float = 0.0


def _ranges(
    read: Callable[[Ints], tuple[Floats, Floats]], parts: list[Ints], frames: int, atoms: int
) -> _Ranges:
    ranges = _Ranges(np.zeros(atoms), np.empty(frames), np.empty(frames))
    for rows in parts:
        predicted, reference = read(rows)
        error = np.abs(predicted - reference)
        ranges.by_atom += error.sum(axis=(0, 2))
        ranges.frame_mae[rows] = error.mean(axis=(1, 2))
        ranges.frame_max[rows] = error.max(axis=(1, 2))
        ranges.low = min(ranges.low, predicted.min(), reference.min())
        ranges.high = max(ranges.high, predicted.max(), reference.max())
        length = np.linalg.norm(reference, axis=2)
        ranges.strongest = max(ranges.strongest, length.max())
        ranges.weakest = min(ranges.weakest, length[length > 0].min(initial=np.inf))
    ranges.by_atom /= 3 * frames
    return ranges


def _counts(
    read: Callable[[Ints], tuple[Floats, Floats]],
    parts: list[Ints],
    ranges: _Ranges,
    symbols: list[str],
) -> dict[str, Any]:
    """Count values in bins, in the second pass: fields of :class:`ErrorSummary`."""
    largest = float(ranges.frame_max.max()) or 1.0
    parity_edges = np.linspace(ranges.low, ranges.high, PARITY_BINS + 1)
    signed_edges = np.linspace(-largest, largest, ERROR_BINS + 1)
    weakest = max(min(ranges.weakest, ranges.strongest / 2), ranges.strongest * 1e-4, 1e-6)
    magnitude_edges = np.geomspace(weakest, max(ranges.strongest, 2 * weakest), MAGNITUDE_BINS + 1)
    magnitude_edges[-1] *= 1 + 1e-12
    element = np.array(symbols)
    kinds = {symbol: element == symbol for symbol in dict.fromkeys(symbols)}
    bins = len(ABSOLUTE) - 1
    parity = np.zeros((PARITY_BINS, PARITY_BINS), dtype=np.int64)
    signed = np.zeros(ERROR_BINS, dtype=np.int64)
    by_element = {symbol: np.zeros(bins, dtype=np.int64) for symbol in kinds}
    by_magnitude = np.zeros((MAGNITUDE_BINS, bins), dtype=np.int64)
    magnitude_sum = np.zeros(MAGNITUDE_BINS)
    for rows in parts:
        predicted, reference = read(rows)
        error = predicted - reference
        edges = [parity_edges, parity_edges]
        parity += np.histogram2d(reference.ravel(), predicted.ravel(), edges)[0].astype(np.int64)
        signed += np.histogram(error, signed_edges)[0]
        for symbol, chosen in kinds.items():
            by_element[symbol] += _absolute(np.abs(error[:, chosen]))
        length = np.linalg.norm(error, axis=2).ravel()
        place = np.searchsorted(
            magnitude_edges, np.linalg.norm(reference, axis=2).ravel(), side="right"
        )
        place = np.clip(place - 1, 0, MAGNITUDE_BINS - 1)
        magnitude_sum += np.bincount(place, length, MAGNITUDE_BINS)
        flat = place * bins + _bin(length)
        by_magnitude += np.bincount(flat, minlength=by_magnitude.size).reshape(by_magnitude.shape)
    return {
        "parity": parity,
        "parity_edges": parity_edges,
        "signed": signed,
        "signed_edges": signed_edges,
        "by_element": by_element,
        "by_magnitude": by_magnitude,
        "magnitude_edges": magnitude_edges,
        "magnitude_sum": magnitude_sum,
    }


def _bin(values: Floats) -> Ints:
    """Bin of :data:`ABSOLUTE` that each value is in."""
    place: Ints = np.clip(np.searchsorted(ABSOLUTE, values, side="right") - 1, 0, len(ABSOLUTE) - 2)
    return place


def _absolute(values: Floats) -> Ints:
    return np.bincount(_bin(values.ravel()), minlength=len(ABSOLUTE) - 1)


def quantiles(counts: Ints, shares: tuple[float, ...]) -> Floats:
    """Quantiles of absolute errors from their counts in bins, kcal/mol/Å.

    The bins of :data:`ABSOLUTE` are 6 % wide, and so is the uncertainty; NaN without counts.
    """
    total = counts.sum()
    if not total:
        return np.full(len(shares), np.nan)
    at = np.searchsorted(np.cumsum(counts), np.array(shares) * total, side="left")
    errors: Floats = np.sqrt(ABSOLUTE[at] * ABSOLUTE[at + 1])
    return errors


def listed(summaries: ErrorSummary | Iterable[ErrorSummary]) -> list[ErrorSummary]:
    """What is drawn: one summary, or several.

    Raises
    ------
    UsageError
        If it is something else.
    """
    what = "error summaries, one or a list, each made by summarise(teaeval.examine(prediction))"
    return expect_several(summaries, ErrorSummary, what)


def named(summaries: list[ErrorSummary]) -> Iterator[tuple[str, ErrorSummary]]:
    """Give each prediction a name of its own: the model, and training and test set if needed.

    If that does not tell them apart, they are numbered.

    Raises
    ------
    UsageError
        If there is none, or two are of one dataset, and not of the same frames of it.
    """
    if not summaries:
        raise UsageError("no predictions: nothing to draw")
    check_same(c.build for c in summaries if c.build is not None)
    plain = [c.name for c in summaries]
    seen: Counter[str] = Counter()
    for c in summaries:
        name = c.name
        if plain.count(name) > 1:
            name = f"{name}, {c.train or 'not said'} → {c.subset}"
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} #{seen[name]}", c
