"""Ingest official data: recognise and check the user's files, and store them as a dataset."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from teadata import catalog
from teadata.arrays import suffix_of
from teadata.card import DataFile, DatasetCard, Ingested, SourceFile
from teadata.errors import DataError, UsageError
from teadata.files import recover, replace_folder, staging, write_text
from teadata.ingest.archives import PassedOver, find, given_files
from teadata.ingest.naming import PASS, Claim, choose, stated_roles
from teadata.ingest.parts import Part, find_parts
from teadata.ingest.plan import Assigned, Options, assign, draft, passed_by_map, select
from teadata.ingest.sources import NotFramesError, Source
from teadata.ingest.write import write
from teadata.provenance import sha256
from teadata.splits import SplitTable

__all__ = ["Draft", "Ingestion", "Options", "ingest", "look"]


@dataclass(frozen=True)
class Ingestion:
    """What was ingested: the dataset's card, what each file was taken for, files passed over.

    ``new`` is False if the dataset had been made of the same files before, and nothing was done.
    ``notes`` say which geometries are there several times.
    """

    card: DatasetCard
    assigned: list[Assigned]
    passed_over: list[PassedOver]
    notes: list[str] = field(default_factory=list)
    new: bool = True


@dataclass(frozen=True)
class Draft:
    """What is known of files before a dataset is made of them: a split for each, or why not."""

    parts: list[tuple[Part, Claim | str]]
    passed_over: list[PassedOver]


def ingest(
    paths: Sequence[str | Path],
    dataset: str,
    options: Options | None = None,
    *,
    record: str | None = None,
    whole_record: bool = False,
    replace: bool = False,
) -> Ingestion:
    """Make an official dataset from the user's files.

    Parameters
    ----------
    paths
        Files (npz, extended XYZ, HDF5), archives of them, folders.
    dataset
        Id of an official dataset.
    options
        What the files do not say themselves.
    record
        Id of the record that the files are of, where they were fetched.
    whole_record
        Whether nobody chose the files: those of other systems are passed over then.
    replace
        Whether data ingested earlier are replaced.

    Raises
    ------
    UsageError
        If there is no such dataset, it is here already, or what a file holds is not clear.
    DataError
        If a file is damaged, unsafe, of another system, or contradicts another.
    """
    from filelock import FileLock

    paths = _paths(paths)
    card = _blank(dataset)
    root = catalog.local_root(card.id)
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(root.with_name(f".{card.id}.lock")):
            recover(root.parent)  # an older dataset, if a process was killed while it replaced it
            if root.exists() and not replace:
                there = catalog.card(card.id)
                if _made_of(there, paths, options or Options()):
                    return Ingestion(there, [], [], new=False)
                raise UsageError(
                    f"{card.full_id} is here already, in {root}; ingest all its files at once "
                    "with --replace to make it anew"
                )
            with staging(root.parent) as place:
                return _ingest(paths, card, options or Options(), record, place, whole_record)
    except OSError as error:
        raise DataError(
            f"{root.parent}: cannot be written ({error.strerror or error}); make room there, or "
            "set TEADATA_HOME to another folder"
        ) from None


def _paths(paths: Sequence[str | Path]) -> list[Path]:
    """The paths that were given; a single one is no list."""
    if isinstance(paths, str | Path):
        raise UsageError(f"expected a list of paths, found one: [{str(paths)!r}]")
    return [Path(path) for path in paths]


def _made_of(card: DatasetCard, paths: Sequence[Path], options: Options) -> bool:
    """Whether a dataset was made of these very files, and of what is said of them."""
    known = {file.sha256 for file in card.source.files} if card.source else set()
    said = (options.energy_unit, options.length_unit, options.force_unit)
    taken = [(item.energy_unit, item.length_unit, item.force_unit) for item in card.ingested]
    agree = all(
        given in (None, unit) for each in taken for given, unit in zip(said, each, strict=True)
    )
    if not agree or not _as_said(card, options):
        return False
    frames, others = ({sha256(file) for file in files} for files in given_files(paths))
    return frames <= known <= frames | others


def _as_said(card: DatasetCard, options: Options) -> bool:
    """Whether each file that a mapping names was taken for what it says, or not at all."""
    splits = {item.file: item.split for item in card.ingested}
    named = {name: split for name, split in options.mapping.items() if split != PASS}
    try:
        said = choose(named, list(splits))
    except UsageError:
        return False
    left_out = ["/" + name.strip("/") for name in options.mapping if name not in named]
    taken = any(f"/{file}".endswith(name) for file in splits for name in left_out)
    return not taken and all(splits[file] == split for file, split in said.items())


def _blank(dataset: str) -> DatasetCard:
    """The packaged card of an official dataset."""
    card = catalog.packaged(dataset)
    if card.edition != "official":
        raise UsageError(
            f"{card.full_id} comes with the package and is not ingested; the official datasets "
            f"are {', '.join(c.id for c in catalog.cards() if c.edition == 'official')}"
        )
    return card


def look(
    paths: Sequence[str | Path],
    dataset: str,
    options: Options | None = None,
    *,
    whole_record: bool = False,
) -> Draft:
    """Say what files would be taken for; nothing is made.

    Parameters
    ----------
    paths, dataset, options, whole_record
        As for :func:`ingest`.

    Raises
    ------
    UsageError
        If there is no such dataset, or no file of frames.
    DataError
        If a file is damaged or unsafe, or all are of another system.
    """
    paths = _paths(paths)
    card, options = _blank(dataset), options or Options()
    root = catalog.local_root(card.id)
    root.parent.mkdir(parents=True, exist_ok=True)
    with staging(root.parent) as place:
        parts, passed = _parts(paths, card, options, place, whole_record)
        return Draft(draft(parts, card, options), passed)


def _parts(
    paths: Sequence[Path], card: DatasetCard, options: Options, place: Path, whole_record: bool
) -> tuple[list[Part], list[PassedOver]]:
    """Files of frames of the dataset's system, by role, and what is passed over."""
    contents = find(paths, place / "unpacked")
    passed = list(contents.passed)
    labels = [file.label for file in (*contents.frames, *contents.indices)]
    inside = {name: split for name, split in options.mapping.items() if "#" not in name}
    left_out = passed_by_map(labels, dataclasses.replace(options, mapping=inside))
    passed += [PassedOver(label, "as the mapping says") for label in labels if label in left_out]
    sources, lists, incomplete = [], [], []
    for file in contents.frames:
        if file.label in left_out:
            continue
        try:
            sources.append(Source(file))
        except NotFramesError as error:
            if suffix_of(file.path) == ".npz" and len(stated_roles(file.label)) == 1:
                lists.append(file)
            else:
                incomplete.append(error)
                why = str(error).removeprefix(f"{file.label}: ")
                passed.append(PassedOver(file.label, f"no labelled frames: {why}"))
    if not sources:
        raise DataError(
            "no file of labelled frames:\n"
            + "\n".join(f"  {error}" for error in incomplete[:8])
            + "\n".join(f"  {file.label}: no frames" for file in lists[:8])
        )
    ours, others = select(sources, card, whole_record=whole_record)
    passed += [PassedOver(s.label, f"{s.header.formula}, another system") for s in others]
    lists += [file for file in contents.indices if file.label not in left_out]
    parts, unused = find_parts(ours, lists, card)
    labels = [part.label for part in parts]
    inside = {name: split for name, split in options.mapping.items() if "#" in name}
    left_out = passed_by_map(labels, dataclasses.replace(options, mapping=inside))
    unused += [PassedOver(label, "as the mapping says") for label in labels if label in left_out]
    return [part for part in parts if part.label not in left_out], passed + unused


def _ingest(
    paths: Sequence[Path],
    card: DatasetCard,
    options: Options,
    record: str | None,
    place: Path,
    whole_record: bool,
) -> Ingestion:
    built = place / "dataset"
    built.mkdir()
    parts, passed = _parts(paths, card, options, place, whole_record)
    assigned = assign(parts, card, options)
    _check_room(assigned, built)
    splits, groups, notes = write(built / "frames.h5", assigned, card)
    splits.write(built / "splits.parquet")
    if card.groups and groups != card.groups:
        raise DataError(
            f"the molecules of {assigned[0].source.label} are {groups}, the card of "
            f"{card.full_id} has {card.groups}; check the order of atoms and the cell"
        )
    new = _filled(card, built, assigned, splits, groups, record)
    _write_card(built / "card.yaml", new)
    replace_folder(built, catalog.local_root(card.id), place)
    return Ingestion(new, assigned, passed, notes)


def _check_room(assigned: Sequence[Assigned], folder: Path) -> None:
    """Refuse to start if the disk has too little space: HDF5 crashes Python on a full disk."""
    needed = sum(48 * len(i.source.header.numbers) * i.source.header.count for i in assigned)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{folder.parent.parent}: the dataset may need {needed} bytes, {free} are free; make "
            "room, or set TEADATA_HOME to a folder on a larger disk"
        )


def _taken(item: Assigned) -> Ingested:
    """What a file was taken for."""
    return Ingested(
        file=item.label,
        split=item.claim.split,
        frames=item.count,
        energy_unit=item.units.energy,
        length_unit=item.units.length,
        **item.units.further,
    )


def _data_file(folder: Path, name: str, content: str) -> DataFile:
    """A file of the dataset, with its size and checksum."""
    path = folder / name
    entry = {"name": name, "content": content, "bytes": path.stat().st_size, "sha256": sha256(path)}
    return DataFile.model_validate(entry)


def _filled(
    card: DatasetCard,
    folder: Path,
    assigned: Sequence[Assigned],
    splits: SplitTable,
    groups: dict[str, list[list[int]]],
    record: str | None,
) -> DatasetCard:
    """Complete the card with what the files say."""
    numbers = assigned[0].source.header
    system = card.system.model_copy(
        update={"formula": numbers.formula, "n_atoms": len(numbers.numbers)}
    )
    listed = {item.listed for item in assigned if item.listed is not None}
    given = sorted({item.source.given for item in assigned} | listed)
    assert card.source is not None  # every official card has one
    source = card.source.model_copy(
        update={
            "record": record or card.source.record,
            "files": [
                SourceFile(name=path.name, bytes=path.stat().st_size, sha256=sha256(path))
                for path in given
            ],
        }
    )
    subsets = {name: text for name, text in card.subsets.items() if name in splits.subsets}
    # Keep the sizes that all trained subsets have.
    trained = [len(ids) for (_, role), ids in splits.members.items() if role == "train"]
    sizes = {item.claim.size for item in assigned if item.claim.role == "train"}
    return card.model_copy(
        update={
            "system": system,
            "files": [
                _data_file(folder, name, content)
                for content, name in (("frames", "frames.h5"), ("splits", "splits.parquet"))
            ],
            "groups": groups or card.groups,
            "source": source,
            "ingested": [_taken(item) for item in assigned],
            "subsets": subsets,
            "tasks": [task for task in card.tasks if set(task.split("->")) <= set(subsets)],
            "sizes": sorted(n for n in sizes if n is not None and n <= min(trained)),
        }
    )


def _write_card(path: Path, card: DatasetCard) -> None:
    import yaml

    content = card.model_dump(mode="json", exclude_defaults=True)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    write_text(path, yaml.dump(content, Dumper=dumper, sort_keys=False, allow_unicode=True))
