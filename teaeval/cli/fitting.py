"""The test set that a prediction is likely to be of, where nothing says it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from teadata import catalog
from teadata.card import DatasetCard
from teadata.elements import formula
from teadata.errors import TeaError
from teaeval.predictions.prediction import Prediction
from teaeval.predictions.reading import read_prediction

SOME = "mini-i"
"""A dataset that is always here."""

NEAR = 0.001
"""Positions in Å that differ by less are the same."""

FRAMES = 5
"""Frames that are looked for."""

ROWS = 1024
"""Frames of a test set that are compared at a time."""


def likely(file: str, dataset: str | None = None) -> tuple[str, str] | None:
    """Find the dataset and subset whose test set has such frames as a file.

    They have the same atoms; of several, one with as many frames, and then the smallest that has
    these, is taken.

    Parameters
    ----------
    file
        A prediction file that states no test set.
    dataset
        The dataset, if it is known.

    Returns
    -------
    tuple or None
        Dataset and subset; None if no test set that is here has such atoms.
    """
    try:
        some = catalog.card(dataset or SOME)  # a file is read for some test set
        given = read_prediction(
            file,
            defaults={
                "dataset": some.id,
                "subset": next(iter(some.subsets)),
                "energy_unit": "eV",
                "length_unit": "Å",
            },
        )
        known = catalog.cards() if dataset is None else [some]
    except TeaError:
        return None
    fitting = sorted(_test_sets(known, given), key=lambda one: one[2])
    as_many = [one for one in fitting if one[2] == len(given.energies)] or fitting
    if not as_many:
        return None
    there = (one for one in as_many if _holds(*one[:2], given))
    return next(there, as_many[0])[:2]


def _test_sets(cards: Sequence[DatasetCard], given: Prediction) -> Iterator[tuple[str, str, int]]:
    """Dataset, subset and number of frames of the test sets of the same atoms that are here."""
    for card in cards:
        if given.forces.ndim != 3 or card.system.n_atoms != given.forces.shape[1]:
            continue
        if given.numbers is not None and card.system.formula != formula(given.numbers):
            continue
        try:
            count = catalog.load(card.full_id).splits.count
        except TeaError:  # it is not here
            continue
        newest = catalog.card(card.id).version == card.version
        name = card.id if newest else card.full_id
        sets = ((name, subset, count(subset, "test")) for subset in card.subsets)
        yield from (one for one in sets if one[2])


def _holds(dataset: str, subset: str, given: Prediction) -> bool:
    """Whether a test set has some of the frames of a prediction, evenly spread, by positions."""
    if given.positions is None or not len(given.positions):
        return False
    rows = np.unique(np.linspace(0, len(given.positions) - 1, FRAMES).astype(np.int64))
    missing = given.positions[rows]
    try:
        test = catalog.load(dataset).test_set(subset)
        for start in range(0, len(test), ROWS):
            part = test.positions[start : start + ROWS]
            there = [(np.abs(part - frame).max(axis=(1, 2)) < NEAR).any() for frame in missing]
            missing = missing[~np.array(there, dtype=np.bool_)]
    except TeaError:
        return False
    return len(missing) == 0
