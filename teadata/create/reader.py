"""What reading has in common for all files of labelled frames: pieces, and what a file said."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from teadata.arrays import Array, ArrayFile, text
from teadata.arrays.stress import from_virials, from_voigt
from teadata.card import UNKNOWN
from teadata.create.fields import Keys, unused
from teadata.errors import IncompleteError
from teadata.typing import Ints

PIECE = 4 << 20
"""Bytes of positions that are read at a time."""

PER_FRAME = ("positions", "energies", "forces", "cell", "stress", "virials", "temperatures")
"""Fields with a row per frame."""

TENSORS = ("stress", "virials")
"""Those that are symmetric tensors, which files have as nine or six values."""


@dataclass(frozen=True)
class Piece:
    """Frames of one system, in the file's units.

    ``numbers`` (A,); ``pbc`` (3,), all False where there is no cell; ``arrays`` have a row per
    frame, under the names of :data:`PER_FRAME`; ``places`` (n,) are the frames' places in the
    file; ``keys`` are the values (n,), as text, of keys that were asked for; ``theories`` are the
    levels of theory that the file states of these frames, an empty text where it states none;
    ``state`` is their charge and multiplicity, see :mod:`teadata.create.states`.
    """

    numbers: Ints
    pbc: tuple[bool, ...]
    arrays: dict[str, Array]
    places: Ints
    keys: dict[str, list[str]]
    theories: frozenset[str] = frozenset({""})
    state: str = ""

    def rows(self, rows: Ints) -> Piece:
        """Some of the frames."""
        return replace(
            self,
            arrays={name: array[rows] for name, array in self.arrays.items()},
            places=self.places[rows],
            keys={key: [values[i] for i in rows] for key, values in self.keys.items()},
        )


@dataclass
class Told:
    """What a file said while it was read.

    ``units`` by kind, None where it states none; ``names`` of its arrays by field; ``unused`` are
    labels that were not taken; ``single`` is whether energies are in single precision; ``notes``
    are what the user should know besides.
    """

    units: dict[str, str | None] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    single: bool = False
    trajectory: str | None = None
    notes: list[str] = field(default_factory=list)


class Reader(ABC):
    """A file of labelled frames.

    Parameters
    ----------
    file
        The file.
    keys
        What the labels are called, where the user says it.
    wanted
        Keys of the frames whose values are read too.
    """

    def __init__(self, file: ArrayFile, keys: Keys, wanted: Sequence[str]) -> None:
        self.opened, self.path = file, file.path
        self.keys, self.wanted = keys, list(wanted)
        self.told = Told()

    @abstractmethod
    def pieces(self) -> Iterator[Piece]:
        """The frames, a piece at a time.

        Raises
        ------
        IncompleteError
            If a label is missing or ambiguous, or a key is not there.
        DataError
            If the file is damaged, or shapes contradict each other.
        """

    def fail(self, error: IncompleteError, where: str = "") -> IncompleteError:
        """Let an error name the file."""
        return IncompleteError(f"{self.path}: {where}{error}", error.options)

    def say_units(self, stated: Mapping[str, str | None], where: str) -> None:
        """Keep the units that the file states; they must be the same throughout."""
        if self.told.units and self.told.units != stated:
            raise self.opened.error(
                f"{where} states other units than the frames before it: {_units(stated)}, not "
                f"{_units(self.told.units)}; write files of one unit"
            )
        self.told.units = dict(stated)

    def say_names(self, names: Sequence[str], known: Mapping[str, str]) -> None:
        """Keep the names under which fields were found, and which labels are passed over."""
        self.told.names = {**known, **self.told.names}
        self.told.unused = sorted({*self.told.unused, *unused(names, known)})
        for name in ("trajectory", "trajectories"):
            if name in names:
                self.told.trajectory = name


def _units(stated: Mapping[str, str | None]) -> str:
    return " and ".join(said or "no unit" for said in stated.values())


def theory_in(value: Any) -> str:
    """The level of theory in what a file states; empty if it is none, or unknown."""
    array = np.asarray(value)
    if array.dtype.kind not in "SUO" or array.size != 1:
        return ""
    try:
        stated = " ".join(text(array).split())
    except ValueError:  # half of a character
        return ""
    return "" if stated.casefold() in (UNKNOWN, "none") else stated


def no_key(key: str, names: Sequence[str]) -> IncompleteError:
    """The error for a key that a frame does not have."""
    return IncompleteError(
        f"has no key {key!r}; found {', '.join(sorted(names))}. Name a key that every frame has"
    )


def cell_of(
    arrays: dict[str, Array], pbc: tuple[bool, ...] | None
) -> tuple[dict[str, Array], tuple[bool, ...]]:
    """Leave a cell out that is periodic in no direction: it means nothing.

    In one that is, virials become the stress.
    """
    arrays = dict(arrays)
    virials = arrays.pop("virials", None)
    if "cell" not in arrays:
        return arrays, (False,) * 3
    pbc = (True,) * 3 if pbc is None else pbc
    if not any(pbc):
        arrays = {name: array for name, array in arrays.items() if name not in ("cell", "stress")}
    elif virials is not None:
        arrays["stress"] = from_virials(virials, arrays["cell"])
    return arrays, pbc


def shape_of(name: str, atoms: int) -> tuple[int, ...]:
    """Shape of a field of one frame."""
    shapes = dict.fromkeys(("positions", "forces"), (atoms, 3))
    shapes |= dict.fromkeys(("cell", *TENSORS), (3, 3))
    return shapes.get(name, ())


def as_tensor(array: Array) -> Array:
    """Stress or virials (N, 6), in Voigt's order, or (N, 9) as (N, 3, 3); others as they are."""
    if array.shape[1:] == (6,):
        return from_voigt(array)
    return array.reshape(-1, 3, 3) if array.shape[1:] == (9,) else array


def same(one: Array, other: Array) -> bool:
    """Whether two arrays hold the same values."""
    numeric = one.dtype.kind in "iuf" and other.dtype.kind in "iuf"
    return np.array_equal(one, other, equal_nan=numeric)
