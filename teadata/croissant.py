"""MLCommons Croissant: a dataset as a folder that machine-learning tools can load.

The folder holds a description (JSON-LD, Croissant 1.1) and the two tables that it describes.
The tables are parquet because ``mlcroissant``, the reader of the format, reads no HDF5; it
needs no other file and no network.  This module needs no ``mlcroissant``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from teadata.card import UNKNOWN
from teadata.elements import SYMBOLS
from teadata.errors import DataError, UsageError, restated
from teadata.files import staging, write_text
from teadata.provenance import sha256

if TYPE_CHECKING:
    from teadata.card import DatasetCard
    from teadata.dataset import Dataset
    from teadata.frames import Frames

Json = dict[str, Any]

DESCRIPTION, FRAMES, SPLITS = "croissant.json", "frames.parquet", "splits.parquet"
"""Names of the files in the folder."""

CREATOR = "The TEA benchmark developers"
"""Who made the mini edition, as in CITATION.cff; the official data are not theirs."""

# What mlcroissant calls the standard context of 1.1, and `annotation`.
_CR_TERMS = (
    "annotation arrayShape citeAs column containedIn equivalentProperty extract field "
    "fileObject fileProperty fileSet format includes isArray isLiveDataset jsonPath key md5 "
    "parentField path recordSet references regex repeated replace samplingRate separator "
    "source subField transform"
).split()
CONTEXT: Json = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _CR_TERMS},
}

ROLES = {"train": "cr:TrainingSplit", "valid": "cr:ValidationSplit", "test": "cr:TestSplit"}
"""What Croissant calls the roles of :mod:`teadata.splits`."""


class _Column(NamedTuple):
    """A column of a table: its name, type, unit and meaning; shape () for a scalar."""

    name: str
    types: list[str]
    text: str
    unit: str = ""
    shape: tuple[int, ...] = ()


def _line(text: str) -> str:
    """Join the lines of a text."""
    return " ".join(text.split())


def _columns(frames: Frames) -> list[_Column]:
    """Columns of the table of frames, in order."""
    from teadata.formats.layout import UNITS
    from teadata.formats.parquet import COLUMNS

    axes = [axis for axis, periodic in zip("abc", frames.pbc, strict=True) if periodic]
    texts = {
        "ids": "identifies the frame within the dataset",
        "energies": "total energy, nothing subtracted",
        "positions": "Cartesian, in the order of the record set atoms",
        "forces": "in the order of the record set atoms",
        "cell": f"cell vectors as rows, periodic along {', '.join(axes) or 'none of them'}",
        "stress": "stress",
        "trajectories": "which simulation the frame is from; frames of one are correlated",
        "temperatures": "temperature of the nuclei that the frame was sampled at",
    }
    columns = []
    for field, name in COLUMNS.items():
        array = getattr(frames, field)
        if array is not None:
            types = ["cr:Float64" if field in UNITS else "cr:Int64"]
            types += ["cr:Label"] if field in ("energies", "forces", "stress") else []
            unit, shape = UNITS.get(field, ""), array.shape[1:]
            columns.append(_Column(name, types, texts[field], unit, shape))
    return columns


def _record_set(name: str, text: str, key: list[str], fields: list[Json]) -> Json:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": text,
        "key": [{"@id": f"{name}/{field}"} for field in key],
        "field": fields,
    }


def _field(owner: str, column: _Column, file: str | None = None) -> Json:
    """A field of a record set; without a file, its values are inline."""
    identity = f"{owner}/{column.name}"
    shape = f"; shape {column.shape}, flat, last index fastest" if column.shape else ""
    field: Json = {
        "@type": "cr:Field",
        "@id": identity,
        "name": column.name,
        "description": f"{column.text}{f', in {column.unit}' if column.unit else ''}{shape}",
        "dataType": column.types,
    }
    if column.shape:
        field |= {"isArray": True, "arrayShape": ",".join(map(str, column.shape))}
    if column.unit:
        field["annotation"] = {
            "@type": "cr:Field",
            "@id": f"{identity}/unit",
            "name": "unit",
            "dataType": "sc:Text",
            "equivalentProperty": "sc:unitText",
            "value": column.unit,
        }
    if file is not None:
        field["source"] = {"fileObject": {"@id": file}, "extract": {"column": column.name}}
    return field


def _inline(name: str, text: str, columns: list[_Column], rows: list[tuple[Any, ...]]) -> Json:
    """A record set whose records are in the description itself."""
    fields = [_field(name, column) for column in columns]
    record_set = _record_set(name, text, [columns[0].name], fields)
    record_set["data"] = [
        {field["@id"]: value for field, value in zip(fields, row, strict=True)} for row in rows
    ]
    return record_set


def _record_sets(data: Dataset) -> list[Json]:
    card, frames = data.card, data.frames
    atoms = _inline(
        "atoms",
        f"The {frames.n_atoms} atoms of every frame, in the order of its positions and forces.",
        [
            _Column("index", ["cr:Int64"], "place in positions and forces, from 0"),
            _Column("number", ["cr:Int64"], "atomic number"),
            _Column("symbol", ["sc:Text"], "chemical symbol"),
        ],
        [(i, int(z), SYMBOLS[z]) for i, z in enumerate(frames.numbers)],
    )
    roles = _inline(
        "roles",
        "What a frame is for.",
        [
            _Column("name", ["sc:Text"], "role, as in the record set splits"),
            _Column("url", ["sc:URL", "cr:Split"], "what Croissant calls it"),
        ],
        list(ROLES.items()),
    )
    roles["dataType"] = "cr:Split"
    fields = [_field("frames", column, FRAMES) for column in _columns(frames)]
    table = _record_set("frames", f"{len(frames)} labelled geometries.", ["frame_id"], fields)
    subsets = "; ".join(f"{name}: {_line(text)}" for name, text in card.subsets.items())
    columns = [
        _Column("frame", ["cr:Int64"], "frame_id of the frame"),
        _Column("subset", ["sc:Text"], subsets),
        _Column("role", ["sc:Text"], "train, valid or test"),
        _Column("rank", ["cr:Int32"], "from 0; the split of size n is the ranks below n"),
    ]
    fields = [_field("splits", column, SPLITS) for column in columns]
    # One reference only: mlcroissant joins along the first and forgets the others.
    fields[2]["references"] = {"field": {"@id": "roles/name"}}
    rows = sum(len(ids) for ids in data.splits.members.values())
    text = f"{rows} rows: which frames train, validate and test each subset, in which order."
    return [atoms, table, roles, _record_set("splits", text, ["subset", "role", "rank"], fields)]


def _file(path: Path, text: str) -> Json:
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "description": text,
        "contentUrl": path.name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": sha256(path),
    }


def _licence(licence: str) -> str:
    """The address of a licence that SPDX lists; a text as it is."""
    if licence == UNKNOWN or not re.fullmatch(r"[A-Za-z0-9.+-]+", licence):
        return licence
    return f"https://spdx.org/licenses/{licence}"


def _about(card: DatasetCard, url: str | None) -> Json:
    """The description down to the files."""
    system, theory, units = card.system, card.level_of_theory, card.units
    labels = f"{theory.method}, {theory.engine}; {theory.settings}"
    sentences = (
        card.title,
        f"{system.formula}, {system.n_atoms} atoms, {'' if system.periodic else 'not '}periodic",
        f"Labels: {labels}",
        f"Energies in {units.energy}, lengths in {units.length}, forces in {units.force}",
        card.notice,
    )
    about: Json = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": card.id,
        "description": " ".join(f"{_line(text).rstrip('.')}." for text in sentences if text),
        "conformsTo": [
            "http://mlcommons.org/croissant/1.1",
            "http://mlcommons.org/croissant/RAI/1.0",
        ],
        "version": card.version,
        "datePublished": card.changelog[0].date.isoformat(),
        "license": _licence(card.licence),
        "citeAs": "\n\n".join(citation.bibtex.strip() for citation in card.citations),
        "keywords": ["machine-learning force field", system.name, system.formula, theory.method],
        "rai:dataCollection": _line(card.sampling),
        "rai:dataAnnotationProtocol": _line(labels),
    }
    authors = [] if card.source is None else card.source.authors
    if card.edition == "mini":
        about["creator"] = {"@type": "sc:Organization", "name": CREATOR}
    elif authors:
        about["creator"] = [{"@type": "sc:Person", "name": name} for name in authors]
    if card.notice:
        about["rai:dataLimitations"] = _line(card.notice)
    if url is not None:
        about["url"] = url
    return about


@contextmanager
def _written(folder: Path) -> Iterator[Path]:
    """A place for the three files, which come into the folder at the end.

    A folder that was made for them goes if they cannot be written.

    Raises
    ------
    UsageError
        If the folder has a table that is not of such a folder.
    DataError
        If it cannot be made or written.
    """
    theirs = [name for name in (FRAMES, SPLITS) if (folder / name).exists()]
    if theirs and not (folder / DESCRIPTION).is_file():
        raise UsageError(
            f"{folder}: holds {' and '.join(theirs)} without {DESCRIPTION}, so of something else, "
            "which is not replaced; choose another folder"
        )
    new = not folder.exists()
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder}: not a folder, and cannot be made one ({error.strerror or error})"
        ) from None
    try:
        with staging(folder) as place:
            try:
                yield place
            except DataError as error:
                raise restated(error, str(error).replace(str(place), str(folder))) from None
            for name in (FRAMES, SPLITS, DESCRIPTION):  # which describes the two, and is last
                os.replace(place / name, folder / name)
    except BaseException as error:
        if new:
            shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            said = error.strerror or error
            raise DataError(f"{folder}: cannot be written ({said})") from None
        raise


def _write_tables(folder: Path, data: Dataset) -> None:
    """Write frames and splits."""
    from teadata.formats import parquet

    card = data.card
    theory = card.level_of_theory.method
    parquet.write(folder / FRAMES, data.frames, name=card.full_id, theory=theory)
    shutil.copyfile(data.path(card.file("splits")), folder / SPLITS)


def write(folder: Path, data: Dataset, *, url: str | None = None) -> Json:
    """Write a dataset as a Croissant folder; the same dataset gives the same bytes.

    Parameters
    ----------
    folder
        Where to; made if it does not exist. An earlier description and its tables are replaced,
        all three at the end; files of other names in it are left alone.
    data
        The dataset. Energies are written in kcal/mol, lengths in Å, forces in kcal/mol/Å.
    url
        Where the folder will be published. Croissant asks for it, no reader needs it.

    Returns
    -------
    dict
        The description, as written to ``croissant.json``.

    Raises
    ------
    UsageError
        If the folder has a table of such a name that is of something else.
    DataError
        If the dataset's files are damaged, or the folder cannot be written.
    """
    record_sets = _record_sets(data)
    with _written(folder) as place:
        _write_tables(place, data)
        description = _described(place, data, url, record_sets)
        text = json.dumps(description, indent=2, ensure_ascii=False)
        write_text(place / DESCRIPTION, text + "\n")
    return description


def _described(folder: Path, data: Dataset, url: str | None, record_sets: list[Json]) -> Json:
    """The description of the tables in a folder."""
    card = data.card
    origin = {content: card.file(content) for content in ("frames", "splits")}
    return _about(card, url) | {
        "distribution": [
            _file(
                folder / FRAMES,
                f"One row a frame; the values of {origin['frames'].name} of tea-benchmark, sha256 "
                f"{origin['frames'].sha256}.",
            ),
            _file(folder / SPLITS, f"{origin['splits'].name} of tea-benchmark, unchanged."),
        ],
        "recordSet": record_sets,
    }
