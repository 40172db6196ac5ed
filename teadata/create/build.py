"""Make the files of a dataset of the frames of one system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from teadata import own
from teadata.card import UNKNOWN, DatasetCard
from teadata.create import card as cards
from teadata.create import copies, groups, labelling, splitting, theory
from teadata.create.options import Input, Options
from teadata.create.splitting import NONE, Pool
from teadata.create.stock import System, Taken
from teadata.dataset import Dataset
from teadata.formats import hdf5
from teadata.splits import SplitTable
from teadata.typing import Ints

USUAL = (3.0, 150.0)
"""Mean |F| of thermal structures in kcal/mol/Å, for all but hydrogen under pressure and minima."""


@dataclass(frozen=True)
class Built:
    """A dataset in a folder, what is to be said about it, and what is to be looked at."""

    card: DatasetCard
    folder: Path
    notes: list[str]
    warnings: list[str]


def build(
    name: str,
    version: str,
    folder: Path,
    system: System,
    inputs: Sequence[Input],
    options: Options,
    *,
    taken: Sequence[Taken],
    indices: Mapping[str, Ints],
) -> Built:
    """Write frames, splits and card of a dataset into a folder.

    Parameters
    ----------
    name, version
        Of the dataset.
    folder
        An empty folder.
    system
        Its frames.
    inputs, taken
        The user's files, and what was read from each.
    options
        What the user says.
    indices
        Frames of each role that index files list.

    Raises
    ------
    UsageError
        If there are too few frames for the splits, or a group of atoms is not valid.
    IncompleteError
        If the files state several levels of theory.
    DataError
        If frames contradict each other.
    """
    level, said = theory.settle(system, taken, options.theory)
    options = replace(options, theory=level)
    pool = labelling.pool(system, inputs, options, indices)
    sifted = copies.leave_out(pool, system, options.duplicates)
    pool = sifted.pool
    splits = splitting.make(pool, options.wanted)
    used = np.unique(np.concatenate(list(splits.table.members.values())))
    _write(folder / "frames.h5", system, used, pool, name, options)
    splits.table.write(folder / "splits.parquet")
    first = hdf5.read(folder / "frames.h5", used[:1])
    counts = np.bincount(np.concatenate(system.files), minlength=len(inputs)).tolist()
    made = cards.Ingredients(
        folder=folder,
        first=first,
        splits=splits.table,
        taken=[
            (replace(item, frames=count), _what(given, options))
            for item, given, count in zip(taken, inputs, counts, strict=True)
            if count
        ],
        sizes=splits.sizes,
        groups=groups.parse(options.groups, first),
        sampling=_sampling(pool, options),
        state=system.state,
    )
    card = cards.make(name, version, made, options)
    card = card.model_copy(update={"statistics": cards.statistics(Dataset(card, folder))})
    cards.write(folder / own.CARD, card)
    if system.state:
        said = [
            *said,
            f"{system.state}: a model that has to know it must be told (PhysNet: total_charge)",
        ]
    notes = [*said, *system.left_out(), *sifted.notes, *splits.notes]
    return Built(card, folder, notes, [*sifted.warnings, *_warnings(card, splits.table)])


def _what(item: Input, options: Options) -> str:
    """What a file was taken for, as the card has it."""
    if options.subset_key is not None:
        return "-"
    return item.subset if item.role is None else f"{item.subset}/{item.role}"


def _sampling(pool: Pool, options: Options) -> str:
    """How the splits were made, in words."""
    ways = [f"indices of {path.name} ({role})" for role, path in options.indices.items()]
    if options.role_key is not None:
        ways.append(f"roles by the key {options.role_key}")
    elif not ways and (pool.roles != NONE).any():
        ways.append("roles by file")
    kept = f", all frames of one {pool.group_name} in one role" if pool.groups is not None else ""
    drawn = f"at random with seed {options.wanted.seed}{kept}"
    return f"Splits: {'; '.join([*ways, f'the rest {drawn}' if ways else drawn])}."


def _write(path: Path, system: System, used: Ints, pool: Pool, name: str, options: Options) -> None:
    """Write the frames in use, by id; a stock that holds just these becomes the file."""
    level = options.theory or UNKNOWN
    shelves = list(system.shelves.values())
    whole = len(shelves) == 1 and pool.groups is None
    if whole and np.array_equal(np.concatenate(shelves[0].ids), used):
        import h5py

        with h5py.File(shelves[0].path, "r+") as file:
            file.attrs["name"], file.attrs["theory"] = name, level
        shelves[0].path.rename(path)
        return
    rank = np.argsort(pool.ids)
    with hdf5.Writer(path, name=name, theory=level) as writer:
        for frames in system.pieces(used):
            if pool.groups is not None:
                rows = rank[np.searchsorted(pool.ids, frames.ids, sorter=rank)]
                frames = replace(frames, trajectories=pool.groups[rows])
            writer.append(frames)


def _warnings(card: DatasetCard, splits: SplitTable) -> list[str]:
    """What keeps commands from working, and forces of an unusual size."""
    found = []
    if not any(splits.count(subset, "valid") for subset in card.subsets):
        found.append("there are no validation frames, which baselines train needs: --valid N")
    if not card.statistics:
        return [*found, "there are no test frames: nothing can be scored on this dataset"]
    mean = next(iter(card.statistics.values())).mean_abs_force
    if not USUAL[0] <= mean <= USUAL[1]:
        found.append(
            f"the mean |F| of the test frames is {mean:.3g} kcal/mol/Å, and structures at some "
            f"hundred kelvin have {USUAL[0]:g} to {USUAL[1]:g}: check the units, also "
            "that of forces (--force-unit)"
        )
    return found
