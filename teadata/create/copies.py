"""Frames that are there twice: said, left out, or refused where the user put them in two roles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from teadata.create.options import Duplicates
from teadata.create.splitting import Pool
from teadata.create.stock import System
from teadata.errors import IncompleteError
from teadata.frames import Frames
from teadata.splits import ROLES
from teadata.structure.duplicates import first_alike
from teadata.typing import Floats, Ints

SAME_ENERGY = 1e-3
"""Labels of one geometry that differ by more than this, in kcal/mol, contradict each other."""


@dataclass(frozen=True)
class Sifted:
    """Frames without copies, and what is to be said about those."""

    pool: Pool
    notes: list[str]
    warnings: list[str]


def leave_out(pool: Pool, system: System, duplicates: Duplicates) -> Sifted:
    """Leave out copies of frames.

    Parameters
    ----------
    pool
        The frames.
    system
        Where they are read from.
    duplicates
        What is done with a geometry that the user put in two roles.

    Raises
    ------
    IncompleteError
        If there is one, and that is to be refused.
    """
    all_ids = system.all_ids()

    def read(rows: Ints) -> Frames:
        return system.read(all_ids[rows])

    first = first_alike(system.signatures(), read)
    copies = np.flatnonzero(first != np.arange(len(first)))
    if not len(copies):
        return Sifted(pool, [], [])
    files = np.concatenate(system.files)
    between = int((files[copies] != files[first[copies]]).sum())
    example = f"e.g. frames {all_ids[first[copies[0]]]} and {all_ids[copies[0]]}"
    where = f", {between} of them in two files" if between else ""
    notes = [f"{len(copies)} frames are copies of others{where}, {example}"]
    energies = np.concatenate(system.energies)
    warnings = list(_contradictions(energies[copies] - energies[first[copies]]))
    if duplicates == "keep":
        warnings.append("copies are kept: teadata verify will report them")
        return Sifted(pool, notes, warnings)
    if duplicates == "refuse":
        _refuse_crossing(first, pool.roles, example)
    kept = _kept(first, pool.roles)
    notes.append(f"{len(first) - len(kept)} copies are left out")
    return Sifted(_rows(pool, kept), notes, warnings)


def _contradictions(differences: Floats) -> Iterator[str]:
    gap = np.abs(differences)
    if (gap > SAME_ENERGY).any():
        yield (
            f"the energies of {int((gap > SAME_ENERGY).sum())} copies are not those of the same "
            f"geometry elsewhere: they differ by up to {gap.max():.3g} kcal/mol"
        )


def _refuse_crossing(first: Ints, roles: Ints, example: str) -> None:
    """Refuse geometries that the user put in two roles."""
    crossing = []
    for one, other in combinations(range(len(ROLES)), 2):
        shared = np.intersect1d(first[roles == one], first[roles == other])
        if len(shared):
            crossing.append(f"{len(shared)} geometries are in both {ROLES[one]} and {ROLES[other]}")
    if crossing:
        raise IncompleteError(
            f"{'; '.join(crossing)} ({example}), and a test on training frames tests nothing; "
            "--duplicates drop takes them out of the training, then out of the validation frames; "
            "--duplicates keep leaves all as it is",
            ["--duplicates", "drop"],
        )


def _kept(first: Ints, roles: Ints) -> Ints:
    """One row of each geometry: that of the test set, else of validation, of training, or any."""
    order = np.lexsort([np.arange(len(first)), -roles, first])
    _, place = np.unique(first[order], return_index=True)
    rows: Ints = np.sort(order[place])
    return rows


def _rows(pool: Pool, rows: Ints) -> Pool:
    return replace(
        pool,
        ids=pool.ids[rows],
        subsets=pool.subsets[rows],
        roles=pool.roles[rows],
        groups=None if pool.groups is None else pool.groups[rows],
    )
