"""What the paper reports for a score: the same task, quantity, model and measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from teadata import catalog
from teaeval import published
from teaeval.scores.record import Score


def stated(
    score: Score, quantity: str, measure: str, kind: Literal["mean", "std", "absolute"]
) -> float | None:
    """The published number for a score of the official edition.

    Of the five models in per cent (Tables SI 7 and SI 8); of PhysNet, by size of its training set,
    in absolute units (Table SI 6).  None where nothing was published, and for other editions.
    """
    if score.dataset is None or score.dataset.edition != "official":
        return None
    name = score.prediction.model or ""
    train, test = score.task.split("->")
    challenge = catalog.card(score.dataset.id).challenge
    if kind != "absolute":
        model = published.model_name(name)
        if model is None:
            return None
        return published.value(challenge, train, test, quantity, model, measure, kind)
    size = (score.prediction.train or "").rpartition("/")[2]
    return published.absolute(challenge, train, test, size, quantity, name, measure)


def note(scores: Sequence[Score], kind: str) -> str:
    """What a table says of its ratios, or why it has none."""
    if (data := scores[0].dataset) is None:
        return "no ratios: the published errors are of datasets, these of a reference file"
    if data.edition != "official":
        these = "the mini edition" if data.edition == "mini" else f"{data.name}, another dataset"
        return (
            f"no ratios: the published errors are of the official edition, these of {these}; they "
            "do not compare"
        )
    times = "×: times the published error of the same task (doi:10.1039/d4sc06529h)"
    if kind == "absolute":
        return f"{times}: of PhysNet, Table SI 6; the others' are in per cent"
    sizes = "the size of the training set is not stated with it"
    if any((score.prediction.model or "").casefold() == "physnet" for score in scores):
        return f"{times}; {sizes}; PhysNet's is in absolute units: --kind absolute"
    return f"{times}; {sizes}"
