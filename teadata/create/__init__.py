"""Datasets of a user's own: files of labelled frames become a dataset with card and splits."""

from __future__ import annotations

import os
import shlex
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from teadata import own
from teadata.card import DatasetCard
from teadata.create import index_files, labelling, names, systems
from teadata.create.build import Built, build
from teadata.create.fields import is_virial, of_another_source
from teadata.create.options import COMPLETE, Input, Options
from teadata.create.reading import few, files_in, labels, open_frames
from teadata.create.same import same_data
from teadata.create.stock import Stock
from teadata.errors import DataError, IncompleteError, UsageError, expect
from teadata.files import recover, staging
from teadata.splits import ROLES
from teadata.typing import Progress, no_progress

__all__ = ["Created", "Input", "Options", "create", "removable", "remove"]

COARSE = 1e-3
"""Energies in single precision whose neighbouring values are further apart than this, in kcal/mol,
are refused."""


Files = Sequence[Input | Path | str] | Input | Path | str
"""Files of frames: their paths, or what is said of each; or one of them."""


@dataclass(frozen=True)
class Created:
    """A dataset that was made, or was here already.

    ``notes`` are to be known, ``warnings`` to be looked at; ``new`` is whether it was made.
    """

    card: DatasetCard
    root: Path
    notes: list[str]
    warnings: list[str]
    new: bool


def create(
    name: str,
    inputs: Files,
    options: Options | None = None,
    version: str | None = None,
    progress: Progress = no_progress,
) -> list[Created]:
    """Make a dataset of the user's files; with ``each``, one of each system in them.

    Parameters
    ----------
    name
        Its name; with ``each``, what the names begin with.
    inputs
        The files, or one; an :class:`Input` also says what its file holds.
    options
        What the files do not say themselves.
    version
        Its version; by default 0.1.0.
    progress
        Told how many files were read.

    Raises
    ------
    UsageError
        If the name or version cannot be taken, or something is asked for that is not there.
    IncompleteError
        If something must be said that only the user knows.
    DataError
        If a file is damaged, or its frames contradict each other.
    """
    options = options or Options()
    files = [whole for item in _each(inputs) for whole in files_in(item)]
    _check(name, files, options, version)
    only = systems.parse(options.system)
    with _folder() as place:
        (place / "stock").mkdir()
        stock = Stock(
            place / "stock",
            options.energy_unit,
            options.length_unit,
            options.force_unit,
            system=only,
        )
        wanted = [key for key in (options.subset_key, options.role_key) if key is not None]
        if options.split_by not in (None, labelling.FILE):
            wanted.append(str(options.split_by))
        for i, (item, label) in enumerate(zip(files, labels(files), strict=True)):
            progress(f"reading {label}", i, len(files))
            stock.add(open_frames(item.path, options.keys, wanted, only), label)
        progress("making the dataset", len(files), len(files))
        stock.finish()
        indices = index_files.read_indices(options, stock.frames)
        chosen = systems.choose(stock, options.system, options.each)
        if not options.accept_float32:
            _check_precision(stock)
        made = []
        for label, system in chosen:
            whole = f"{name}-{systems.suffix(label)}" if options.each else name
            names.check_name(whole)
            folder = place / whole
            folder.mkdir()
            made.append(
                build(whole, version or names.FIRST, folder, system, files, options,
                      taken=stock.taken, indices=indices)
            )  # fmt: skip
        notes = list(_said(stock, options))
        known = [_already_here(built) for built in made]
        return [_placed(built, there, notes) for built, there in zip(made, known, strict=True)]


def _each(given: Files) -> Iterator[Input]:
    """The files of a list, or the one that is given."""
    expected = "paths of files of frames, or Inputs"
    expect(given, (Input, str, Path, Iterable), expected)
    for item in [given] if isinstance(given, Input | str | Path) else given:
        expect(item, (Input, str, Path), expected)
        yield item if isinstance(item, Input) else Input(Path(item))


def _check(name: str, inputs: Sequence[Input], options: Options, version: str | None) -> None:
    """Refuse what cannot be made, before anything is read."""
    names.check_name(name)
    if version is not None:
        names.check_version(name, version)
    if not inputs:
        raise UsageError("no files: name at least one file of frames")
    for item in inputs:
        labelling.check_subset(item.subset)
        if item.role is not None and item.role not in ROLES:
            raise UsageError(f"{item.role!r} is no role; expected one of {', '.join(ROLES)}")
        if not item.path.exists():
            raise UsageError(f"{item.path}: no such file")
    counts = Counter(item.path.resolve() for item in inputs)
    if twice := [str(path) for path, count in counts.items() if count > 1]:
        raise UsageError(f"{twice[0]} is named twice; name each file once")
    roles = any(item.role is not None for item in inputs)
    subsets = any(item.subset != COMPLETE for item in inputs)
    for both, said in (
        (options.each and options.system is not None, "either --system or --each"),
        (roles and options.role_key is not None, "either --role or --role-key"),
        (subsets and options.subset_key is not None, "either --subset or --subset-key"),
    ):
        if both:
            raise UsageError(f"{said}, not both")


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder beside the user's datasets to make one in; one process at a time."""
    from filelock import FileLock

    root = own.folder()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".lock"), staging(root) as place:
            yield place
    except OSError as error:
        raise DataError(
            f"{root}: cannot be written ({error.strerror or error}); make room there, or set "
            "TEADATA_HOME to another folder"
        ) from None


def _check_precision(stock: Stock) -> None:
    for item in stock.taken:
        if not item.reader.told.single:
            continue
        largest = max(
            float(np.abs(np.concatenate(system.energies)).max())
            for system in stock.systems.values()
        )
        gap = float(np.spacing(np.float32(largest)))
        if gap > COARSE:
            raise IncompleteError(
                f"{item.path}: its energies are in single precision, where values near "
                f"{largest:.6g} kcal/mol are {gap:.2g} kcal/mol apart; write them in double "
                "precision, or take them as they are with --accept-float32",
                ["--accept-float32"],
            )


def _said(stock: Stock, options: Options) -> Iterator[str]:
    """What the user should know of the files."""
    for item in stock.taken:
        told = item.reader.told
        yield from (f"{item.label}: {note}" for note in told.notes)
        if told.unused:
            yield (
                f"{item.label}: energies are {told.names['energies']}, forces "
                f"{told.names['forces']}; not taken: {', '.join(told.unused)}"
            )
        virials = [name for name in told.unused if is_virial(name)]
        if virials and "stress" not in told.names:
            yield (
                f"{item.label}: the dataset has no stress, as {virials[0]} is none; if it is as "
                "QUIP, MACE and DeePMD-kit have it, an energy that is positive under compression, "
                f"make the dataset again with --virial-key {shlex.quote(virials[0])}"
            )
        taken = [
            told.names[field]
            for field in ("energies", "forces")
            if getattr(options.keys, field) is None
            and of_another_source(field, told.names.get(field, ""))
        ]
        if taken:
            yield (
                f"{item.label}: {' and '.join(taken)} are taken for the labels, because there "
                "are no others; if they are a model's predictions, this dataset has no reference"
            )
    if assumed := [item.label for item in stock.taken if item.assumed]:
        yield f"no unit of length is stated, and taken for Å (--length-unit), in {few(assumed)}"
    runs = [item for item in stock.taken if item.reader.told.trajectory]
    if runs and options.split_by is None and not options.indices:
        key = runs[0].reader.told.trajectory
        everywhere = all(item.reader.told.trajectory == key for item in stock.taken)
        yield (
            f"frames of one trajectory are alike, and each has a key {key!r}; --split-by "
            f"{key if everywhere else labelling.FILE} keeps those of one "
            f"{key if everywhere else 'file'} in one role: {few([item.label for item in runs])}"
        )


def _already_here(built: Built) -> str | None:
    """The version that has the same frames and splits, or None if this one is new.

    Raises
    ------
    IncompleteError
        If another dataset has this version; the message has the next.
    """
    name, version = built.card.id, built.card.version
    there = own.versions(name)
    for known in reversed(there):
        if same_data(own.root(name, known), built.folder):
            return known
    if version in there:
        following = names.following(there[-1])
        raise IncompleteError(
            f"{name}@{version} is here, with other frames, splits or groups, and a version never "
            f"changes; make the next one with --version {following}",
            ["--version", following],
        )
    return None


def _placed(built: Built, known: str | None, notes: list[str]) -> Created:
    name, notes = built.card.id, [*notes, *built.notes]
    if known is not None:
        root = own.root(name, known)
        return Created(DatasetCard.read(root / own.CARD), root, notes, built.warnings, new=False)
    root = own.root(name, built.card.version)
    root.parent.mkdir(exist_ok=True)
    os.replace(built.folder, root)
    return Created(built.card, root, notes, built.warnings, new=True)


def remove(name: str, version: str | None = None) -> list[Path]:
    """Remove one version of a user's own dataset, or all if none is named.

    Returns
    -------
    list of Path
        The folders that are gone.

    Raises
    ------
    UsageError
        If there is no such dataset, or it is one of the package's.
    DataError
        If it cannot be removed.
    """
    roots = removable(name, version)
    folder = own.folder()
    try:
        recover(folder)
        with staging(folder) as place:
            for i, root in enumerate(roots):
                os.replace(root, place / f"{i:04d}")
        if not own.versions(name):
            shutil.rmtree(folder / name, ignore_errors=True)
    except OSError as error:
        raise DataError(f"{folder / name}: cannot be removed ({error.strerror or error})") from None
    return roots


def removable(name: str, version: str | None = None) -> list[Path]:
    """The folders that :func:`remove` would remove.

    Raises
    ------
    UsageError
        If there is no such dataset, or it is one of the package's.
    """
    from teadata import catalog
    from teadata.errors import unknown_name

    if name in catalog.packaged_ids():
        raise UsageError(
            f"{name} is one of this package's datasets, and is not removed; `teadata list` shows "
            "which are your own"
        )
    there = own.versions(name)
    if not there:
        known = own.names() or ["(there is none)"]
        raise unknown_name("dataset of your own", name, known, "teadata list")
    if version is not None and version not in there:
        raise unknown_name(f"version of {name}", version, there)
    return [own.root(name, known) for known in there if version in (None, known)]
