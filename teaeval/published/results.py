"""The published errors: Tables SI 6, SI 7 and SI 8."""

from __future__ import annotations

import csv
import functools
import io
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

Kind = Literal["mean", "std"]
"""What an error is relative to: the mean |reference| (Table SI 7) or its standard deviation
(Table SI 8), of the same quantity and test set."""

TABLES: dict[Kind, str] = {"mean": "si7", "std": "si8"}
"""The file of each of the two tables."""

MODELS = ("MACE", "SO3krates", "sGDML", "SOAP/GAP", "FCHL19*")
"""The models of both, in the order of their columns."""

MEASURES = ("MAE", "RMSE", "MAX")
"""The columns of a model."""

ALIASES = {
    "so3": "SO3krates",
    "gap": "SOAP/GAP",
    "soap-gap": "SOAP/GAP",
    "fchl": "FCHL19*",
    "fchl19": "FCHL19*",
}
"""Other names of the models, in lower case."""


@dataclass(frozen=True)
class Entry:
    """A number of Table SI 7 or SI 8.

    Parameters
    ----------
    kind
        Which of the two.
    challenge, train, test
        Challenge (``"I"`` … ``"IV"``) and the subsets of the task.
    quantity
        ``"E"``, ``"F"``, ``"F(H)"`` …, ``"F(mol)"``.
    model, measure
        Whose error, and which.
    value
        In per cent; None where there is none: the model was not run, or (Table SI 8 only) the
        source is illegible or contradicts the rest of its row.
    text
        The value with the digits that were published; empty where there is none.
    """

    kind: Kind
    challenge: str
    train: str
    test: str
    quantity: str
    model: str
    measure: str
    value: float | None
    text: str

    @property
    def task(self) -> str:
        """``<train subset>-><test subset>``."""
        return f"{self.train}->{self.test}"


@dataclass(frozen=True)
class PhysNetEntry:
    """A number of Table SI 6: PhysNet on the complete subset of Challenge I.

    ``valid`` and ``test_error`` are in ``unit``, after training on ``n_train`` frames.
    """

    model: str
    challenge: str
    train: str
    test: str
    n_train: int
    quantity: str
    unit: str
    valid: float
    test_error: float


def lines(name: str) -> list[dict[str, str]]:
    """The lines of a data file of this package."""
    text = (files("teaeval.published") / "data" / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


@functools.cache
def entries(kind: Kind = "mean") -> tuple[Entry, ...]:
    """Table SI 7 (``"mean"``) or SI 8 (``"std"``), row by row."""
    return tuple(
        Entry(
            kind,
            line["challenge"],
            line["train"],
            line["test"],
            line["quantity"],
            model,
            measure,
            float(text) if (text := line[f"{model} {measure}"]) else None,
            text,
        )
        for line in lines(TABLES[kind])
        for model in MODELS
        for measure in MEASURES
    )


@functools.cache
def _by_key(kind: Kind) -> dict[tuple[str, ...], float | None]:
    return {
        (e.challenge, e.train, e.test, e.quantity, e.model, e.measure): e.value
        for e in entries(kind)
    }


def value(
    challenge: str,
    train: str,
    test: str,
    quantity: str,
    model: str,
    measure: str,
    kind: Kind = "mean",
) -> float | None:
    """A published error in per cent; None where nothing was published.

    Examples
    --------
    >>> value("I", "folded", "unfolded", "E", "sGDML", "MAX")
    112.0
    """
    return _by_key(kind).get((challenge, train, test, quantity, model, measure))


def model_name(name: str) -> str | None:
    """The published spelling of a model's name, None if the tables have no such model.

    >>> model_name("gap")
    'SOAP/GAP'
    """
    lowered = name.strip().casefold()
    same = {known.casefold(): known for known in MODELS} | ALIASES
    return same.get(lowered)


def absolute(
    challenge: str, train: str, test: str, n_train: str, quantity: str, model: str, measure: str
) -> float | None:
    """A published error in kcal/mol or kcal/mol/Å; None where nothing was published.

    Examples
    --------
    >>> absolute("I", "complete", "complete", "1000", "F", "PhysNet", "MAE")
    1.66
    """
    wanted = (challenge, train, test, n_train, f"{measure}({quantity})", model.casefold())
    for e in physnet():
        there = (e.challenge, e.train, e.test, str(e.n_train), e.quantity, e.model.casefold())
        if there == wanted:
            return e.test_error
    return None


@functools.cache
def physnet() -> tuple[PhysNetEntry, ...]:
    """Table SI 6: energies in kcal/mol, forces in kcal/mol/Å."""
    return tuple(
        PhysNetEntry(
            model=line["model"],
            challenge=line["challenge"],
            train=line["train"],
            test=line["test"],
            n_train=int(line["n_train"]),
            quantity=line["quantity"],
            unit=line["unit"],
            valid=float(line["valid"]),
            test_error=float(line["test_error"]),
        )
        for line in lines("si6")
    )
