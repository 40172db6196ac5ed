"""What the user says about the files and the dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from teadata.create.fields import Keys
from teadata.create.splitting import Wanted

COMPLETE = "complete"
"""The subset of files that are of no other."""

Duplicates = Literal["refuse", "drop", "keep"]
"""What is done with a geometry that the user put in two roles."""


@dataclass(frozen=True)
class Input:
    """A file, and what the user says that it holds: a subset, and a role if it is of one."""

    path: Path
    subset: str = COMPLETE
    role: str | None = None


@dataclass(frozen=True)
class Options:
    """What the user says.

    ``energy_unit``, ``length_unit`` and ``force_unit`` are of files that state none, the last where
    it is not that of energy over that of length; ``keys`` name their labels.
    ``subset_key`` and ``role_key`` are keys of the frames that say subset and role, ``split_by``
    one whose values are kept together, or ``file``; ``indices`` are index files by role, and
    ``first_index`` is 0 or 1, what they call the first frame, None where nobody says it.
    ``system`` is the one that is taken, ``each`` makes a dataset of each.  ``groups`` are as in
    :func:`teadata.create.groups.parse`.
    """

    energy_unit: str | None = None
    length_unit: str | None = None
    force_unit: str | None = None
    keys: Keys = field(default_factory=Keys)
    accept_float32: bool = False
    wanted: Wanted = field(default_factory=Wanted)
    subset_key: str | None = None
    role_key: str | None = None
    split_by: str | None = None
    indices: Mapping[str, Path] = field(default_factory=dict)
    first_index: int | None = None
    duplicates: Duplicates = "refuse"
    groups: tuple[str, ...] = ()
    system: str | None = None
    each: bool = False
    title: str | None = None
    licence: str | None = None
    cite: tuple[str, ...] = ()
    theory: str | None = None
