"""Under which names files of labelled frames keep what a dataset is made of.

Names are those of sGDML and MD17/MD22, rMD17, ASE, MACE and of this package.  Where a file holds
labels and predictions side by side, its labels are taken, or the user is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from teadata.errors import IncompleteError, UsageError

GEOMETRY = {
    "positions": ("R", "positions", "pos", "coordinates", "coords", "coord", "conformations"),
    "numbers": ("z", "Z", "numbers", "atomic_numbers", "species", "nuclear_charges", "symbols"),
    "cell": ("cell", "cells", "box"),
    "lattice": ("lattice",),
    "pbc": ("pbc",),
    "temperatures": ("temperatures", "temperature"),
}
"""Names of what is no label; ``lattice`` is sGDML's, one for all frames, vectors as columns."""

UNITS = {
    "energy_unit": ("energy_unit", "e_unit"),
    "length_unit": ("length_unit", "r_unit"),
    "force_unit": ("force_unit",),
}
"""Names of the units that a file states."""

THEORY = "theory"
"""Name of the level of theory that a file states of its labels."""

LABELS = {
    "energies": ("energy", "energies", "E"),
    "forces": ("forces", "force", "F"),
    "stress": ("stress", "stresses"),
}
"""Plain names of the labels."""

_PREFIXED = {
    "energies": re.compile(r"(?P<prefix>\w+?)[_-]?energ(?:y|ies)", re.IGNORECASE),
    "forces": re.compile(r"(?P<prefix>\w+?)[_-]?forces?", re.IGNORECASE),
    "stress": re.compile(r"(?P<prefix>\w+?)[_-]?stress(?:es)?", re.IGNORECASE),
}
"""Names of labels with the method before them."""

REFERENCE = (
    "ref",
    "dft",
    "qm",
    "ccsd",
    "ccsdt",
    "ccsd(t)",
    "mp2",
    "pbe",
    "pbe0",
    "label",
    "target",
)
"""Prefixes, in small letters, that mark a label: what a model should reproduce."""

INSTEAD = {"energies": ("free_energy",)}
"""Taken where there is no other name: ASE has the free energy beside the energy."""

NO_ENERGY = (
    "kinetic atomization interaction formation binding zpe nuclear_repulsion old free delta e0"
).split()
"""Prefixes of energies that are not the total energy of a frame; ``old`` is rMD17's."""

OPTIONS = {
    "energies": "--energy-key",
    "forces": "--forces-key",
    "stress": "--stress-key",
    "virials": "--virial-key",
}
"""The option that names a label."""


@dataclass(frozen=True)
class Keys:
    """What the user says the labels are called; None where nothing is said.

    ``virials`` are taken only where they are named, and then in place of stress.

    Raises
    ------
    UsageError
        If both stress and virials are named.
    """

    energies: str | None = None
    forces: str | None = None
    stress: str | None = None
    virials: str | None = None

    def __post_init__(self) -> None:
        if None not in (self.stress, self.virials):
            raise UsageError(
                f"{OPTIONS['stress']} and {OPTIONS['virials']}: expected one of the two, as stress "
                "is taken as it is, or made of virials"
            )


def choose(
    names: Sequence[str],
    keys: Keys,
    *,
    per_frame: Callable[[str], bool],
    same: Callable[[str, str], bool],
) -> dict[str, str]:
    """Map each field that a file has to its name there.

    Parameters
    ----------
    names
        Names of the file's arrays.
    keys
        What the user says.
    per_frame
        Whether an array has one value per frame, as energies have.
    same
        Whether two arrays hold the same numbers.

    Raises
    ------
    IncompleteError
        If positions, atoms, energies or forces are missing, or a field is there several times
        with different values.
    """
    known: dict[str, str] = {}
    for field, aliases in GEOMETRY.items():
        if there := [name for name in aliases if name in names]:
            known[field] = _one(field, there, same)
    for field in LABELS:
        if (name := _label(field, names, keys, per_frame, same)) is not None:
            known[field] = name
    if keys.virials is not None:
        known["virials"] = _said("virials", keys.virials, names)
        known.pop("stress", None)
    missing = [field for field in ("positions", "numbers") if field not in known]
    if missing:
        raise IncompleteError(
            f"expected {' and '.join(missing)} under one of "
            f"{'; '.join(', '.join(GEOMETRY[field]) for field in missing)}; found {_listed(names)}"
        )
    for field in ("energies", "forces"):
        if field not in known:
            other = _lookalikes(field, names)
            gradients = [name for name in names if "grad" in name.lower()]
            raise IncompleteError(
                f"has no {field}: expected an array under {', '.join(LABELS[field])}, or such a "
                f"name after REF_ or DFT_; found {_listed(names)}. A dataset needs energies and "
                f"forces of every frame; if they are there under another name, say it with "
                f"{OPTIONS[field]}"
                + (
                    f". Forces are the negative of a gradient such as {gradients[0]}: write them "
                    "into the file with the sign turned"
                    if gradients and field == "forces"
                    else ""
                ),
                [OPTIONS[field], other[0]] if other else [],
            )
    if {"cell", "lattice"} <= known.keys():
        raise IncompleteError("holds both a lattice and cells; keep one")
    _check_of_one_source(known, keys)
    return known


def of_another_source(field: str, name: str) -> bool:
    """Whether a name is neither plain nor after a reference: a model's predictions have such."""
    match = _PREFIXED[field].fullmatch(name)
    if name in (*LABELS[field], *INSTEAD.get(field, ())) or match is None:
        return False
    return match["prefix"].lower().rstrip("_-") not in REFERENCE


def _check_of_one_source(known: Mapping[str, str], keys: Keys) -> None:
    """Refuse energies of a reference beside forces that may be a model's, and the reverse."""
    for field, other in (("energies", "forces"), ("forces", "energies")):
        name = known[field]
        if getattr(keys, field) is not None or not of_another_source(field, name):
            continue
        if not of_another_source(other, known[other]):
            raise IncompleteError(
                f"has {other} as {known[other]}, but {field} only as {name}, which may be a "
                f"model's; if they are labels too, say so with {OPTIONS[field]}",
                [OPTIONS[field], name],
            )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _lookalikes(field: str, names: Sequence[str]) -> list[str]:
    """Names that the user may mean by a label."""
    word = "energ" if field == "energies" else "force"
    return [name for name in names if word in name.lower() and "grad" not in name.lower()]


def _label(
    field: str,
    names: Sequence[str],
    keys: Keys,
    per_frame: Callable[[str], bool],
    same: Callable[[str, str], bool],
) -> str | None:
    """The file's name of a label: what the user says, else labels before other names."""
    if (said := getattr(keys, field)) is not None:
        return _said(field, said, names)
    fits = [name for name in names if field != "energies" or per_frame(name)]
    labels, others = [name for name in LABELS[field] if name in fits], []
    for name in fits:
        match = _PREFIXED[field].fullmatch(name)
        if name in LABELS[field] or match is None:
            continue
        prefix = match["prefix"].lower().rstrip("_-")
        if prefix in REFERENCE:
            labels.append(name)
        elif prefix not in NO_ENERGY:
            others.append(name)
    instead = [name for name in INSTEAD.get(field, ()) if name in fits]
    for there in (labels, others, instead):
        if there:
            return _one(field, there, same)
    return None


def _said(field: str, name: str, names: Sequence[str]) -> str:
    """A name that the user gives, which the file must have."""
    if name not in names:
        raise IncompleteError(
            f"has no {name!r}, which {OPTIONS[field]} names; found {_listed(names)}"
        )
    return name


def _one(field: str, there: Sequence[str], same: Callable[[str, str], bool]) -> str:
    """The first of several names that hold the same; an error if they do not."""
    different = [name for name in there[1:] if not same(there[0], name)]
    if different:
        option = OPTIONS.get(field, "")
        remedy = f"say which with {option}" if option else "keep one"
        raise IncompleteError(
            f"holds {field} as {' and as '.join([there[0], *different])}, with different values; "
            f"{remedy}",
            [option, there[0]] if option else [],
        )
    return there[0]


def is_virial(name: str) -> bool:
    """Whether a name is that of virials, which are taken only where the user says so."""
    return "virial" in name.lower()


def unused(names: Sequence[str], known: Mapping[str, str]) -> list[str]:
    """Names of a file that look like labels, or like virials, and are not taken."""
    return [
        name
        for name in names
        if name not in known.values()
        and (
            is_virial(name)
            or any(p.fullmatch(name) or name in LABELS[f] for f, p in _PREFIXED.items())
        )
    ]
