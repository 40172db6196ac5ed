"""Names and versions of a user's own datasets."""

from __future__ import annotations

import re

from teadata import catalog, own
from teadata.card import ID
from teadata.errors import IncompleteError, UsageError

FIRST = "0.1.0"
"""The version of a new dataset."""

RESERVED = ("mini", "tea2023", "hydrogen")
"""First words of ids that this package gives its own datasets."""

LONGEST = 64
"""Letters that a name may have."""


def check_name(name: str) -> None:
    """Refuse a name that is none, or that is or may become one of the package's.

    Raises
    ------
    UsageError
        If it is one of these; the message suggests another.
    """
    if "@" in name:
        base, _, version = name.partition("@")
        raise UsageError(
            f"{name!r}: expected a name without a version; say {suggestion(base)}, and --version "
            f"{version or FIRST}"
        )
    if not re.fullmatch(ID, name) or len(name) > LONGEST:
        raise UsageError(
            f"{name!r} is no name of a dataset; expected up to {LONGEST} small letters and digits, "
            f"words joined by hyphens, e.g. {suggestion(name)}"
        )
    if (plugged := catalog.plugged_datasets().get(name)) is not None:
        raise UsageError(
            f"{name!r} is the name of a dataset that {plugged.package} brings; choose another, "
            f"e.g. my-{name}"
        )
    if name in catalog.packaged_ids() or name.split("-")[0] in RESERVED:
        raise UsageError(
            f"{name!r} is a name of this package's datasets ({', '.join(catalog.packaged_ids())}, "
            f"and what begins with {', '.join(RESERVED)}); choose another, e.g. {suggestion(name)}"
        )


def suggestion(name: str) -> str:
    """A name that can be taken, as near to another as possible."""
    words = [word for word in re.findall(r"[a-z0-9]+", name.lower()) if len(word) <= LONGEST // 2]
    while words and words[0] in RESERVED:
        words[0] = f"my-{words[0]}"
    return "-".join(words)[: LONGEST - 3].strip("-") or "my-dataset"


def check_version(name: str, version: str) -> None:
    """Refuse a version that is none, or that comes before one that is here.

    Raises
    ------
    UsageError
        If it is one of these.
    """
    if not re.fullmatch(r"(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){2}", version):
        raise UsageError(f"{version!r} is no version; expected three numbers, e.g. {FIRST}")
    there = own.versions(name)
    if there and version not in there and own.version_key(version) < own.version_key(there[-1]):
        raise IncompleteError(
            f"{name}@{there[-1]} is here, and {version} comes before it; the next version is "
            f"{following(there[-1])}",
            ["--version", following(there[-1])],
        )


def following(version: str) -> str:
    """The next version: 0.1.0, 0.2.0, …"""
    major, minor, _ = own.version_key(version)
    return f"{major}.{minor + 1}.0"
