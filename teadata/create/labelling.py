"""The subset, the role and the group of each frame, from what the user and the files say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from teadata.create.options import Input, Options
from teadata.create.splitting import NONE, Pool
from teadata.create.stock import System
from teadata.errors import DataError, UsageError
from teadata.ingest.naming import ROLE_WORDS, words
from teadata.splits import ROLES
from teadata.typing import Ints

SUBSET = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._+-]*[A-Za-z0-9+])?")
"""What the name of a subset looks like."""

FILE = "file"
"""The value of ``--split-by`` that keeps the frames of each file together."""

SHOWN = 12
"""Values of a key that are listed."""


def check_subset(name: str) -> None:
    """Refuse a name of a subset that could not be part of the name of a split.

    Raises
    ------
    UsageError
        If it is one.
    """
    if not SUBSET.fullmatch(name) or "->" in name or len(name) > 64:
        raise UsageError(
            f"{name!r} is no name of a subset; expected letters, digits, '.', '_', '+' and '-', "
            "e.g. folded"
        )


def pool(
    system: System, inputs: Sequence[Input], options: Options, indices: Mapping[str, Ints]
) -> Pool:
    """The frames of a system with their subsets, fixed roles and groups.

    Raises
    ------
    UsageError
        If a key's values name no subsets.
    DataError
        If a key's values name no roles, or a frame has two roles.
    """
    ids, files = system.all_ids(), np.concatenate(system.files)
    if options.subset_key is None:
        names = list(dict.fromkeys(item.subset for item in inputs))
        of_file = np.array([names.index(item.subset) for item in inputs])
        subsets = of_file[files]
    else:
        names, subsets = _coded(system.keys[options.subset_key])
        for name in names:
            check_subset(name)
    of_file = np.array([NONE if item.role is None else ROLES.index(item.role) for item in inputs])
    roles = of_file[files]
    if options.role_key is not None:
        roles = _roles(system.keys[options.role_key], options.role_key)
    order = {}
    for role, listed in indices.items():
        rows = np.flatnonzero(np.isin(ids, listed))
        taken = rows[(roles[rows] != NONE) & (roles[rows] != ROLES.index(role))]
        if len(taken):
            raise DataError(
                f"frame {ids[taken[0]]} and {len(taken) - 1} others are both {role}, by "
                f"{options.indices[role]}, and {ROLES[roles[taken[0]]]}; a frame has one role"
            )
        roles[rows] = ROLES.index(role)
        order[ROLES.index(role)] = listed
    groups, group_name = _groups(system, files, options.split_by)
    # Files are numbered in the order in which they were read, and systems may mix.
    there = np.unique(subsets)
    return Pool(
        ids=ids,
        names=[names[i] for i in there],
        subsets=np.searchsorted(there, subsets),
        roles=roles,
        groups=groups,
        group_name=group_name,
        order=order,
    )


def _coded(values: Sequence[str]) -> tuple[list[str], Ints]:
    """Distinct values in order of appearance, and the number of each value."""
    names = {value: i for i, value in enumerate(dict.fromkeys(values))}
    return list(names), np.array([names[value] for value in values], np.int64)


def _roles(values: Sequence[str], key: str) -> Ints:
    """Roles from the words in values such as ``Training_set``, ``val`` or ``test_MD``."""
    names, codes = _coded(values)
    roles = []
    for name in names:
        said = {ROLE_WORDS[word] for word in words(name) if word in ROLE_WORDS}
        if len(said) != 1:
            shown = ", ".join(map(repr, names[:SHOWN])) + (" …" if len(names) > SHOWN else "")
            raise DataError(
                f"the key {key!r} has the value {name!r}, which says "
                f"{' and '.join(sorted(said)) or 'no role'}; expected one of the words "
                f"{', '.join(ROLE_WORDS)} in each value, found {shown}"
            )
        roles.append(ROLES.index(said.pop()))
    coded: Ints = np.array(roles)[codes]
    return coded


def _groups(system: System, files: Ints, split_by: str | None) -> tuple[Ints | None, str]:
    if split_by is None:
        return None, "group"
    if split_by == FILE:
        return files.astype(np.int64), FILE
    return _coded(system.keys[split_by])[1], split_by
