"""Make the files of a dataset of the frames of one system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from teadata import own
from teadata.card import DatasetCard
from teadata.create import card as cards
from teadata.create import groups, labelling, splitting
from teadata.create.duplicates import first_alike
from teadata.create.options import Input, Options
from teadata.create.splitting import NONE, Pool
from teadata.create.stock import System, Taken
from teadata.dataset import Dataset
from teadata.errors import IncompleteError
from teadata.formats import hdf5
from teadata.frames import Frames
from teadata.splits import ROLES
from teadata.typing import Ints

SAME_ENERGY = 1e-3
"""Labels of one geometry that differ by more than this, in kcal/mol, contradict each other."""

USUAL = (3.0, 150.0)
"""Mean |F| of thermal structures in kcal/mol/Å, for all but hydrogen under pressure and minima."""


@dataclass(frozen=True)
class Built:
    """A dataset in a folder, and what is to be said about it."""

    card: DatasetCard
    folder: Path
    notes: list[str]


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
        If the frames do not suffice for the splits, or a group of atoms is none.
    DataError
        If frames contradict each other.
    """
    pool = labelling.pool(system, inputs, options, indices)
    pool, notes = _without_duplicates(pool, system, options)
    if not len(pool.ids):
        raise IncompleteError(f"no frames of {system.formula} are left")
    splits = splitting.make(pool, options.wanted)
    used = np.unique(np.concatenate(list(splits.table.members.values())))
    _write(folder / "frames.h5", system, used, pool, name, options)
    splits.table.write(folder / "splits.parquet")
    first = hdf5.read(folder / "frames.h5", used[:1])
    subset_of = {i: _what(inputs[i], options) for i in range(len(inputs))}
    made = cards.Ingredients(
        folder=folder,
        first=first,
        splits=splits.table,
        taken=[(item, subset_of[i]) for i, item in enumerate(taken)],
        sizes=splits.sizes,
        groups=groups.parse(options.groups, first),
        sampling=_sampling(pool, options),
    )
    card = cards.make(name, version, made, options)
    card = card.model_copy(update={"statistics": cards.statistics(Dataset(card, folder))})
    cards.write(folder / own.CARD, card)
    return Built(card, folder, [*notes, *splits.notes, *_about_forces(card)])


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


def _without_duplicates(pool: Pool, system: System, options: Options) -> tuple[Pool, list[str]]:
    """Leave out what is there twice; refuse what the user put in two roles."""
    all_ids = system.all_ids()

    def read(rows: Ints) -> Frames:
        return system.read(all_ids[rows])

    first = first_alike(system.signatures(), read)
    copies = np.flatnonzero(first != np.arange(len(first)))
    if not len(copies):
        return pool, []
    example = f"e.g. frames {all_ids[first[copies[0]]]} and {all_ids[copies[0]]}"
    between = int(
        (np.concatenate(system.files)[copies] != np.concatenate(system.files)[first[copies]]).sum()
    )
    where = f", {between} of them in two files" if between else ""
    notes = [f"{len(copies)} frames are copies of others{where}, {example}"]
    energies = np.concatenate(system.energies)
    gap = np.abs(energies[copies] - energies[first[copies]])
    if (gap > SAME_ENERGY).any():
        notes.append(
            f"the energies of {int((gap > SAME_ENERGY).sum())} copies are not those of the same "
            f"geometry elsewhere: they differ by up to {gap.max():.3g} kcal/mol"
        )
    if options.duplicates == "keep":
        return pool, [*notes, "they are kept: teadata verify will report them"]
    crossing = splitting.crossing(first, pool.roles)
    if crossing and options.duplicates == "refuse":
        pairs = "; ".join(
            f"{count} geometries are in both {ROLES[one]} and {ROLES[other]}"
            for one, other, count in crossing
        )
        raise IncompleteError(
            f"{pairs} ({example}), and a test on training frames tests nothing; --duplicates drop "
            "takes them out of the training, then out of the validation frames; --duplicates keep "
            "leaves all as it is",
            ["--duplicates", "drop"],
        )
    kept = _kept(first, pool.roles)
    dropped = len(first) - len(kept)
    return _rows(pool, kept), [*notes, f"{dropped} copies are left out"]


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


def _write(path: Path, system: System, used: Ints, pool: Pool, name: str, options: Options) -> None:
    """Write the frames in use, by id; a stock that holds just these becomes the file."""
    theory = options.theory or "unknown"
    shelves = list(system.shelves.values())
    whole = len(shelves) == 1 and pool.groups is None
    if whole and np.array_equal(np.concatenate(shelves[0].ids), used):
        import h5py

        with h5py.File(shelves[0].path, "r+") as file:
            file.attrs["name"], file.attrs["theory"] = name, theory
        shelves[0].path.rename(path)
        return
    rank = np.argsort(pool.ids)
    with hdf5.Writer(path, name=name, theory=theory) as writer:
        for frames in system.pieces(used):
            if pool.groups is not None:
                rows = rank[np.searchsorted(pool.ids, frames.ids, sorter=rank)]
                frames = replace(frames, trajectories=pool.groups[rows])
            writer.append(frames)


def _about_forces(card: DatasetCard) -> list[str]:
    """A word about forces of a size that thermal structures do not have."""
    if not card.statistics:
        return ["there are no test frames: nothing can be scored on this dataset"]
    mean = next(iter(card.statistics.values())).mean_abs_force
    if USUAL[0] <= mean <= USUAL[1]:
        return []
    return [
        f"the mean |F| of the test frames is {mean:.3g} kcal/mol/Å, and structures at some hundred "
        f"kelvin have {USUAL[0]:g} to {USUAL[1]:g}: check the units"
    ]
