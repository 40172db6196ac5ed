"""Find the record of a DOI: ask Zenodo's REST API, and remember the answer for offline use."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from teadata.errors import DataError, UsageError
from teadata.files import write_text
from teadata.remote import settings
from teadata.remote.http import (
    NetworkError,
    Patience,
    Retries,
    TransientError,
    UnreachableError,
    answer,
    opened_session,
)
from teadata.remote.progress import Progress, Silent
from teadata.remote.record import Record, parse

if TYPE_CHECKING:
    from requests import Session

DESCRIPTION = "record.json"

_DOI = re.compile(
    r"(?:https?://(?:dx\.)?doi\.org/|doi:)?(10\.\d{4,9}/zenodo\.(\d{1,18}))", re.IGNORECASE
)
_PAGE = re.compile(r"/(?:api/)?(?:records?|doi/10\.\d{4,9})/(?:zenodo\.)?(\d{1,18})(?:/.*)?")


def record_id(reference: str) -> str:
    """The record id in a DOI (``10.5281/zenodo.N``, also as URL), a record's URL, or an id.

    Raises
    ------
    UsageError
        If it is none of these, or the URL of another repository than the one asked.
    """
    text = reference.strip()
    if re.fullmatch(r"\d{1,18}", text):
        return text
    if doi := _DOI.fullmatch(text):
        return doi[2]
    try:
        parts = urlsplit(text)
    except ValueError:  # as of http://[
        parts = urlsplit("")
    if parts.scheme in {"http", "https"} and (page := _PAGE.fullmatch(parts.path)):
        hosts = {urlsplit(base).netloc for base in (settings.ZENODO, settings.zenodo_url())}
        if parts.netloc.removeprefix("www.") in hosts:
            return page[1]
    raise UsageError(
        f"{reference!r} is no Zenodo record; expected a DOI such as 10.5281/zenodo.14138387, "
        f"the address of a record at {settings.zenodo_url()}, or its number"
    )


def resolve(
    reference: str,
    *,
    dataset: str | None = None,
    patience: Patience | None = None,
    progress: Progress | None = None,
) -> Record:
    """The record that a reference stands for, with the list of its files.

    Zenodo is asked; what it says is kept in ``record.json`` of the record's folder.  That is
    used when the network is away or forbidden (``TEADATA_OFFLINE=1``).  The id of all versions
    leads to the newest, or offline to the newest that is known; ``requested`` then holds it.

    Parameters
    ----------
    reference
        A DOI, a record's URL, or its id.
    dataset
        Id of the dataset that it is wanted for, named in the advice when there is no network.
    patience
        How long to try.
    progress
        Told of retries, and of a remembered answer taken in place of a fresh one.

    Raises
    ------
    UsageError
        If the text is no reference to a record.
    NetworkError
        If there is no such record, or Zenodo cannot be reached and the record is not known.
    DataError
        If the answer is not a record whose files can be fetched.
    """
    wanted = record_id(reference)
    doi = _DOI.fullmatch(reference.strip())
    # a mirror cannot help here: it has the files, but not their checksums
    hint = (
        f"{advice(doi[1] if doi else wanted, dataset)}; or copy "
        f"{settings.records_folder()} from a machine that has fetched the record"
    )
    progress = progress or Silent()
    if settings.offline():
        known = _remembered(wanted)
        if known is None:
            raise NetworkError(
                f"record {wanted} is not known in {settings.records_folder()}, and "
                f"TEADATA_OFFLINE forbids to ask. Unset it once, or: {hint}"
            )
        return known
    try:
        record = _ask(wanted, patience or Patience(), progress)
    except UnreachableError as error:
        known = _remembered(wanted)
        if known is None:
            raise UnreachableError(f"{error}. {hint}") from None
        progress.message(f"{error}; taking {known.label} as it was on {known.retrieved:%Y-%m-%d}")
        return known
    _remember(record)
    return record


def advice(reference: str, dataset: str | None) -> str:
    """What to do without network: the sentence for the end of an error.

    Parameters
    ----------
    reference
        A record's DOI, or its id.
    dataset
        Id of the dataset that it is wanted for, if known.
    """
    if reference.isdecimal():
        address = f"{settings.zenodo_url()}/records/{reference}"
    else:
        address = f"https://doi.org/{reference}"
    return (
        f"Without network: download the files of {address} in a browser, on any machine, and "
        f"run: teadata ingest PATH --dataset {dataset or 'DATASET'}"
    )


def _ask(wanted: str, patience: Patience, progress: Progress) -> Record:
    url = f"{settings.zenodo_url()}/api/records/{wanted}"
    retries = Retries(url, patience, progress)
    with opened_session() as session:
        while True:
            try:
                document, source = _document(session, url, patience)
                return parse(document, asked=wanted, url=source)
            except TransientError as failure:
                retries.after(failure)


def _document(session: Session, url: str, patience: Patience) -> tuple[object, str]:
    """The JSON at a URL, and the URL it came from after redirects."""
    with answer(session, url, patience, {"Accept": "application/json"}) as response:
        body = response.raw.read(decode_content=True)
        try:
            return json.loads(body), response.url
        except ValueError:
            start = body[:60].decode("utf-8", "replace")
            raise TransientError(f"expected JSON, found {start!r}") from None


def _path(identifier: str) -> Path:
    return settings.record_folder(identifier) / DESCRIPTION


def _remember(record: Record) -> None:
    """Remember a record; an equal one is not rewritten, so a read-only cache works."""
    path, record = _path(record.id), record.model_copy(update={"requested": None})
    with suppress(DataError):  # nothing readable there: written below
        known = _read(path)
        if record.model_copy(update={"retrieved": known.retrieved}) == known:
            return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{path.parent}: cannot be made ({error.strerror}); set TEADATA_HOME to a folder "
            "that can be written"
        ) from None
    write_text(path, record.model_dump_json(indent=2) + "\n")


def _remembered(wanted: str) -> Record | None:
    """The record as last remembered: itself, or its newest known version."""
    if _path(wanted).is_file():
        return _read(_path(wanted))
    known = [_read(path) for path in settings.records_folder().glob(f"*/{DESCRIPTION}")]
    versions = [record for record in known if record.concept_id == wanted]
    if not versions:
        return None
    newest = max(versions, key=lambda record: int(record.id))
    return newest.model_copy(update={"requested": wanted})


def _read(path: Path) -> Record:
    return Record.from_json(
        path,
        "the description of a record; remove the file and run the command again with network",
        "see who may read it",
    )
