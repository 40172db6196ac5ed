"""Whether results that stand beside each other are of the same data, and of data known here.

A dataset's name and version do not say enough: a record can be edited, and a dataset built again.
The checksums of its frames and splits do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from teadata import catalog
from teadata.dataset import Dataset
from teadata.errors import UsageError
from teaeval.predictions.prediction import Prediction
from teaeval.predictions.reference import Reference
from teaeval.scores.record import Score


@dataclass(frozen=True)
class Build:
    """The data of one result.

    Parameters
    ----------
    file
        Where the result is, for messages.
    data
        Name of the dataset or reference.
    checksums
        SHA-256 of its parts, by what they hold.
    """

    file: str
    data: str
    checksums: tuple[tuple[str, str], ...]

    @classmethod
    def of_score(cls, score: Score, file: Path | str | None = None) -> Build:
        """The data of a score, which is in `file` or else named by its prediction's file."""
        made = score.prediction
        return cls(
            str(file or f"the score of {made.file or made.model or 'a prediction without a file'}"),
            score.data.title,
            (("frames", score.dataset.frames_sha256), ("splits", score.dataset.splits_sha256))
            if score.dataset
            else (("content", score.data.checksum),),
        )

    @classmethod
    def of_dataset(cls, prediction: Prediction, dataset: Dataset) -> Build:
        """The data that a prediction was compared with."""
        card = dataset.card
        return cls(
            _made_by(prediction),
            f"{card.full_id} ({card.edition} edition)",
            tuple((content, card.file(content).sha256) for content in ("frames", "splits")),
        )

    @classmethod
    def of_reference(cls, prediction: Prediction, reference: Reference) -> Build:
        """The reference file that a prediction was compared with."""
        return cls(_made_by(prediction), reference.path.name, (("content", reference.digest()),))


def _made_by(prediction: Prediction) -> str:
    return prediction.source.get("path") or prediction.model or "a prediction without a file"


def check_same(builds: Iterable[Build]) -> None:
    """Refuse results of one dataset that are not of the same frames and splits of it.

    Raises
    ------
    UsageError
        If two differ; the message names both files and both checksums.
    """
    known: dict[str, Build] = {}
    for build in builds:
        first = known.setdefault(build.data, build)
        for (content, mine), (_, other) in zip(build.checksums, first.checksums, strict=True):
            if mine != other:
                raise UsageError(
                    f"{build.data}: its {content} have SHA-256 {other} in {first.file}, and "
                    f"{mine} in {build.file}; errors on other data do not stand beside each "
                    "other. Score both predictions again on one machine, or leave one out"
                )


def unknown_data(scores: Sequence[Score], files: Sequence[Path]) -> Iterator[str]:
    """Say which scores are of a dataset, or a build of one, that is not on this machine.

    They may be right, of a dataset that somebody else made; nothing here can tell.
    """
    said: dict[str, list[str]] = {}
    for score, file in zip(scores, files, strict=True):
        if text := _unknown(score):
            said.setdefault(text, []).append(str(file))
    for text, named in said.items():
        more = f" and {len(named) - 1} more" if len(named) > 1 else ""
        yield f"{named[0]}{more}: {text}, so the numbers stand as the file states them"


def _unknown(score: Score) -> str:
    """What of a score's data is not as it is known here; nothing of a reference."""
    data = score.dataset
    if data is None:
        return ""
    card = catalog.find(data.name)
    if card is None:
        return f"of {data.name}, a dataset that is not on this machine"
    if card.full_id != data.name:
        return f"of {data.name}, and here is {card.full_id}"
    if card.edition != data.edition:
        return f"of the {data.edition} edition of {data.name}, and here is its {card.edition} one"
    here: dict[str, str] = {entry.content: entry.sha256 for entry in card.files}
    for content, stated in (("frames", data.frames_sha256), ("splits", data.splits_sha256)):
        if here.get(content, stated) != stated:
            return (
                f"of {data.name} with {content} of SHA-256 {stated[:12]}…, and those here have "
                f"{here[content][:12]}…"
            )
    return ""
