"""What the notes of a table say of its scores: trainings, warnings, frames that are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from teaeval.predictions.findings import codes
from teaeval.scores.record import Score
from teaeval.tables.numbers import of_labels

NOT_SAID = "not said"
"""What a model was trained on whose prediction does not state it."""


def known(score: Score) -> bool:
    """Whether a score says what its model was trained on; against a reference, none does."""
    return score.dataset is None or score.prediction.train is not None


def train_size(score: Score) -> str:
    """Size of the training set of a score, empty if it does not say."""
    parts = (score.prediction.train or "").split("/")
    return parts[2] if len(parts) == 3 else ""


def _name(score: Score) -> str:
    """What a score is called in a note."""
    return score.prediction.model or score.prediction.file or "?"


def of_trainings(scores: Sequence[Score]) -> Iterator[str]:
    """Say whose training is not known, and on how many frames, where these are not the same."""
    if silent := [_name(score) for score in scores if not known(score)]:
        yield f"trained on: {NOT_SAID}: {', '.join(dict.fromkeys(silent))}"
    sizes: dict[str, dict[str, None]] = {}
    for score in scores:
        if score.dataset is not None and known(score):
            sizes.setdefault(_name(score), {})[train_size(score) or "all"] = None
    if len({size for some in sizes.values() for size in some}) > 1:
        named = "; ".join(f"{name}: {', '.join(some)}" for name, some in sizes.items())
        yield f"trained on different numbers of frames, on which errors depend: {named}"


def of_warnings(scores: Sequence[Score]) -> Iterator[str]:
    """Name the warnings of scores, but for that which has a mark of its own."""
    warned = {}
    for score in scores:
        texts = [text for text in score.warnings if "[energy-offset]" not in text]
        if texts:
            warned[_name(score)] = f"{_name(score)} {codes(texts)}"
    if warned:
        named = ", ".join(warned.values())
        yield f"scored with warnings, which `teaeval score` tells in full: {named}"
    if any(of_labels(score.warnings) for score in scores):
        yield "what is the reference itself is never marked as the best"


def of_coverage(scores: Sequence[Score]) -> Iterator[str]:
    """Name the scores that left frames out."""
    parts = [
        f"{score.prediction.model or '?'} ({score.coverage.scored} of {score.coverage.frames})"
        for score in scores
        if not score.coverage.complete
    ]
    if parts:
        said = "INCOMPLETE, frames that are missing or not finite are left out"
        named = ", ".join(dict.fromkeys(parts))
        yield f"{said}, and no number is marked as the best: {named}"
