"""The file of a campaign: which models are trained on what, and what that needs."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator

from baselines.campaign.batch import Batch
from baselines.campaign.memory import mebibytes
from baselines.campaign.sections import (
    Combination,
    Count,
    HydrogenBenchmark,
    Quick,
    Seeds,
    Selection,
    Several,
    ShorterBenchmark,
    ShorterSimulation,
    Simulation,
    Sizes,
)
from teadata.errors import DataError
from teadata.schema import StrictModel, complaint, read_yaml, wrong_in
from teaeval.defaults import REPLICATES


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


class Matrix(StrictModel):
    """Every combination of what the lists name.

    Parameters
    ----------
    models, datasets, subsets, sizes, seeds, configs
        The matrix.  Without subsets all are trained on that a dataset's tasks train on; without
        sizes, as many frames as the configuration says.  A path of a configuration is relative
        to the campaign's file.
    device
        Where to train and predict: ``cpu``, unless the campaign says otherwise.
    """

    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    subsets: Several | None = None
    sizes: Sizes | None = None
    seeds: Seeds = (0,)
    configs: Several = ("quick",)
    device: str | None = None

    def combinations(self) -> Iterator[Combination]:
        """All of them."""
        axes: Iterable[tuple[Any, ...]] = itertools.product(
            self.models, self.datasets, self.subsets or (None,), self.sizes or (None,),
            self.seeds, self.configs, (self.device,),
        )  # fmt: skip
        for values in axes:
            yield Combination(**dict(zip(Combination.model_fields, values, strict=True)))


class Campaign(Matrix):
    """A campaign: trainings, their scores, and simulations with the models.

    Parameters
    ----------
    matrices
        Further matrices.
    include
        Further trainings.
    exclude
        What is left out.
    edition
        ``mini`` or ``official``: the dataset of that edition stands in for each that has one.
    config
        The configuration of all trainings, in place of what they say.
    quick
        What else is different where `config` is ``quick``.
    resources
        What a model takes of the machine, by its name.
    tests
        Subsets whose test sets are predicted; by default those of the dataset's tasks.
    frames
        Frames of each test set that are predicted, spread over it; by default all.
    bootstrap
        Bootstrap samples behind the intervals of a score.
    simulate, hydrogen
        Simulations with the models.
    batch
        Where the workers come from with ``--scheduler batch``.
    """

    matrices: tuple[Matrix, ...] = ()
    include: tuple[Combination, ...] = ()
    exclude: tuple[Selection, ...] = ()
    edition: Literal["mini", "official"] | None = None
    config: str | None = None
    quick: Quick = Quick()
    resources: dict[str, Resources] = Field(default_factory=dict)
    tests: Several | None = None
    frames: Count | None = None
    bootstrap: Annotated[int, Field(ge=0, strict=True)] = REPLICATES
    simulate: tuple[Simulation, ...] = ()
    hydrogen: HydrogenBenchmark | None = None
    batch: Batch | None = None

    @field_validator("simulate", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value

    def combinations(self) -> Iterator[Combination]:
        """The matrices, then what is included; nothing is left out yet."""
        yield from super().combinations()
        for matrix in self.matrices:
            yield from matrix.combinations()
        yield from self.include

    def resolved(self) -> Campaign:
        """The same with what ``quick`` says, if ``config: quick`` asks for it."""
        if self.config != "quick":
            return self
        new = {
            key: value for key in Matrix.model_fields if (value := getattr(self.quick, key, None))
        }
        own = new | {
            key: value
            for key in ("frames", "bootstrap")
            if (value := getattr(self.quick, key)) is not None
        }
        simulate = self.quick.simulate.model_dump(exclude_none=True)
        hydrogen = self.quick.hydrogen.model_dump(exclude_none=True)
        one: dict[str, Any] = {"size": self.quick.sizes[0]} if self.quick.sizes else {}
        one |= {"device": self.quick.device} if self.quick.device else {}
        return self.model_copy(
            update=own
            | {
                "matrices": tuple(each.model_copy(update=new) for each in self.matrices),
                "include": tuple(each.model_copy(update=one) for each in self.include),
                "simulate": tuple(each.model_copy(update=simulate) for each in self.simulate),
                "hydrogen": self.hydrogen and self.hydrogen.model_copy(update=hydrogen),
            }
        )


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
        campaign = Campaign.of_yaml(values)
    except ValidationError as error:
        raise DataError(f"{path}: {_complaints(error)}") from None
    if next(campaign.combinations(), None) is None:
        raise DataError(
            f"{path}: nothing is to be trained: expected models and datasets, matrices, or include"
        )
    if not (campaign.models and campaign.datasets):
        _check_no_matrix(campaign, path)
    for place, matrix in enumerate(campaign.matrices, 1):
        if not matrix.models or not matrix.datasets:
            raise DataError(f"{path}: matrices {place}: expected models and datasets")
    for place, item in enumerate(campaign.exclude, 1):
        if not item.values():
            raise DataError(f"{path}: exclude {place} is empty, and would leave out everything")
    return campaign.resolved()


def _check_no_matrix(campaign: Campaign, path: Path) -> None:
    """Refuse keys that belong to a matrix of the campaign's own, where it has none.

    Raises
    ------
    DataError
        If there is one: it would have no effect.
    """
    own = [key for key in Matrix.model_fields if key != "device"]  # which those without one have
    given = [key for key in own if key in campaign.model_fields_set]
    if given:
        raise DataError(
            f"{path}: {' and '.join(given)} would have no effect: expected models and datasets "
            "beside them, for a matrix of the file's own; each of matrices and of include has its "
            "own keys, so write them there"
        )


class _BatchFile(StrictModel):
    batch: Batch


def read_batch(path: Path) -> Batch:
    """Read a file of its own with the section ``batch``; errors as for :func:`read`."""
    values = read_yaml(path)
    try:
        return _BatchFile.of_yaml(values).batch
    except ValidationError as error:
        raise DataError(f"{path}: {_complaints(error)}") from None


def _complaints(error: ValidationError) -> str:
    wrong = []
    for item in wrong_in(error):
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
            wrong.append(f"{where or 'the file'}: {complaint(item)}")
    return "; ".join(wrong)


KINDS: dict[int | str, type[BaseModel]] = {
    "matrices": Matrix, "include": Combination, "exclude": Selection, "only": Selection,
    "resources": Resources, "simulate": Simulation, "hydrogen": HydrogenBenchmark, "quick": Quick,
    "batch": Batch,
}  # fmt: skip
"""What stands below a key of the file."""

SHORTER: dict[int | str, type[BaseModel]] = {
    "simulate": ShorterSimulation, "hydrogen": ShorterBenchmark,
}  # fmt: skip
"""What stands below a key of ``quick``."""


def _fields(where: tuple[int | str, ...]) -> list[str]:
    """The keys that are known at a place of the file."""
    kinds = KINDS | SHORTER if where[0] == "quick" else KINDS
    kind = next((kinds[part] for part in reversed(where[:-1]) if part in kinds), Campaign)
    return list(kind.model_fields)
