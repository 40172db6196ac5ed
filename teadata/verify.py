"""Checks of a dataset: files against the card, arrays, duplicates, leaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from teadata.card import DataFile
from teadata.dataset import Dataset
from teadata.dynamics import SimulationFile, reference_simulations
from teadata.errors import TeaError
from teadata.provenance import sha256
from teadata.splits import ROLES
from teadata.structure.duplicates import copies
from teadata.typing import Ints


@dataclass(frozen=True)
class Check:
    """Outcome of one check: its name, whether it passed, and what was found."""

    name: str
    passed: bool
    found: str


def _check_file(entry: DataFile | SimulationFile, path: Path) -> Check:
    name = f"file {entry.name}"
    if not path.is_file():
        return Check(name, False, f"missing: {path}")
    size = path.stat().st_size
    if size != entry.bytes:
        return Check(name, False, f"{size} bytes, the card says {entry.bytes}")
    digest = sha256(path)
    if digest != entry.sha256:
        return Check(name, False, f"sha256 {digest}, the card says {entry.sha256}")
    return Check(name, True, f"{size} bytes, sha256 {digest[:12]}… as in the card")


def _check_system(dataset: Dataset) -> Check:
    frames, system = dataset.frames, dataset.card.system
    actual = (frames.formula, frames.n_atoms, set(frames.symbols), frames.periodic)
    expected = (system.formula, system.n_atoms, set(system.elements), system.periodic)
    text = f"{len(frames)} frames of {frames.formula}, {frames.n_atoms} atoms"
    return Check("system", actual == expected, text)


def _check_finite(dataset: Dataset) -> Check:
    arrays = {name: getattr(dataset.frames, name) for name in ("positions", "energies", "forces")}
    bad = [
        f"{(~np.isfinite(array)).sum()} values of {name}"
        for name, array in arrays.items()
        if not np.isfinite(array).all()
    ]
    return Check("finite values", not bad, ", ".join(bad) or "no NaN, no infinity")


def _check_duplicates(dataset: Dataset) -> Check:
    frames = dataset.frames
    later, earlier = copies(frames)
    text = "every geometry occurs once"
    if len(later):
        example = f"e.g. frames {frames.ids[earlier[0]]} and {frames.ids[later[0]]}"
        text = f"{len(later)} frames are copies of others, {example}"
    return Check("duplicate frames", len(later) == 0, text)


def _check_splits(dataset: Dataset) -> Check:
    splits, card = dataset.splits, dataset.card
    problems = []
    if set(splits.subsets) != set(card.subsets):
        problems.append(f"subsets {splits.subsets}, the card says {list(card.subsets)}")
    for (subset, role), ids in splits.members.items():
        if len(np.unique(ids)) != len(ids):
            problems.append(f"{subset}/{role} names a frame twice")
        if not np.isin(ids, dataset.frames.ids).all():
            problems.append(f"{subset}/{role} names frames that do not exist")
        if role == "train" and len(ids) < max(card.sizes, default=0):
            problems.append(f"{subset}/{role} has {len(ids)} frames, fewer than {max(card.sizes)}")
    counts = ", ".join(f"{s}/{r} {len(ids)}" for (s, r), ids in splits.members.items())
    return Check("split table", not problems, "; ".join(problems) or counts)


def _pooled(dataset: Dataset, values: Ints) -> dict[str, Ints]:
    """Distinct values of the frames in each role, over all subsets."""
    pooled = {}
    for role in ROLES:
        members = [ids for (_, r), ids in dataset.splits.members.items() if r == role]
        used = np.isin(dataset.frames.ids, np.concatenate(members)) if members else slice(0)
        pooled[role] = np.unique(values[used])
    return pooled


def _check_leaks(dataset: Dataset) -> Check:
    """Check that no frame, and no trajectory if they are known, is in two roles."""
    kinds = {"frames": dataset.frames.ids}
    if dataset.frames.trajectories is not None:
        kinds["trajectories"] = dataset.frames.trajectories
    problems = []
    for kind, values in kinds.items():
        pooled = _pooled(dataset, values)
        for first, second in combinations(ROLES, 2):
            shared = np.intersect1d(pooled[first], pooled[second])
            if len(shared):
                problems.append(f"{len(shared)} {kind} in both {first} and {second}")
    text = f"no {' and no '.join(kinds)} in two of {', '.join(ROLES)}, over all subsets"
    return Check("leaks", not problems, "; ".join(problems) or text)


def verify(dataset: Dataset) -> Iterator[Check]:
    """Run every check of a dataset, and yield each outcome as it is known.

    A file that fails ends the run: the arrays of a damaged file are not looked at.
    """
    entries = [dataset.card.file(content) for content in ("frames", "splits")]
    files = [_check_file(entry, dataset.path(entry)) for entry in entries]
    yield from files
    if not all(check.passed for check in files):
        return
    checks: dict[str, Callable[[Dataset], Check]] = {
        "system": _check_system,
        "finite values": _check_finite,
        "duplicate frames": _check_duplicates,
        "split table": _check_splits,
        "leaks": _check_leaks,
    }
    for name, check in checks.items():
        try:
            yield check(dataset)
        except TeaError as error:
            yield Check(name, False, str(error))
    yield from _check_simulations(dataset)


def _check_simulations(dataset: Dataset) -> Iterator[Check]:
    """The simulations by the engine of the labels, where some come with the dataset."""
    try:
        simulations = reference_simulations(dataset)
    except TeaError as error:
        yield Check("reference simulations", False, str(error))
        return
    for entry in simulations.files if simulations else ():
        yield _check_file(entry, dataset.root / entry.name)
