"""Read objects through fsspec: interrupted reads are tried again, changed objects are an error."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from teadata.errors import (
    DataError,
    MissingExtraError,
    PathError,
    TeaError,
    UsageError,
    install_command,
)
from teadata.locations import RemoteFile

Result = TypeVar("Result")

ATTEMPTS = 4
"""How often a read is tried."""

PAUSE = 0.2
"""Seconds before the second attempt; twice as many before each further one."""

EXTRAS = {"s3": ("s3fs", "s3"), "s3a": ("s3fs", "s3")}
"""The package that reads each kind of address, and the extra that brings it."""

NO_CREDENTIALS = {
    "NoCredentialsError",
    "PartialCredentialsError",
    "ProfileNotFound",
    "TokenRetrievalError",
    "UnauthorizedSSOTokenError",
}
"""Errors of botocore that say that there are no credentials."""

UNREACHABLE = {
    "ClientConnectorError",
    "ClientConnectorDNSError",
    "ConnectTimeoutError",
    "EndpointConnectionError",
    "ServerTimeoutError",
    "FSTimeoutError",
}
"""Errors that say that nobody answers."""


class ChangedError(Exception):
    """An object is not what it was when it was first looked at."""


def filesystem(remote: RemoteFile) -> tuple[Any, str]:
    """The file system of fsspec that reads an address, and the path of it there.

    Credentials and the server's address are what the library finds in the environment.

    Raises
    ------
    MissingExtraError
        If fsspec, or the package for this kind of address, is not installed.
    UsageError
        If fsspec knows no such kind of address.
    """
    package, extra = EXTRAS.get(remote.scheme, ("fsspec", "s3"))
    try:
        import fsspec
    except ImportError:
        raise MissingExtraError(package, extra, f"reading {remote}") from None
    if remote.scheme not in fsspec.available_protocols():
        raise UsageError(
            f"{remote}: {remote.scheme}:// is no kind of address that fsspec reads; expected "
            "s3://bucket/file, or the path of a file of this machine"
        )
    try:
        fs, path = fsspec.url_to_fs(remote.url)
    except ImportError as error:
        if remote.scheme in EXTRAS:
            raise MissingExtraError(package, extra, f"reading {remote}") from None
        named = re.search(r"install ([\w-]+)", str(error), re.IGNORECASE)
        needed = named[1] if named else getattr(error, "name", None) or remote.scheme
        raise MissingExtraError(needed, "", f"reading {remote}") from None
    except Exception as error:
        raise UsageError(f"{remote}: cannot be read ({_said(remote, error)})") from None
    return fs, path


ETAGS = ("ETag", "etag", "md5Hash", "generation", "content_md5")
"""Under which of these names a store says what state an object is in."""


def entry_of(stream: Any, fs: Any, path: str) -> Mapping[str, Any]:
    """What a store says of an object that was opened."""
    details: Mapping[str, Any] = getattr(stream, "details", None) or {}
    return details if any(details.get(name) for name in ETAGS) else fs.info(path)


def identity_of(entry: Mapping[str, Any]) -> str:
    """What tells one state of an object from another: its ETag, or its size and time."""
    for name in ETAGS:
        if entry.get(name):
            return str(entry[name])
    times = (entry.get(name) for name in ("mtime", "LastModified", "last_modified", "created"))
    return f"{entry.get('size')} {next((time for time in times if time), '')}"


def forget(fs: Any, path: str) -> None:
    """Drop what a file system remembers of a file, or of a folder and all that is in it."""
    fs.invalidate_cache(path)
    remembered = getattr(fs, "dircache", None) or ()
    for folder in [known for known in remembered if known.startswith(path)]:
        fs.invalidate_cache(folder)


def asked(remote: RemoteFile, question: Callable[[], Result]) -> Result:
    """Ask the store something; what its library raises becomes an error of ours.

    Raises
    ------
    PathError
        If there is no such bucket or object.
    DataError
        If it may not be read, or nobody answers.
    """
    try:
        return question()
    except TeaError:
        raise
    except Exception as error:
        explain(remote, error)


def tried(remote: RemoteFile, read: Callable[[], Result]) -> Result:
    """Read, again if that is interrupted, up to :data:`ATTEMPTS` times.

    Raises
    ------
    PathError, DataError
        As :func:`asked`; also if the object was changed, or every attempt is interrupted.
    """
    for attempt in range(ATTEMPTS):
        try:
            return read()
        except TeaError:
            raise
        except Exception as error:
            if attempt + 1 == ATTEMPTS or _is_final(error):
                explain(remote, error)
        time.sleep(PAUSE * 2**attempt)
    raise AssertionError


def _is_final(error: Exception) -> bool:
    """Whether trying again makes no difference."""
    names = _names(error)
    final = isinstance(error, (FileNotFoundError, PermissionError, ChangedError, ImportError))
    return final or bool(names & (NO_CREDENTIALS | UNREACHABLE | {"FileExpired"}))


def read_object(
    remote: RemoteFile, fs: Any, path: str, identity: str | None = None
) -> tuple[bytes, str]:
    """Read a whole object in one request.

    Parameters
    ----------
    remote
        What errors name.
    fs, path
        The file system, and the object there.
    identity
        What its :func:`identity_of` must be, if that is known.

    Returns
    -------
    content, identity
        Its bytes, and what it was.
    """

    def read() -> tuple[bytes, str]:
        with fs.open(path, "rb", cache_type="none") as stream:
            entry = entry_of(stream, fs, path)
            found = identity_of(entry)
            if identity not in (None, found):
                raise ChangedError
            content = bytes(stream.read())
        if len(content) != (entry.get("size") or len(content)):
            raise OSError(f"{len(content)} bytes came of {entry['size']}")
        return content, found

    return tried(remote, read)


def _names(error: BaseException) -> set[str]:
    """Names of the classes of an error, and of the error that it was raised from."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return names | (_names(error.__cause__) if error.__cause__ is not None else set())


def _said(remote: RemoteFile, error: Exception) -> str:
    """What an error says, on one line, without secrets."""
    text = " ".join((remote.cleaned(str(error)) or type(error).__name__).split())
    return "".join(c if c.isprintable() else "?" for c in text[:300])


def explain(remote: RemoteFile, error: Exception) -> NoReturn:
    """Raise what an error of fsspec or of a store's library means, and what to do."""
    names = _names(error)
    said = _said(remote, error)
    s3 = remote.scheme in EXTRAS
    if isinstance(error, ChangedError) or "FileExpired" in names:
        raise DataError(
            f"{remote}: was changed while it was read; wait until what writes it is done, and try "
            "again"
        ) from None
    if isinstance(error, FileNotFoundError) and not names & UNREACHABLE:
        raise PathError(f"{remote}: {_why_missing(remote)}") from None
    if isinstance(error, PermissionError) or names & NO_CREDENTIALS:
        hint = (
            "; say who you are with AWS_PROFILE, or with AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY; for what everybody may read: FSSPEC_S3_ANON=true"
        )
        raise DataError(f"{remote}: may not be read ({said}){hint if s3 else ''}") from None
    if names & UNREACHABLE:
        hint = "; AWS_ENDPOINT_URL says which server is asked" if s3 else ""
        raise DataError(f"{remote}: nobody answers ({said}){hint}") from None
    if isinstance(error, ImportError):
        raise DataError(
            f"{remote}: cannot be read ({said}); to install it again: {install_command('s3')}"
        ) from None
    raise DataError(
        f"{remote}: cannot be read ({said}), after {ATTEMPTS} attempts; try again, or copy it "
        f"first: {remote.copying}"
    ) from None


def _why_missing(remote: RemoteFile) -> str:
    """Whether the bucket, the folder or the object is missing; what may have been meant."""
    import difflib

    if remote.scheme not in EXTRAS:
        return "no such file"
    fs, path = filesystem(remote)
    folder, _, name = path.rstrip("/").rpartition("/")
    bucket = path.lstrip("/").partition("/")[0]
    try:
        beside = [entry.rstrip("/").rpartition("/")[2] for entry in fs.ls(folder, detail=False)]
    except FileNotFoundError:
        try:
            fs.ls(bucket, detail=False)
        except FileNotFoundError:
            return f"there is no bucket {bucket}"
        except Exception:
            return "no such object"
        return f"no such object; there is no folder {folder.partition('/')[2] or folder} either"
    except Exception:
        return "no such object"
    close = difflib.get_close_matches(name, beside, n=1, cutoff=0.8)
    return f"no such object (did you mean {close[0]!r}?)" if close else "no such object"
