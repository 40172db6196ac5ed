"""Where downloads come from and where they are kept: read from the environment at each call."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from teadata.errors import UsageError

ZENODO = "https://zenodo.org"


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


def home() -> Path:
    """Folder for downloads: ``TEADATA_HOME``, or the platform's folder for user data.

    Raises
    ------
    UsageError
        If the user has no home folder, as in a container that runs under a number, or
        ``TEADATA_HOME`` begins with ``~`` and a name that is no user's.
    """
    from platformdirs import user_data_path

    chosen = _variable("TEADATA_HOME")
    try:
        if chosen:
            return Path(chosen).expanduser().absolute()
        return user_data_path("teadata", appauthor=False)
    except RuntimeError:
        if chosen:
            raise UsageError(
                f"TEADATA_HOME is {chosen!r}, and there is no such user; expected a folder"
            ) from None
        raise UsageError(
            "this user has no home folder to keep data in; set TEADATA_HOME to a folder"
        ) from None


def records_folder() -> Path:
    """The folder with one folder per Zenodo record."""
    return home() / "records"


def record_folder(record_id: str) -> Path:
    """The folder of one record: its description, lock file, files, and parts of files."""
    return records_folder() / record_id


def offline() -> bool:
    """Whether ``TEADATA_OFFLINE`` forbids the network.

    Raises
    ------
    UsageError
        If its value is neither a yes (1, true, yes, on) nor a no (0, false, no, off, empty).
    """
    value = _variable("TEADATA_OFFLINE")
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"", "0", "false", "no", "off"}:
        return False
    raise UsageError(f"TEADATA_OFFLINE is {value!r}; expected 1 (no network) or 0")


def zenodo_url() -> str:
    """The base of the record API, without a slash at the end: ``TEADATA_ZENODO_URL``.

    Raises
    ------
    UsageError
        If its value is no http or https URL.
    """
    url = _variable("TEADATA_ZENODO_URL") or ZENODO
    if not _is_url(url):
        raise UsageError(f"TEADATA_ZENODO_URL is {url!r}; expected a URL such as {ZENODO}")
    return url.rstrip("/")


def mirror() -> str | Path | None:
    """The mirror to download from instead of Zenodo: a base URL, a folder, or None.

    ``TEADATA_MIRROR`` holds files as ``<mirror>/<record id>/<file name>``.  It is asked for
    bytes only; what they must be is said by Zenodo, the lock file or a card.

    Raises
    ------
    UsageError
        If it is neither an http(s) URL nor a folder that exists.
    """
    value = _variable("TEADATA_MIRROR")
    if not value:
        return None
    if _is_url(value):
        return value.rstrip("/")
    folder = Path(value.removeprefix("file://")).expanduser().absolute()
    if not folder.is_dir():
        raise UsageError(
            f"TEADATA_MIRROR is {value!r}, neither an http(s) URL nor a folder; expected one "
            "that has files as <mirror>/<record id>/<file name>"
        )
    return folder


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:  # as of http://[
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
