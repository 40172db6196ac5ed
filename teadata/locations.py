"""Addresses of files on object stores, and paths of files on this machine."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from teadata.errors import PathError, UsageError, expect_path

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(/?)(?=.)")
"""How an address begins; a Path makes one slash of the two."""

CHAIN = re.compile(r"[A-Za-z0-9+.-]+::[A-Za-z0-9+.-]+:/")
"""How an address of several in a chain begins, as fsspec has them."""

LONG_VALUE = 7
"""Characters of a value of a query up to which it is taken for a word, such as ``host``."""


@dataclass(frozen=True)
class RemoteFile:
    """A file or folder on an object store.

    Its text is the address without user, password, query and fragment: a signed address carries
    secrets there.

    Parameters
    ----------
    url
        The whole address, which is what is opened.

    Raises
    ------
    UsageError
        If the address names no file.
    """

    url: str = field(repr=False)

    def __post_init__(self) -> None:
        try:
            urlsplit(self.url)
        except ValueError as error:
            raise UsageError(f"{self.scheme}://…: is no address ({error})") from None
        if "::" in self.url:
            raise UsageError(
                f"{str(self).partition('::')[0]}::…: is an address of several in a chain, which "
                "are not read; give that of the file itself"
            )
        parts = self._parts
        if not parts.netloc or not parts.path.strip("/"):
            raise UsageError(
                f"{self}: names no file; expected {parts.scheme}://bucket/folder/prediction.zarr"
            )

    def __str__(self) -> str:
        parts = self._parts
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    @property
    def _parts(self) -> SplitResult:
        """Its parts; only an address of the web has fragments, elsewhere # is of the name."""
        return urlsplit(self.url, allow_fragments=self.is_web)

    @property
    def is_web(self) -> bool:
        """Whether it is read by HTTP."""
        return self.scheme in ("http", "https")

    @property
    def scheme(self) -> str:
        """What is before ``://``."""
        return self.url.partition(":")[0].lower()

    @property
    def name(self) -> str:
        """The last part, without a query."""
        path = self._parts.path
        return PurePosixPath(unquote(path) if self.is_web else path).name

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """The suffix of the name, with its dot."""
        return PurePosixPath(self.name).suffix

    def beside(self, ending: str) -> RemoteFile:
        """The file whose name has this ending more."""
        parts = self._parts
        return RemoteFile(urlunsplit(parts._replace(path=parts.path.rstrip("/") + ending)))

    def cleaned(self, text: str) -> str:
        """A text without the secrets of this address, also where a library wrote it otherwise.

        Libraries of the web write an address anew, with other characters escaped; so every address
        in the text loses its user, password and query.
        """
        parts = self._parts
        user = parts.netloc.rpartition("@")[0]
        text = text.replace(self.url, str(self))
        values = [one.partition("=")[2] for one in parts.query.split("&")]
        written = [parts.query, parts.password or "", user]
        written += [value for value in values if len(value) > LONG_VALUE]
        secrets = {secret for secret in (*written, *map(unquote, written)) if len(secret) > 3}
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "…")
        text = re.sub(r"(?<=://)[^\s/?#'\"@]*@", "", text)
        return re.sub(r"(://[^\s?'\"]*)\?[^\s'\"]*", r"\1", text)

    @property
    def copying(self) -> str:
        """The command that copies it to this folder."""
        said = (
            f"import fsspec; fs, path = fsspec.url_to_fs({str(self)!r}); "
            f"fs.get(path, {self.name!r}, recursive=True)"
        )
        return shlex.join(["python", "-c", said])


Location = Path | RemoteFile
"""A file of this machine, or of an object store."""


def location(value: object, what: str = "the path or the address of a file") -> Location:
    """The file that is meant by a path, or by an address such as ``s3://bucket/file.zarr``.

    Raises
    ------
    UsageError
        If it is no text and no path, or an address that names no file.
    """
    if isinstance(value, RemoteFile):
        return value
    path = expect_path(value, what)
    text = value if isinstance(value, str) else str(path)
    if CHAIN.match(text):
        return RemoteFile(text)
    match = SCHEME.match(text)
    if match is None or (not match[2] and (isinstance(value, str) or path.parent.exists())):
        return path
    url = f"{match[1].lower()}://{text[match.end() :]}"
    if match[1].lower() == "file":
        return Path("/" + text[match.end() :].lstrip("/"))
    return RemoteFile(url)


def refuse_address(path: Path, *, output: bool = False) -> None:
    """Refuse an address where only a path of this machine is taken.

    Raises
    ------
    PathError
        If it is one.
    """
    if path.is_absolute() or SCHEME.match(str(path)) is None or path.exists():
        return
    where = location(path)
    if not isinstance(where, RemoteFile):
        return
    if output:
        raise PathError(
            f"{where}: is an address, and results are written to this machine only; write "
            f"{shlex.quote(where.name)}, and copy it there"
        )
    raise PathError(
        f"{where}: is an address, and here a file of this machine is expected; copy it first: "
        f"{where.copying}"
    )
