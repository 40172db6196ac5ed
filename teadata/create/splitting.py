"""Decide which frames train, validate and test: at random, by groups, or as the user says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from teadata.errors import DataError, UsageError
from teadata.splits import ROLES, SplitTable
from teadata.typing import Ints

NONE = -1
"""In place of a role or a group where there is none."""

TEST_PART, VALID_PART = 5, 10
"""A fifth of the frames tests and a tenth validates, where nobody says how many."""

SERIES = (1, 2, 5)
"""Sizes of training splits where nobody says which: 50, 100, 200, 500, 1000, …"""

SMALLEST = 50
"""The smallest of these sizes."""


@dataclass(frozen=True)
class Wanted:
    """How many frames each role has in every subset; None where nobody says it.

    ``train`` are the nested sizes.
    """

    train: tuple[int, ...] = ()
    valid: int | None = None
    test: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Pool:
    """The frames of one system that are left after duplicates were dropped.

    ``ids`` (N,); ``subsets`` (N,) are indices into ``names``; ``roles`` (N,) are those that the
    user fixed, as indices into :data:`~teadata.splits.ROLES`, or :data:`NONE`; ``groups`` (N,)
    are what is kept together, or None; ``order`` maps a role to ids in the order that was given.
    """

    ids: Ints
    names: Sequence[str]
    subsets: Ints
    roles: Ints
    groups: Ints | None = None
    group_name: str = "group"
    order: Mapping[int, Ints] = field(default_factory=dict)


@dataclass(frozen=True)
class Splits:
    """A split table, the sizes of nested training splits, and what is to be said about them."""

    table: SplitTable
    sizes: list[int]
    notes: list[str]


TRAIN, VALID, TEST = (ROLES.index(role) for role in ("train", "valid", "test"))


def make(pool: Pool, wanted: Wanted) -> Splits:
    """Make the splits of a dataset; the same pool and seed give the same.

    Raises
    ------
    UsageError
        If there are fewer frames, or groups, than were asked for.
    DataError
        If a group has frames in two roles that the user fixed.
    """
    drawer = _Drawer(pool, wanted)
    members: dict[tuple[str, str], Ints] = {}
    for subset in range(len(pool.names)):
        drawn = drawer.draw(subset)
        for role in ROLES:
            if len(ids := drawn[ROLES.index(role)]):
                members[pool.names[subset], role] = ids
    least = min((len(ids) for (_, role), ids in members.items() if role == "train"), default=0)
    if not any(role == "train" for _, role in members):
        raise UsageError(
            "no frames are left to train on; ask for fewer with --test and --valid, or name the "
            "training frames"
        )
    return Splits(SplitTable(members), _sizes(wanted.train, least), drawer.notes)


def _sizes(wanted: Sequence[int], most: int) -> list[int]:
    if wanted:
        if max(wanted) > most:
            raise UsageError(
                f"--train {max(wanted)}: only {most} frames are left to train on in the smallest "
                "subset; ask for fewer, or for smaller test and validation sets"
            )
        return sorted(set(wanted))
    series = (factor * 10**power for power in range(12) for factor in SERIES)
    return sorted({size for size in series if SMALLEST <= size < most} | {most})


class _Drawer:
    """Draws the frames of each role, subset by subset."""

    def __init__(self, pool: Pool, wanted: Wanted) -> None:
        self.pool, self.wanted = pool, wanted
        self.random = np.random.default_rng(wanted.seed)
        self.notes: list[str] = []
        self.role_of = self._fixed_groups()

    def _fixed_groups(self) -> dict[int, int]:
        """The role of each group that has frames whose role the user fixed."""
        pool = self.pool
        if pool.groups is None:
            return {}
        fixed = pool.roles != NONE
        pairs = np.unique(np.stack([pool.groups[fixed], pool.roles[fixed]], axis=1), axis=0)
        shared = len(pairs) - len(np.unique(pairs[:, 0]))
        if shared:
            raise DataError(
                f"{shared} values of {pool.group_name} have frames in two roles; leave --split-by "
                "out, or put all frames of one value in one role"
            )
        return {int(group): int(role) for group, role in pairs}

    def draw(self, subset: int) -> dict[int, Ints]:
        """Rows of each role of a subset, as ids in rank order."""
        pool = self.pool
        there = np.flatnonzero(pool.subsets == subset)
        free = there[pool.roles[there] == NONE]
        drawn = {role: there[pool.roles[there] == role] for role in range(len(ROLES))}
        free = self.random.permutation(free)
        only_test = len(drawn[TEST]) == len(there)
        fixed = [role for role in drawn if len(drawn[role])]
        name = pool.names[subset]
        for role, asked, part in (
            (TEST, self.wanted.test, TEST_PART),
            (VALID, self.wanted.valid, VALID_PART),
        ):
            if role in fixed:
                if asked is not None and len(pool.names) == 1:
                    self._check_fixed(name, role, asked, len(drawn[role]))
                continue
            count = asked if asked is not None else 0 if fixed else len(there) // part
            if count == 0 or only_test:
                continue
            if role == VALID and len(free) == 0 and TRAIN in fixed:
                drawn[VALID], drawn[TRAIN] = self._of_training(name, drawn[TRAIN], count)
                fixed.append(VALID)
                continue
            drawn[role], free = self._take(free, role, count)
            self._check_room(name, role, count, len(drawn[role]))
        if TRAIN not in fixed:
            drawn[TRAIN] = self._train(free)
        left = len(there) - sum(map(len, drawn.values()))
        if left:
            self.notes.append(f"{name}: {left} frames are in no split, and are left out")
        return {role: self._in_order(rows, role, role in fixed) for role, rows in drawn.items()}

    def _of_training(self, name: str, train: Ints, count: int) -> tuple[Ints, Ints]:
        """Take validation frames of the training frames: those, and what is left to train on."""
        groups = self.pool.groups
        if groups is not None:
            for group in np.unique(groups[train]).tolist():
                self.role_of.pop(group, None)
        valid, rest = self._take(self._ranked(train, TRAIN), VALID, count)
        self._check_room(name, VALID, count, len(valid) if len(rest) else 0)
        if groups is not None:
            self.role_of |= dict.fromkeys(np.unique(groups[rest]).tolist(), TRAIN)
        self.notes.append(f"{name}: the {count} validation frames are of the training frames")
        return valid, rest

    def _check_fixed(self, name: str, role: int, asked: int, there: int) -> None:
        if asked != there:
            raise UsageError(
                f"{name}/{ROLES[role]} has the {there} frames that you named; --{ROLES[role]} says "
                f"{asked}: leave it out"
            )

    def _check_room(self, name: str, role: int, asked: int, there: int) -> None:
        if there < asked:
            why = ""
            if self.pool.groups is not None:
                count = len(np.unique(self.pool.groups))
                why = (
                    f": the frames have {count} values of {self.pool.group_name}, "
                    "and each is in one role"
                )
            raise UsageError(
                f"--{ROLES[role]} {asked}: {name} has only {there} frames for it{why}; ask for "
                "fewer"
            )

    def _take(self, rows: Ints, role: int, count: int) -> tuple[Ints, Ints]:
        """Take some of the rows, whole groups where there are; the rows, and what is left."""
        if self.pool.groups is None:
            return rows[:count], rows[count:]
        groups = self.pool.groups[rows]
        _, first = np.unique(groups, return_index=True)
        taken = 0
        for group in groups[np.sort(first)].tolist():  # in random order, as the rows are
            if taken >= count:
                break
            if self.role_of.setdefault(group, role) == role:
                taken += int((groups == group).sum())
        ours = np.array([self.role_of.get(group) == role for group in groups.tolist()], bool)
        return rows[ours][:count], rows[~ours]

    def _train(self, rows: Ints) -> Ints:
        if self.pool.groups is not None:
            groups = self.pool.groups[rows].tolist()
            ours = [self.role_of.setdefault(group, TRAIN) == TRAIN for group in groups]
            rows = rows[np.array(ours, bool)]
        return rows[: max(self.wanted.train)] if self.wanted.train else rows

    def _ranked(self, rows: Ints, role: int) -> Ints:
        """Rows whose role the user fixed, first rank first: as given, or at random."""
        if role not in self.pool.order:
            return self.random.permutation(np.sort(rows))
        rank = {int(id_): i for i, id_ in enumerate(self.pool.order[role])}
        places = [rank.get(int(id_), len(rank)) for id_ in self.pool.ids[rows]]
        return rows[np.argsort(places, kind="stable")]

    def _in_order(self, rows: Ints, role: int, fixed: bool) -> Ints:
        """Ids in rank order; test sets, and what index files list, are as they were given."""
        if fixed and (role == TRAIN or role in self.pool.order):
            rows = self._ranked(rows, role)
        elif role == TEST or fixed:
            rows = np.sort(rows)
        return self.pool.ids[rows]
