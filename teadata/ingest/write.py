"""Write assigned files as a dataset: each geometry once, and a table of splits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, groupby
from pathlib import Path
from typing import Any

import numpy as np

from teadata.card import DatasetCard
from teadata.errors import DataError
from teadata.formats import hdf5
from teadata.frames import Frames
from teadata.ingest.molecules import groups
from teadata.ingest.plan import Assigned
from teadata.splits import ROLES, SplitTable
from teadata.typing import Ints

SAME_ENERGY = 1e-6
"""Relative tolerance for the energies of one geometry in two files (units are converted)."""


class Store:
    """Frames of several files, each geometry once.

    Parameters
    ----------
    writer
        What new frames are written to.
    optional
        Fields that all files have.
    """

    def __init__(self, writer: hdf5.Writer, optional: frozenset[str]) -> None:
        self.writer = writer
        self.optional = optional
        self.count = 0
        self.keys = np.empty(0, np.uint64)  # sorted digests, and the id of the frame of each
        self.ids: Ints = np.empty(0, np.int64)
        self.energies = np.empty(0)

    def add(self, item: Assigned) -> Ints:
        """Store the frames of a file that are new; returns the ids of all its frames, in order.

        Raises
        ------
        DataError
            If a geometry that another file has too has another energy here.
        """
        ids, keys, energies, start = [], [], [], 0
        wanted = None if item.rows is None else np.sort(item.rows)
        for piece in item.source.pieces():
            count = len(piece["energies"])
            if wanted is not None:
                rows = wanted[(wanted >= start) & (wanted < start + count)] - start
                piece = {name: array[rows] for name, array in piece.items()}
            start += count
            if not len(piece["energies"]):
                continue
            frames = self.frames(item, piece)
            key = _digests(frames)
            known = self._known(key, frames, item)
            first = _first_of_each(key)
            new = np.flatnonzero((known < 0) & first)
            known[new] = self.count + np.arange(len(new))
            known = _as_the_first(key, known)
            if len(new):
                self.writer.append(replace(frames[new], ids=known[new]))
            self.count += len(new)
            ids.append(known)
            keys.append(key[new])
            energies.append(frames.energies[new])
        fresh = np.concatenate(keys)
        before = len(self.energies)
        self.energies = np.concatenate([self.energies, *energies])
        merged = np.concatenate([self.keys, fresh])
        order = np.argsort(merged, kind="stable")
        self.keys = merged[order]
        self.ids = np.concatenate([self.ids, before + np.arange(len(fresh))])[order]
        found = np.concatenate(ids)
        if item.rows is None:
            return found
        return found[np.argsort(np.argsort(item.rows, kind="stable"), kind="stable")]

    def _known(self, key: np.ndarray, frames: Frames, item: Assigned) -> Ints:
        """Ids of the frames that were stored before, −1 for new ones."""
        if len(self.keys) == 0:
            return np.full(len(key), -1)
        place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        known = np.where(self.keys[place] == key, self.ids[place], -1)
        rows = np.flatnonzero(known >= 0)
        gap = np.abs(self.energies[known[rows]] - frames.energies[rows])
        wrong = rows[gap > SAME_ENERGY * np.abs(frames.energies[rows])]
        if len(wrong):
            raise DataError(
                f"{item.source.label}: {len(wrong)} geometries have another energy here than in "
                "the files before it; ingest files of one level of theory, in their right units"
            )
        return known

    def frames(self, item: Assigned, piece: dict[str, Any]) -> Frames:
        """Convert a piece to kcal/mol and Å."""
        header, factors = item.source.header, item.units.factors
        frames = Frames(
            numbers=header.numbers,
            positions=np.multiply(piece["positions"], factors["positions"], dtype=np.float64),
            energies=np.multiply(
                piece["energies"].reshape(-1), factors["energies"], dtype=np.float64
            ),
            forces=np.multiply(piece["forces"], factors["forces"], dtype=np.float64),
            pbc=header.pbc if header.pbc and "cell" in self.optional else (False,) * 3,
            **{
                name: np.multiply(piece[name], factors.get(name, 1.0), dtype=np.float64)
                for name in self.optional
            },
        )
        labels = ("positions", "energies", "forces", *sorted(self.optional))
        bad = [name for name in labels if not _finite(getattr(frames, name))]
        if bad:
            raise DataError(
                f"{item.source.label}: NaN or infinity in {' and '.join(bad)}; take these frames "
                "out, or the whole array where frames need not have it"
            )
        if frames.cell is not None and frames.pbc.all() and not frames.volumes.all():
            raise DataError(
                f"{item.source.label}: its frames are periodic, and their cell has no volume; take "
                "the lattice out if they are not, or state pbc"
            )
        return frames


def _first_of_each(key: np.ndarray) -> np.ndarray:
    """Which frames (N,) are the first of their geometry in a piece."""
    first = np.zeros(len(key), dtype=bool)
    first[np.unique(key, return_index=True)[1]] = True
    return first


def _as_the_first(key: np.ndarray, known: Ints) -> Ints:
    """Ids (N,), those of repeated geometries the first one's."""
    _, place, inverse = np.unique(key, return_index=True, return_inverse=True)
    ids: Ints = known[place][inverse.reshape(-1)]
    return ids


def _finite(array: np.ndarray) -> bool:
    return bool(np.isfinite(array).all())


def _digests(frames: Frames) -> np.ndarray:
    """64 bits of BLAKE2 of each frame's positions and cell, (N,)."""
    rows = frames.positions.reshape(len(frames), -1)
    if frames.cell is not None:
        rows = np.concatenate([rows, frames.cell.reshape(len(frames), -1)], axis=1)
    rows = np.ascontiguousarray(rows) + 0.0  # makes −0 equal to 0
    digests = b"".join(hashlib.blake2b(row.data, digest_size=8).digest() for row in rows)
    return np.frombuffer(digests, np.uint64)


def _order(item: Assigned, card: DatasetCard) -> tuple[int, int, int]:
    """Subset by subset, role by role, small files first."""
    subset = list(card.subsets).index(item.claim.subset)
    return subset, ROLES.index(item.claim.role), item.count


def _ranks(items: Sequence[Assigned], ids: Sequence[Ints], name: str) -> Ints:
    """Ids of a subset's role, first rank first.

    Files whose names say their size are nested, the small ones first; others are parts.

    Raises
    ------
    DataError
        If they are neither.
    """
    labels = [item.label for item in items]
    ids = [_once(each) for each in ids]
    sized = [item.claim.size is not None for item in items]
    if not all(sized):
        ranks = np.concatenate(list(ids))
        if len(np.unique(ranks)) < len(ranks) and len(items) > 1:
            raise DataError(
                f"{', '.join(labels)} are all {name} and share frames, but are no nested sizes; "
                "leave some out, or say the sizes with --map"
            )
        return ranks
    ranks = ids[0]
    for k in range(1, len(items)):
        missing = ~np.isin(ranks, ids[k])
        if missing.any():
            raise DataError(
                f"{labels[k]}: of the {len(ranks)} frames of {labels[k - 1]} it lacks "
                f"{int(missing.sum())}; sizes of one split must be nested: leave one of them out"
            )
        ranks = np.concatenate([ranks, ids[k][~np.isin(ids[k], ranks)]])
    return ranks


def write(
    path: Path, assigned: Sequence[Assigned], card: DatasetCard
) -> tuple[SplitTable, dict[str, list[list[int]]], list[str]]:
    """Write the frames of all files, each geometry once.

    Parameters
    ----------
    path
        HDF5 file to write.
    assigned
        Files of one system.
    card
        The dataset's card.

    Returns
    -------
    splits, groups, notes
        The split table, the molecules of the card's groups, and which geometries are there several
        times.

    Raises
    ------
    DataError
        If a file is damaged or contradicts another.
    """
    items = sorted(assigned, key=lambda item: _order(item, card))
    optional = frozenset.intersection(*(item.source.header.optional for item in items))
    members, molecules, notes = {}, {}, []
    with hdf5.Writer(path, name=card.id, theory=card.level_of_theory.method) as writer:
        store = Store(writer, optional)
        for key, same in groupby(items, key=lambda item: (item.claim.subset, item.claim.role)):
            part = list(same)
            ids = [store.add(item) for item in part]
            notes += _repeated(part, ids)
            members[key] = _ranks(part, ids, "/".join(key))
        if card.system.molecules:
            first = store.frames(items[0], next(items[0].source.pieces()))[0]
            molecules = groups(first, card.system.molecules)
    return SplitTable(members), molecules, notes + _shared(members)


def _once(ids: Ints) -> Ints:
    """The ids, each where it is first."""
    return ids[np.sort(np.unique(ids, return_index=True)[1])]


def _repeated(items: Sequence[Assigned], ids: Sequence[Ints]) -> list[str]:
    """Say which files hold geometries several times."""
    return [
        f"{item.label}: {len(each) - len(np.unique(each))} geometries are there more than once; "
        "each is taken once"
        for item, each in zip(items, ids, strict=True)
        if len(np.unique(each)) < len(each)
    ]


def _shared(members: Mapping[tuple[str, str], Ints]) -> list[str]:
    """Say which roles of a subset share frames."""
    notes = []
    for (one, first), (other, second) in combinations(members, 2):
        count = len(np.intersect1d(members[one, first], members[other, second]))
        if one == other and count:
            notes.append(
                f"{count} geometries of {one}/{second} are also in {one}/{first}; errors on them "
                "say little"
            )
    return notes
