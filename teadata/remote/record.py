"""What Zenodo says of a record: its version, its licence, its files."""

from __future__ import annotations

import datetime
import hashlib
from typing import Annotated, Any
from urllib.parse import urljoin, urlsplit

from pydantic import AfterValidator, Field, ValidationError, model_validator

from teadata.errors import DataError, unknown_name
from teadata.schema import StrictModel, what_is_wrong

ALGORITHMS = {"md5", "sha1", "sha256", "sha512"}
LONGEST_NAME = 200
"""Bytes of a file name; file systems allow 255, and partial files append to the name."""


def _safe_name(name: str) -> str:
    """A name that is one file in one folder, whoever wrote it."""
    if "/" in name or "\\" in name:
        raise ValueError(f"{name!r} is in a folder; only plain file names are fetched")
    if name in {"", ".", ".."} or not name.isprintable():
        raise ValueError(f"{name!r} is not a plain file name")
    if len(name.encode()) > LONGEST_NAME:
        raise ValueError(f"{name[:40]!r}… is longer than {LONGEST_NAME} bytes")
    return name


RecordId = Annotated[str, Field(pattern=r"^\d{1,18}$")]
FileName = Annotated[str, AfterValidator(_safe_name)]


class RemoteFile(StrictModel):
    """A file of a record: size in bytes, checksum as ``"md5:…"``, where to download it."""

    name: FileName
    bytes: Annotated[int, Field(ge=0)]
    checksum: str
    url: Annotated[str, Field(pattern=r"^https?://")]

    @property
    def digest(self) -> tuple[str, str]:
        """Algorithm and hexadecimal digest of the checksum.

        Raises
        ------
        DataError
            If none of its checksums can be computed here.
        """
        algorithm, _, value = self.checksum.lower().partition(":")
        if algorithm not in ALGORITHMS:
            raise DataError(
                f"{self.name}: expected a checksum as 'md5:…' from the record, found "
                f"{self.checksum!r}; a file that cannot be checked is not fetched"
            )
        length = 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size
        if len(value) != length or set(value) - set("0123456789abcdef"):
            raise DataError(
                f"{self.name}: expected {length} hexadecimal digits of {algorithm} from the "
                f"record, found {value!r}; a file that cannot be checked is not fetched"
            )
        return algorithm, value


class Record(StrictModel):
    """One version of a Zenodo record.

    ``requested`` is the id that was asked for, if that stands for all versions
    (``concept_id``) and this is the version it led to.  ``retrieved`` is when Zenodo said so.
    """

    id: RecordId
    doi: str
    concept_id: RecordId | None = None
    title: str = ""
    version: str | None = None
    licence: str | None = None
    files: list[RemoteFile]
    requested: RecordId | None = None
    retrieved: datetime.datetime

    @model_validator(mode="after")
    def _distinct(self) -> Record:
        names = [file.name for file in self.files]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two files are called {', '.join(twice)}")
        return self

    @property
    def label(self) -> str:
        """The record in words, e.g. ``"version 2 = record 123"``."""
        return f"version {self.version} = record {self.id}" if self.version else f"record {self.id}"

    def file(self, name: str) -> RemoteFile:
        """The file of this name.

        Raises
        ------
        UsageError
            If the record has none.
        """
        for file in self.files:
            if file.name == name:
                return file
        raise unknown_name(f"file of record {self.id}", name, [file.name for file in self.files])


def parse(document: Any, *, asked: str, url: str) -> Record:
    """A record from the answer of the API.

    Both shapes are read: Zenodo's own (files are a list) and that of other InvenioRDM
    repositories (files are a table of entries).

    Parameters
    ----------
    document
        The decoded JSON.
    asked
        The record id that was asked for.
    url
        Where the answer came from; relative links start there.

    Raises
    ------
    DataError
        If it is no record, or one with unsafe file names; the message names every wrong field.
    """
    try:
        fields = _fields(document, url)
        if fields["id"] != asked:
            # an id that leads to another record stands for all versions, or something is wrong
            fields["requested"] = asked
            fields["concept_id"] = fields["concept_id"] or asked
        record = Record.model_validate(fields)
    except ValidationError as error:
        wrong = what_is_wrong(error)
        raise DataError(f"{url}: not a record that can be fetched: {wrong}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{url}: expected a record with id, doi and files, found another document "
            f"({type(error).__name__}: {error})"
        ) from None
    if record.requested and record.concept_id != record.requested:
        raise DataError(
            f"{url}: asked for record {asked}, which is neither {record.id} nor what stands for "
            f"all its versions ({record.concept_id}); name the record you mean by its own id"
        )
    return record


def _fields(document: Any, url: str) -> dict[str, Any]:
    metadata = document.get("metadata") or {}
    identifier = document["id"]
    concept = document.get("conceptrecid") or (document.get("parent") or {}).get("id")
    doi = document.get("doi") or ((document.get("pids") or {}).get("doi") or {})["identifier"]
    licence = metadata.get("license")
    files = document["files"]
    if isinstance(files, dict):
        entries = files.get("entries") or {}
        files = list(entries.values()) if isinstance(entries, dict) else entries
    return {
        "id": str(identifier),
        "doi": doi,
        "concept_id": str(concept) if concept else None,
        "title": metadata.get("title") or document.get("title") or "",
        "version": metadata.get("version"),
        "licence": licence.get("id") if isinstance(licence, dict) else licence,
        "files": [_file_fields(file, url) for file in files],
        "retrieved": datetime.datetime.now(datetime.UTC).replace(microsecond=0),
    }


def _file_fields(file: Any, url: str) -> dict[str, Any]:
    links = file.get("links") or {}
    # in Zenodo's shape ``self`` is the content; where both are given it is the description
    link = links.get("content") or links.get("download") or links["self"]
    resolved = urljoin(url, link)
    if not urlsplit(resolved).netloc:
        raise ValueError(f"{link!r} is no address to download from")
    return {
        "name": file["key"],
        "bytes": file["size"],
        "checksum": str(file.get("checksum") or ""),
        "url": resolved,
    }
