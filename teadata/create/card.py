"""The card of a new dataset: generated, to be completed by hand."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from teadata import own
from teadata.card import (
    UNKNOWN,
    Change,
    Citation,
    DataFile,
    DatasetCard,
    Ingested,
    LevelOfTheory,
    Source,
    SourceFile,
    SubsetStatistics,
    System,
    Units,
)
from teadata.create.options import Options
from teadata.create.stock import Taken
from teadata.dataset import Dataset
from teadata.elements import SYMBOLS
from teadata.errors import DataError
from teadata.files import check_input
from teadata.formats.layout import CHUNK
from teadata.frames import Frames
from teadata.provenance import sha256
from teadata.splits import SplitTable

NOTICE = "A dataset of the user's own; its errors compare with others on this dataset only."

EDITED = "# Made by teadata create. Texts may be edited; id, version, edition and files may not.\n"


def data_file(folder: Path, name: str, content: str) -> DataFile:
    """A file of a dataset, with its size and checksum."""
    path = folder / name
    entry = {"name": name, "content": content, "bytes": path.stat().st_size, "sha256": sha256(path)}
    return DataFile.model_validate(entry)


def citations(name: str, texts: Sequence[str]) -> list[Citation]:
    """What to cite: each a text, a DOI, or a BibTeX file.

    Raises
    ------
    DataError
        If a BibTeX file cannot be read, or has no entry.
    """
    works: list[Citation] = []
    for text in texts:
        if text.endswith(".bib"):
            works += _bibtex(Path(text))
            continue
        found = re.search(r"\b10\.\d{4,9}/[^\s;,]+", text)
        doi = found[0].rstrip(".") if found else None
        key = f"{name}-{len(works) + 1}"
        note = f"  note = {{{text.strip()}}}" + (f",\n  doi = {{{doi}}}" if doi else "")
        works.append(Citation(text=text.strip(), doi=doi, bibtex=f"@misc{{{key},\n{note}\n}}"))
    return works


def _bibtex(path: Path) -> list[Citation]:
    check_input(path)
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a readable BibTeX file ({error})") from None
    entries = [f"@{part.strip()}" for part in re.split(r"^\s*@", content, flags=re.MULTILINE)[1:]]
    if not entries:
        raise DataError(f"{path}: expected BibTeX entries, found none")
    works = []
    for entry in entries:
        values = dict(re.findall(r'(\w+)\s*=\s*[{"](.*?)["}]\s*,?\s*$', entry, re.MULTILINE))
        values = {key.lower(): re.sub(r"[{}]", "", value) for key, value in values.items()}
        parts = [values.get(key, "") for key in ("author", "title", "journal", "year")]
        text = ", ".join(part for part in parts if part) or entry.splitlines()[0]
        works.append(Citation(text=text, doi=values.get("doi"), bibtex=entry))
    return works


def statistics(data: Dataset) -> dict[str, SubsetStatistics]:
    """Normalisers of the errors on each test set, some frames at a time."""
    found = {}
    for subset in data.splits.subsets:
        if not data.splits.count(subset, "test"):
            continue
        test, energies = data.test_set(subset), []
        sums = np.zeros(3)
        for start in range(0, len(test), CHUNK):
            part = test[slice(start, start + CHUNK)]
            energies.append(part.energies)
            sums += [np.abs(part.forces).sum(), part.forces.sum(), (part.forces**2).sum()]
        energy = np.concatenate(energies)
        magnitude, mean, square = sums / (len(test) * 3 * test.n_atoms)
        found[subset] = SubsetStatistics(
            frames=len(test),
            mean_abs_force=float(magnitude),
            std_force=float(np.sqrt(max(square - mean**2, 0.0))),
            mean_relative_energy=float((energy - energy.min()).mean()),
            std_energy=float(energy.std()),
        )
    return found


@dataclass(frozen=True)
class Ingredients:
    """What a dataset is made of.

    ``folder`` has its files; ``first`` is one of its frames; ``taken`` are the user's files, and
    what each was taken for; ``sizes`` are those of nested training splits; ``sampling`` says how
    the splits were made; ``state`` is charge and multiplicity, empty for most molecules.
    """

    folder: Path
    first: Frames
    splits: SplitTable
    taken: Sequence[tuple[Taken, str]]
    sizes: Sequence[int]
    groups: dict[str, list[list[int]]]
    sampling: str
    state: str = ""


def make(name: str, version: str, made: Ingredients, options: Options) -> DatasetCard:
    """Make the card of a dataset whose files are in a folder."""
    first, splits = made.first, made.splits
    elements = [SYMBOLS[z] for z in sorted(set(first.numbers.tolist()))]
    trained = [subset for subset in splits.subsets if splits.count(subset, "train")]
    tested = [subset for subset in splits.subsets if splits.count(subset, "test")]
    return DatasetCard(
        id=name,
        version=version,
        title=options.title or f"{name}: {first.formula}",
        edition="own",
        system=System(
            name=f"{first.formula}, {made.state}" if made.state else name,
            formula=first.formula,
            n_atoms=first.n_atoms,
            elements=elements,
            periodic=first.periodic,
        ),
        level_of_theory=LevelOfTheory(
            method=options.theory or UNKNOWN, engine=UNKNOWN, settings=UNKNOWN
        ),
        units=Units(energy="kcal/mol", length="Å", force="kcal/mol/Å"),
        licence=options.licence or UNKNOWN,
        citations=citations(name, options.cite),
        files=[
            data_file(made.folder, "frames.h5", "frames"),
            data_file(made.folder, "splits.parquet", "splits"),
        ],
        source=Source(
            authors=[],
            files=[
                SourceFile(name=item.label, bytes=_size(item.path), sha256=_checksum(item.path))
                for item, _ in made.taken
            ],
        ),
        ingested=[_ingested(item, split) for item, split in made.taken],
        groups=made.groups,
        subsets=dict.fromkeys(splits.subsets, "to be described"),
        sizes=list(made.sizes),
        tasks=[f"{one}->{other}" for one in trained for other in tested],
        sampling=made.sampling,
        notice=NOTICE,
        changelog=_changelog(name, version, made),
    )


def _ingested(item: Taken, split: str) -> Ingested:
    """What a file of the user was taken for, and in which units."""
    return Ingested(
        file=item.label,
        split=split,
        frames=item.frames,
        energy_unit=item.units.energy if item.units else "",
        length_unit=item.units.length if item.units else "",
        **(item.units.further if item.units else {}),
    )


def _changelog(name: str, version: str, made: Ingredients) -> list[Change]:
    """What this version was created from, before what earlier ones say."""
    text = "; ".join(f"{item.label}, {item.frames} frames" for item, _ in made.taken)
    change = Change(version=version, date=datetime.date.today(), text=f"Created from {text}.")
    older = own.newest(name)
    if older is None or older == version:
        return [change]
    return [change, *DatasetCard.read(own.root(name, older) / own.CARD).changelog]


def _checksum(path: Path) -> str:
    from teadata.provenance import sha256_of

    return sha256_of(path)


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if not path.is_dir():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def write(path: Path, card: DatasetCard) -> None:
    """Write a card as YAML."""
    import yaml

    content = card.model_dump(mode="json", exclude_defaults=True)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(
        content,
        Dumper=dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=None,  # short lists on one line
    )
    path.write_text(
        EDITED + text,
        encoding="utf-8",
    )
