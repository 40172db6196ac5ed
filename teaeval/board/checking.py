"""Check a submission: everything that is wrong at once, and the scores that its bytes give."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from teadata import catalog
from teadata.errors import DataError, TeaError, UsageError
from teadata.output.text import UNSEEN
from teadata.provenance import sha256
from teadata.schema import StrictModel
from teadata.splits import SplitName
from teaeval.board import folder as files
from teaeval.board import submission as words
from teaeval.board.submission import SUBMISSION_FILE, Claim, Submission, Submitted
from teaeval.board.text import MOST_TEXT, decoded
from teaeval.board.units import Units
from teaeval.hydrogen.record import Record as Hydrogen
from teaeval.hydrogen.record import read_record
from teaeval.md.record import Simulations
from teaeval.md.record import read as read_simulations
from teaeval.predictions import sidecar
from teaeval.predictions.declaring import Declarations
from teaeval.predictions.findings import PredictionError
from teaeval.predictions.reading import read_prediction
from teaeval.predictions.wording import for_submission
from teaeval.scores.examine import examine
from teaeval.scores.reading import read_score
from teaeval.scores.record import Score
from teaeval.scores.scoring import score_examined
from teaeval.scores.verification import read_of_version, verify

MEASURES = ("mae", "rmse", "max")

LARGEST = 1e100
"""Size that a number of a record may have."""

MOST_LINES = 1000
"""Observables of simulations, or state points of hydrogen, that a record may have."""

MOST_CHARACTERS = 2000
"""Characters that a text of a record may have."""

MOST_REPLICAS = 1000
"""Replicas that a record of simulations may have; tests of survival look at each two of them."""


@dataclass(frozen=True)
class Scored:
    """A prediction of a submission, scored from its bytes, and its errors by unit."""

    submitted: Submitted
    score: Score
    units: Units


@dataclass
class Checked:
    """What a check finds.

    Parameters
    ----------
    submission
        What the submission says of itself; None if that cannot be read.
    problems
        All that forbids to add it, each a sentence with its place.
    notes
        What should be known, and forbids nothing.
    scored
        The predictions that could be scored.
    simulations, hydrogen
        The records.
    """

    submission: Submission | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    scored: list[Scored] = field(default_factory=list)
    simulations: list[Simulations] = field(default_factory=list)
    hydrogen: list[Hydrogen] = field(default_factory=list)


def check(folder: Path, datasets: Mapping[str, str | None] | None = None) -> Checked:
    """Check a submission, and score its predictions.

    Parameters
    ----------
    folder
        The submission; nothing in it is changed, and nothing outside is read.
    datasets
        The dataset and version that a prediction file is scored with, by the file's name; by
        default the one that it states, or the newest of it.  A file of None is not looked at.

    Raises
    ------
    PathError
        If there is no such folder.
    """
    present = set(files.names(folder))
    found = Checked()
    try:
        content = files.read_bytes(folder, SUBMISSION_FILE, MOST_TEXT)
        found.submission, found.problems = words.read(content)
    except DataError as error:
        begun = SUBMISSION_FILE in present or (folder / SUBMISSION_FILE).is_symlink()
        hint = "" if begun else "; `teaeval submit init` writes it, into a new folder"
        found.problems = [f"{error}{hint}"]
    said = found.submission
    if said is None:
        return found
    named = dict(said.files())
    found.notes += [
        f"{name}: no line of {SUBMISSION_FILE} names it; it is left out"
        for name in sorted(present - set(named) - {SUBMISSION_FILE})
    ]
    if not (said.predictions or said.simulations or said.hydrogen):
        found.problems.append(
            "predictions: expected at least one prediction or simulation, found none; name one"
        )
    for item in said.predictions:
        data = (datasets or {}).get(item.file, "")
        if data is not None:
            _collect(found, item.file, _prediction(found, folder, said, item, data))
    for name in said.simulations:
        _collect(found, name, _simulations(found, folder, name))
    for name in said.hydrogen:
        _collect(found, name, _hydrogen(found, folder, name))
    if said.card is not None:
        _collect(found, said.card, _card(folder, said.card))
    found.problems += [*_unsaid(said), *_contradictions(said, found.scored)]
    found.problems = [_within(folder, text) for text in found.problems]
    return found


def _within(folder: Path, text: str) -> str:
    """A sentence on a file, which it names as the submission does, and once."""
    # Where a path begins only: "./" is also the end of "../".
    text = re.sub(rf"(?<![^\s('\"]){re.escape(str(folder))}/", "", text)
    name, _, rest = text.partition(": ")
    return rest if rest.startswith(f"{name}: ") else text


def _collect(found: Checked, name: str, steps: Iterator[str]) -> None:
    """Take the problems of one file; an error ends the look at this file only."""
    try:
        found.problems += steps
    except PredictionError as error:
        for item in error.findings:
            if item.severity == "error":
                found.problems.append(f"{name}: {for_submission(str(item))}")
    except TeaError as error:
        text = str(error)
        found.problems.append(text if text.startswith(name) else f"{name}: {text}")
    except (OSError, MemoryError, RecursionError) as error:
        found.problems.append(f"{name}: cannot be read ({error})")


def _prediction(
    found: Checked, folder: Path, said: Submission, item: Submitted, data: str
) -> Iterator[str]:
    """Score a prediction, with a version of its dataset unless ``data`` is empty; its problems."""
    if Path(item.file).suffix.lower() not in files.SUFFIXES:
        yield (
            f"{item.file}: predictions on a board are {', '.join(files.SUFFIXES)}; `teaeval "
            "declare` writes one from any other form"
        )
        return
    path = files.regular(folder, item.file, files.MOST_BYTES)
    if sidecar.path_of(path).exists() or sidecar.path_of(path).is_symlink():
        yield (
            f"{item.file}.yaml: declares something of the prediction; say it in {SUBMISSION_FILE}, "
            "below the file, and remove this one"
        )
        return
    declared: Declarations = {**item.declared(), "model": said.model}
    prediction = (
        read_of_version(path, declared, data) if data else read_prediction(path, **declared)
    )
    with np.errstate(over="ignore", invalid="ignore"):  # what that gives is refused below
        examined = examine(prediction, allow_failed=True)
        score = score_examined(examined)
    _check_numbers(item.file, score, "expected errors that a figure can be made of")
    found.scored.append(Scored(item, score, Units.of(examined)))
    found.notes += [f"{item.file}: {text}" for text in score.warnings]
    if prediction.train is None:
        found.notes.append(
            f"{item.file}: does not say which split the model was trained on, so it stands apart "
            "from models of a known training size; if it was one, say it: train: "
            f"{prediction.subset}/train/SIZE"
        )
    for quantity, claim in item.claims.items():
        yield from _claims(item.file, score, quantity, claim)
    if item.record is not None:
        record = files.regular(folder, item.record, files.MOST_RECORD)
        _json(record, item.record)
        if sha256(record) != prediction.record:
            yield (
                f"{item.record}: has SHA-256 {sha256(record)}, and the prediction {item.file} is "
                f"of a training whose record has {prediction.record or 'none'}"
            )
    if item.score is not None:
        stated = read_score(files.regular(folder, item.score, files.MOST_RECORD), claimed=True)
        for line in verify(stated, path):
            yield f"{item.score}: {line}"


def _claims(file: str, score: Score, quantity: str, claim: Claim) -> Iterator[str]:
    """Claimed errors that the bytes do not give, to the digits that are claimed, two at least."""
    row = score.row(quantity)
    for measure in MEASURES:
        stated = getattr(claim, measure)
        if stated is None:
            continue
        computed = getattr(row, measure)
        number = Decimal(repr(stated)).normalize()
        digit = min(int(number.as_tuple().exponent), number.adjusted() - 1)
        if abs(stated - computed) > 0.5000001 * 10.0**digit:
            yield (
                f"{file}: claims.{quantity}.{measure} is {stated!r}, and the file gives "
                f"{computed:.6g} {row.unit}; a claim must follow from the bytes"
            )


def _json(path: Path, name: str) -> None:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}: is no JSON ({error})") from None


def _of_known_data(name: str, dataset: str, frames: str) -> Iterator[str]:
    """Whether a record is of the dataset as it is here."""
    card = catalog.find(dataset)
    if card is None:
        yield f"{name}: is of {dataset}, a dataset that is not on this machine"
    elif card.files and card.file("frames").sha256 != frames:
        yield (
            f"{name}: is of {dataset} with frames of SHA-256 {frames[:12]}…, and those here have "
            f"{card.file('frames').sha256[:12]}…"
        )


def _of_type(value: Any, kind: Any) -> Iterator[Any]:
    """All values of a type in the fields of a record."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from _of_type(one, kind)
    elif isinstance(value, kind):
        yield value


def _check_numbers(name: str, record: StrictModel, expected: str) -> None:
    """Refuse a record or score with numbers that no figure can be made of."""
    for number in _of_type(record.model_dump(), int | float):
        if not abs(number) <= LARGEST:
            raise DataError(
                f"{name}: has or gives a number that is not finite or above {LARGEST:g}; {expected}"
            )


def _check_record(name: str, record: StrictModel, lines: int) -> None:
    """Refuse a record with numbers, texts or so many lines that no page can be made of."""
    _check_numbers(name, record, AS_WRITTEN)
    if lines > MOST_LINES:
        raise DataError(f"{name}: {lines} lines of results, expected {MOST_LINES} at most")
    for text in _of_type(record.model_dump(), str):
        if UNSEEN.search(text) or len(text) > MOST_CHARACTERS:
            raise DataError(
                f"{name}: has a text with characters that are not seen, or of more than "
                f"{MOST_CHARACTERS}; {AS_WRITTEN}"
            )


AS_WRITTEN = "expected the record as `teaeval` wrote it"


def _simulations(found: Checked, folder: Path, name: str) -> Iterator[str]:
    record = read_simulations(files.regular(folder, name, files.MOST_RECORD))
    _check_record(name, record, len(record.observables))
    if len(record.replicas) > MOST_REPLICAS:
        raise DataError(
            f"{name}: {len(record.replicas)} replicas, expected {MOST_REPLICAS} at most"
        )
    kinds = [(one.dataset, one.subset, one.conditions) for one in found.simulations]
    if (record.dataset, record.subset, record.conditions) in kinds:
        yield (
            f"{name}: another record is of {record.dataset}, {record.subset}, {record.conditions}, "
            "too; analyse all replicas together, and keep one"
        )
    found.simulations.append(record)
    yield from _of_known_data(name, record.dataset, record.frames_sha256)


def _hydrogen(found: Checked, folder: Path, name: str) -> Iterator[str]:
    record = read_record(files.regular(folder, name, files.MOST_RECORD))
    _check_record(name, record, max(len(record.transitions), len(record.states)))
    if record.plan.dataset in [one.plan.dataset for one in found.hydrogen]:
        yield f"{name}: another record is of {record.plan.dataset}, too; keep one"
    found.hydrogen.append(record)
    yield from _of_known_data(name, record.plan.dataset, record.plan.frames_sha256)


def _card(folder: Path, name: str) -> Iterator[str]:
    decoded(files.read_bytes(folder, name, MOST_TEXT), name)
    yield from ()


def _unsaid(said: Submission) -> Iterator[str]:
    """What `teaeval submit init` did not know, and nobody has filled in since."""
    words = {"model": [said.model], "authors": said.authors, "licence": [said.licence]}
    for name, values in (words | {"training.data": [said.training.data]}).items():
        if "?" in values:
            yield f"{name}: expected words, found '?', which stands for what is not known yet"


def _contradictions(said: Submission, scored: list[Scored]) -> Iterator[str]:
    """Two predictions of one task, and sizes that are not those of the files."""
    seen: dict[tuple[str, ...], str] = {}
    for item in scored:
        data, train = item.score.of_dataset("submissions"), item.score.prediction.train
        split = "" if train is None else str(SplitName.parse(train))  # /0200 is /200
        key = (data.name, data.subset, split)
        if (other := seen.setdefault(key, item.submitted.file)) != item.submitted.file:
            yield (
                f"{item.submitted.file}: is of the same training and test set as {other} "
                f"({data.name} {data.subset}); keep one"
            )
    sizes = {size for item in scored if (size := train_size(item.score)) is not None}
    if len(scored) < len(said.predictions):
        return  # of the others the sizes are not known
    if said.training.size and scored and sizes and set(said.training.size) != sizes:
        yield (
            f"training.size: {said.training.size}, and the predictions are of trainings on "
            f"{sorted(sizes)} frames"
        )


def train_size(score: Score) -> int | None:
    """Frames that a model was trained on; None where the prediction does not say."""
    return frames_of(score.prediction.train)


def frames_of(train: str | None) -> int | None:
    """Frames of a training set, such as 200 of ``folded/train/200``; None of any other text."""
    try:
        return None if train is None else SplitName.parse(train).size
    except UsageError:
        return None
