"""What a submission says of itself: the schema of ``submission.yaml``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Annotated, Any, Literal, cast, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    ValidationError,
)

from teadata.errors import unknown_name
from teadata.output.text import BREAKS, UNSEEN
from teadata.schema import StrictModel, complaint, wrong_in
from teaeval.board.text import read_yaml
from teaeval.predictions.declaring import Declarations

SUBMISSION_FILE = "submission.yaml"

PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=-]*")
"""A part of the path of a file in a submission."""


BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that are blank, or change others only to the eye."""

MOST_MARKS = 3
"""Marks in a row over or under one letter."""


def _line(text: str) -> str:
    """Refuse what is no name on one line."""
    kinds = "".join(unicodedata.category(character)[0] for character in text)
    spaces = any(character != " " and unicodedata.category(character) == "Zs" for character in text)
    if UNSEEN.search(text) or BREAKS.search(text) or BLANK.search(text) or spaces:
        raise ValueError("expected one line without characters that are not seen")
    if kinds.startswith("M") or "M" * (MOST_MARKS + 1) in kinds:
        raise ValueError(f"expected letters with {MOST_MARKS} marks each at most")
    if not text.strip() or text != text.strip():
        raise ValueError("expected a text without space at its ends")
    return text


def _version(value: Any) -> Any:
    """Take a version that YAML read as a number: ``1.0``."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _address(text: str) -> str:
    """Refuse what is no address of the web."""
    try:
        parts = urlsplit(_line(text))
        right = parts.scheme in ("http", "https") and parts.hostname and not parts.username
    except ValueError:
        right = False
    if not right or re.search(r"[\s<>\"'`\\]", text):
        raise ValueError("expected an address that begins with https:// or http://")
    return text


def _path(text: str) -> str:
    """Refuse a path that may lead out of the folder, or is hidden."""
    parts = text.split("/")
    if len(parts) > 3 or len(text) > 120 or not all(PART.fullmatch(part) for part in parts):
        raise ValueError(
            "expected the name of a file in the folder: letters, digits and ._+=-, at most two "
            "folders deep"
        )
    return text


Name = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_line)]
Line = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_line)]
Version = Annotated[Name, BeforeValidator(_version)]
Address = Annotated[str, Field(max_length=300), AfterValidator(_address)]
FileName = Annotated[str, AfterValidator(_path)]
Positive = Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]
Hardware = Literal["one core", "CPU", "GPU", "several GPUs"]
"""What times and memory are compared on; never across."""

Value = StrictBool | StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)] | Line | None


class Claim(StrictModel):
    """Errors of a quantity that the authors state, in its unit; they must follow from the file."""

    mae: Positive | None = None
    rmse: Positive | None = None
    max: Positive | None = None


class Submitted(StrictModel):
    """A prediction file, and what it does not state itself.

    ``record`` is the training's record, whose SHA-256 the prediction carries.  ``score`` is a score
    that the authors made; each of its numbers must follow.  ``hours``, ``memory_gib`` and
    ``us_per_atom`` are what this training, and a prediction with it, took, on hardware of the
    classes that are named; without them those of the submission hold.
    """

    file: FileName
    dataset: Line | None = None
    subset: Line | None = None
    train: Line | None = None
    energy_unit: Name | None = None
    length_unit: Name | None = None
    force_unit: Name | None = None
    record: FileName | None = None
    score: FileName | None = None
    claims: dict[Name, Claim] = Field(default_factory=dict, max_length=40)
    hours: Positive | None = None
    memory_gib: Positive | None = None
    hardware_class: Hardware | None = None
    us_per_atom: Positive | None = None
    inference_class: Hardware | None = None

    def declared(self) -> Declarations:
        """What is said of the file, as :func:`teaeval.read_prediction` takes it."""
        names = ("dataset", "subset", "train", "energy_unit", "length_unit", "force_unit")
        said = {name: value for name in names if (value := getattr(self, name)) is not None}
        return cast(Declarations, said)


class Training(StrictModel):
    """How the model was trained: data, sizes, hyperparameters, hardware, and what it took.

    ``hours`` are wall-clock time, ``memory_gib`` the peak, ``us_per_atom`` the time of energy and
    forces of a frame over its number of atoms, on ``inference_hardware``.  The classes say which
    times may be compared.
    """

    data: Line
    size: list[Annotated[int, Field(gt=0)]] = Field(default_factory=list, max_length=100)
    hyperparameters: dict[Name, Value | list[Value]] = Field(default_factory=dict, max_length=200)
    hardware: Line | None = None
    hardware_class: Hardware | None = None
    hours: Positive | None = None
    memory_gib: Positive | None = None
    us_per_atom: Positive | None = None
    inference_hardware: Line | None = None
    inference_class: Hardware | None = None


class Submission(StrictModel):
    """A submission: who made which model, and the files with what it predicts.

    ``mark`` is a word that stands beside the model's name, e.g. ``quick`` for a short training.
    """

    model: Name
    version: Version
    mark: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,19}$")] | None = None
    authors: list[Name] = Field(min_length=1, max_length=200)
    affiliation: Line | None = None
    licence: Name
    code: Address | None = None
    weights: Address | None = None
    citation: Line | None = None
    training: Training
    predictions: list[Submitted] = Field(default_factory=list, max_length=500)
    simulations: list[FileName] = Field(default_factory=list, max_length=100)
    hydrogen: list[FileName] = Field(default_factory=list, max_length=20)
    card: FileName | None = None

    @property
    def name(self) -> str:
        """Model and version."""
        return f"{self.model} {self.version}"

    @property
    def marked(self) -> str:
        """Model and mark, where it has one."""
        return self.model if self.mark is None else f"{self.model} ({self.mark})"

    def files(self) -> Iterator[tuple[str, str]]:
        """Every file that is named, and the place that names it; without ``submission.yaml``."""
        for n, item in enumerate(self.predictions):
            yield item.file, f"predictions[{n}].file"
            for field in ("record", "score"):
                if (name := getattr(item, field)) is not None:
                    yield name, f"predictions[{n}].{field}"
        for field in ("simulations", "hydrogen"):
            for n, name in enumerate(getattr(self, field)):
                yield name, f"{field}[{n}]"
        if self.card is not None:
            yield self.card, "card"


def read(content: bytes, name: str = SUBMISSION_FILE) -> tuple[Submission | None, list[str]]:
    """Read a submission's own words.

    Parameters
    ----------
    content
        The bytes of ``submission.yaml``.
    name
        What it is called in errors.

    Returns
    -------
    submission
        None if something is wrong.
    problems
        Everything that is, with its place.

    Raises
    ------
    DataError
        If it is no YAML that can be read.
    """
    read = read_yaml(content, name)
    try:
        made = Submission.of_yaml(read)
    except ValidationError as error:
        return None, [_sentence(item) for item in wrong_in(error)]
    twice = _twice([file for file, place in made.files() if place.endswith("].file")])
    return made, [f"predictions: {file} is named twice" for file in twice]


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _sentence(item: Any) -> str:
    """One of pydantic's complaints, with the nearest known name where there is one."""
    place = [str(part) for part in item["loc"]]
    where = ".".join(place)
    if item["type"] == "extra_forbidden":
        known = _fields(item["loc"][:-1])
        return f"{where}: {unknown_name('key', place[-1], known)}"
    found = f", found {item['input']!r:.60}" if item["type"] == "value_error" else ""
    return f"{where}: {complaint(item)}{found}"


def _fields(path: tuple[Any, ...]) -> list[str]:
    """The names that a part of a submission may have."""
    model: Any = Submission
    for part in path:
        field = getattr(model, "model_fields", {}).get(part)
        if field is not None:
            model = _model_in(field.annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> Any:
    """The model that a field holds, alone, in a list or as a value of a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
