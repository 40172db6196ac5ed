"""Put together what a file states and what the caller declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from teadata import DatasetCard, catalog, units
from teadata.arrays import ArrayFile
from teadata.errors import UsageError
from teaeval.predictions.declaring import SPELLED, Declarations, check_train, option
from teaeval.predictions.findings import Finding
from teaeval.predictions.wording import OWN_LABELS

TEXTS = {
    "dataset": ("dataset",),
    "subset": ("subset",),
    "energy_unit": ("energy_unit", "e_unit"),
    "length_unit": ("length_unit", "r_unit"),
    "force_unit": ("force_unit",),
    "model": ("model",),
    "train": ("train",),
    "record": ("record",),
}
"""Names under which each text is found, as an attribute of the file or an array."""

DECLARATIONS = {
    "dataset": ("--dataset", "the dataset id, e.g. mini-i"),
    "subset": ("--subset", "the test set's subset, e.g. folded"),
    "energy_unit": ("--energy-unit", f"one of {', '.join(units.ENERGY_UNITS)}"),
    "length_unit": ("--length-unit", f"one of {', '.join(units.LENGTH_UNITS)}"),
    "force_unit": ("--force-unit", "an energy unit per length unit, e.g. Hartree/Bohr"),
}
"""What a file or the caller declares: the option for it, and what it takes."""

FOLLOWING = frozenset({"force_unit"})
"""What need not be declared, since it follows from the rest: forces are energy per length."""

UNITS = {name: DECLARATIONS[name] for name in ("energy_unit", "length_unit", "force_unit")}
"""What is declared where there is no dataset."""

TRAINED = "a split of the dataset, <subset>/train/<size>"
"""What a training set is given as."""

NAMED = {
    "dataset": DECLARATIONS["dataset"][1],
    "subset": "a subset of the dataset",
    "train": TRAINED,
}
"""What a name that is stated should be."""

CANONICAL: dict[str, Callable[[str], str]] = {
    "dataset": lambda name: catalog.card(name).full_id,
    **SPELLED,
}
"""What gives the one spelling of a declaration that has several."""


def combine(
    fields: dict[str, Any],
    declared: Mapping[str, str | None],
    conventions: Mapping[str, str | None],
    wanted: Mapping[str, tuple[str, str]] = DECLARATIONS,
    *,
    whose: Mapping[str, str],
) -> list[Finding]:
    """Combine what the file and the caller declare; report what is missing or contradictory.

    Where neither does, the format's convention holds, if it has one; a dataset of one subset
    leaves no choice.

    Parameters
    ----------
    fields
        What the file states, changed in place to what holds.
    declared
        What the caller says.
    conventions
        What the format says of its files.
    wanted
        What must be known in the end, or follows: the option for it, and what it takes.
    whose
        The file that declared it, by name; what is not there is an option's.
    """
    problems = []
    for name, (flag, meaning) in wanted.items():
        stated = fields.get(name)
        given = declared.get(name)
        if stated is None and given is None:
            stated = conventions.get(name) or (_only_subset(fields) if name == "subset" else None)
        own = OWN_LABELS if name == "dataset" else ""
        if stated is None and given is None and name not in FOLLOWING:
            problems.append(
                Finding.error(
                    f"undeclared-{flag[2:].replace('-', '_')}",
                    expected=f"the file, or the option {flag}, states {meaning}",
                    found="neither does",
                    remedy=f"add a field {name!r} to the file, or pass {flag}{own}",
                )
            )
        elif stated is not None and given is not None and not _agree(name, stated, given):
            problems.append(_contradiction(name, whose.get(name, flag), stated, given))
        fields[name] = stated if given is None else given
    return problems


def combine_authors(
    fields: dict[str, Any], declared: Mapping[str, str | None], whose: Mapping[str, str]
) -> list[Finding]:
    """Combine what file and caller say of who predicted; report what is contradictory."""
    problems = []
    fields["model"] = declared.get("model", fields["model"])
    stated, given = fields["train"], declared.get("train")
    if stated is not None and given is not None and stated != given:
        problems.append(_contradiction("train", whose.get("train", "--train"), stated, given))
    fields["train"] = stated if given is None else given
    return problems


def _only_subset(fields: Mapping[str, Any]) -> str | None:
    """The subset of a dataset that has one only; None of any other."""
    try:
        (subset,) = catalog.card(fields["dataset"] or "").subsets
    except (UsageError, ValueError):
        return None
    return subset


def _contradiction(name: str, option: str, stated: str, given: str) -> Finding:
    return Finding.error(
        f"contradicting-{name}",
        expected=f"the file and {option} to agree",
        found=f"the file states {stated!r}, {option} {given!r}",
        remedy=f"leave {option} out, or correct the file"
        if option.startswith("--")
        else f"correct one of the two; the line is in {option}",
    )


def _agree(name: str, one: str, other: str) -> bool:
    """Whether two declarations mean the same, as Ang and Å do; the other may add the version."""
    if name == "dataset" and other.partition("@")[0] == one:
        return True
    canonical = CANONICAL.get(name)
    if one == other or canonical is None:
        return one == other
    try:
        return canonical(one) == canonical(other)
    except UsageError:
        return False


def check_units(fields: Mapping[str, Any], flags: Mapping[str, tuple[str, str]]) -> list[Finding]:
    """Report unknown units."""
    problems = []
    for name, (flag, expected) in flags.items():
        if name not in UNITS or fields[name] is None:
            continue
        try:
            CANONICAL[name](fields[name])
        except UsageError as error:
            problems.append(_unknown(name, flag, expected, error))
    return problems


def _unknown(name: str, flag: str, expected: str, error: UsageError) -> Finding:
    return Finding.error(
        f"unknown-{name}",
        expected=expected,
        found=str(error),
        remedy=f"correct the field {name!r} or the option {flag}",
    )


def check_names(fields: Mapping[str, Any]) -> list[Finding]:
    """Report unknown names of dataset, subset, training set and units."""
    problems = []
    card: DatasetCard | None = None
    for name in NAMED:
        value = fields[name]
        if value is None:
            continue
        try:
            if name == "dataset":
                card = catalog.card(value)
            elif name == "subset" and card is not None:
                card.check_subset(value)
            elif name == "train" and card is not None:
                check_train(card, value)
        except UsageError as error:
            expected = NAMED[name]
            problems.append(_unknown(name, option(name), expected, error))
    return problems + check_units(fields, DECLARATIONS)


def sayings(
    file: ArrayFile, fields: Mapping[str, Any], declared: Declarations, defaults: Declarations
) -> dict[str, str]:
    """What the caller says of this file: what was declared, and the defaults that it needs."""
    given: dict[str, Any] = dict(declared)
    for name, value in defaults.items():
        key = name.endswith("_key")
        if given.get(name) is None and (value in file.names if key else fields[name] is None):
            given[name] = value
    return {name: value for name, value in given.items() if value is not None}
