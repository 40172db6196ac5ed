"""The file of a campaign: which models are trained on what, and what that needs."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, field_validator

from teadata.errors import DataError
from teadata.schema import StrictModel, read_yaml
from teaeval.defaults import REPLICATES

UNITS = {"MiB": 1, "GiB": 1024}
"""Units of memory, in MiB."""

Seed = Annotated[int, Field(ge=0, strict=True)]
Size = Annotated[int, Field(gt=0, strict=True)]
Count = Annotated[int, Field(gt=0, strict=True)]
Several = Annotated[tuple[str, ...], Field(min_length=1)]


def mebibytes(text: str) -> float:
    """Read an amount of memory, e.g. ``4 GiB`` or ``500 MiB``, in MiB.

    Raises
    ------
    ValueError
        If it is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(\w+)", text.strip())
    if found is None or found[2] not in UNITS or not float(found[1]):
        raise ValueError(f"expected an amount of memory such as 4 GiB or 500 MiB, found {text!r}")
    return float(found[1]) * UNITS[found[2]]


class Resources(StrictModel):
    """What a task of a model takes of the machine.

    Parameters
    ----------
    cores
        Cores that it calculates on.
    memory
        Most memory that it needs, e.g. ``4 GiB``; by default what its records say.
    """

    cores: Count = 1
    memory: str | None = None

    @field_validator("memory")
    @classmethod
    def _is_memory(cls, text: str | None) -> str | None:
        if text is not None:
            mebibytes(text)
        return text


class Combination(StrictModel):
    """One training of a matrix.

    Without a subset all are meant that the dataset's tasks train on; without a size, the
    configuration's.
    """

    model: str
    dataset: str
    subset: str | None = None
    size: Size | None = None
    seed: Seed = 0
    config: str = "quick"


class Excluded(StrictModel):
    """Trainings to leave out: those that have all the values which are given."""

    model: str | None = None
    dataset: str | None = None
    subset: str | None = None
    size: Size | None = None
    seed: Seed | None = None
    config: str | None = None

    def values(self) -> dict[str, Any]:
        """The values that are given, by name."""
        return {name: value for name, value in self if value is not None}


class Campaign(StrictModel):
    """A campaign: every combination of what the lists name is trained and scored.

    Parameters
    ----------
    models, datasets, subsets, sizes, seeds, configs
        The matrix.  Without subsets all are trained on that a dataset's tasks train on; without
        sizes, as many frames as the configuration says.  A path of a configuration is relative
        to the campaign's file.
    include
        Further trainings.
    exclude
        What of the matrix is left out.
    resources
        What a model takes of the machine, by its name.
    tests
        Subsets whose test sets are predicted; by default those of the dataset's tasks.
    frames
        Frames of each test set that are predicted, spread over it; by default all.
    bootstrap
        Bootstrap samples behind the intervals of a score.
    device
        Where to train and predict.
    """

    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    subsets: Several | None = None
    sizes: Annotated[tuple[Size, ...], Field(min_length=1)] | None = None
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0,)
    configs: Several = ("quick",)
    include: tuple[Combination, ...] = ()
    exclude: tuple[Excluded, ...] = ()
    resources: dict[str, Resources] = Field(default_factory=dict)
    tests: Several | None = None
    frames: Count | None = None
    bootstrap: Annotated[int, Field(ge=0, strict=True)] = REPLICATES
    device: str = "cpu"

    def combinations(self) -> Iterator[Combination]:
        """The matrix, then what is included; nothing is left out yet."""
        axes: Iterable[tuple[Any, ...]] = itertools.product(
            self.models, self.datasets, self.subsets or (None,), self.sizes or (None,),
            self.seeds, self.configs,
        )  # fmt: skip
        for values in axes:
            yield Combination(**dict(zip(Combination.model_fields, values, strict=True)))
        yield from self.include


def read(path: Path) -> Campaign:
    """Read the file of a campaign.

    Parameters
    ----------
    path
        A file of YAML.

    Raises
    ------
    PathError
        If there is no such file.
    DataError
        If it is no campaign: a key is unknown (with the nearest known one), or a value is wrong.
    """
    values = read_yaml(path)
    try:
        campaign = Campaign.model_validate(values)
    except ValidationError as error:
        raise DataError(f"{path}: {_complaints(error)}") from None
    if not (campaign.models and campaign.datasets) and not campaign.include:
        raise DataError(
            f"{path}: nothing is to be trained: expected models and datasets, or include"
        )
    for place, item in enumerate(campaign.exclude, 1):
        if not item.values():
            raise DataError(f"{path}: exclude {place} is empty, and would leave out everything")
    return campaign


def _complaints(error: ValidationError) -> str:
    wrong = []
    for item in error.errors():
        where = ".".join(str(part + 1 if isinstance(part, int) else part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            key = str(item["loc"][-1])
            known = _fields(item["loc"])
            close = difflib.get_close_matches(key, known, n=1)
            hint = (
                f"did you mean {close[0]!r}?" if close else f"expected one of: {', '.join(known)}"
            )
            wrong.append(f"unknown key {where!r}, {hint}")
        else:
            said = item["msg"].removeprefix("Value error, ")
            wrong.append(f"{where or 'the file'}: {said}")
    return "; ".join(wrong)


def _fields(where: tuple[int | str, ...]) -> list[str]:
    """The keys that are known at a place of the file."""
    kinds: dict[int | str, type[BaseModel]] = {
        "include": Combination, "exclude": Excluded, "resources": Resources,
    }  # fmt: skip
    kind = kinds.get(where[0], Campaign) if len(where) > 1 else Campaign
    return list(kind.model_fields)
