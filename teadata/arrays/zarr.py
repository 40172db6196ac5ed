"""Arrays of a Zarr group, in a folder or a zip archive."""

from __future__ import annotations

import json
import math
import os
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np

from teadata.arrays.base import SeekableFile
from teadata.arrays.decompression import decompression_limit
from teadata.arrays.zip_members import common_folder, members
from teadata.errors import DataError, MissingExtraError
from teadata.locations import Location, RemoteFile
from teadata.objects.folder import RemoteFolder
from teadata.typing import Array

GROUP = ("zarr.json", ".zgroup", ".zattrs", ".zmetadata")
"""Files that say what a group is, in version 3 and 2."""

ARRAY = ("zarr.json", ".zarray", ".zattrs")
"""Files that say what an array is."""

LONGEST = 1 << 24
"""Bytes that a file of metadata may have."""

CODECS = frozenset(
    ("bytes", "transpose", "gzip", "zlib", "bz2", "lzma", "zstd", "lz4", "blosc", "crc32c",
     "crc32", "adler32", "fletcher32", "jenkins_lookup3", "shuffle", "delta", "fixedscaleoffset",
     "quantize", "bitround", "packbits", "astype", "cast_value", "scale_offset",
     "sharding_indexed", "vlen-utf8", "vlen-bytes")
)  # fmt: skip
"""Codecs that are used: of numbers, and none that can run code, as pickle can."""


class Contents:
    """The files of a store, looked at before zarr is: names, sizes, metadata.

    Parameters
    ----------
    path
        A folder, of this machine or an object store, or a zip archive.
    error
        Makes an error that names the store.

    Attributes
    ----------
    prefix : str
        The folder inside an archive that the group lies in, with its slash.
    arrays : list of str
        Names of the arrays of the group.
    chunks : Counter of str
        Number of files of each array.

    Raises
    ------
    DataError
        If a file of it lies elsewhere or is no regular file, metadata are too long or no JSON,
        or a codec is none of :data:`CODECS`.
    """

    def __init__(self, path: Path | RemoteFolder, error: Callable[[str], DataError]) -> None:
        self.error = error
        packed = isinstance(path, Path) and not path.is_dir()
        sizes = _sizes(path, error)
        self.prefix = ""
        if packed and not any(name in sizes for name in GROUP):
            self.prefix = common_folder(sizes)
        inside = {name.removeprefix(self.prefix): size for name, size in sizes.items()}
        parts = [name.split("/") for name in inside]
        self.chunks = Counter(part[0] for part in parts if len(part) > 1)
        two = {(part[0], part[1]) for part in parts if len(part) == 2}
        described = {
            name: [f"{name}/{file}" for file in ARRAY if (name, file) in two]
            for name in sorted({name for name, _ in two})
        }
        self.arrays = [
            name
            for name, files in described.items()
            if any(not file.endswith(".zattrs") for file in files)
        ]
        wanted = [name for name in GROUP if name in inside]
        wanted += [file for files in described.values() for file in files]
        for name in wanted:
            if inside[name] > LONGEST:
                raise error(f"{name} has {inside[name]} bytes, more than metadata have")
        for name, content in _read(path, self.prefix, wanted, packed):
            self._check(name, content)

    def _check(self, name: str, content: bytes) -> None:
        """Refuse metadata that are no JSON, or name a codec that is not used."""
        try:
            found = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self.error(f"{name} is not readable as JSON ({error})") from None
        for codec in _codecs(found):
            known = codec.removeprefix("numcodecs.") if isinstance(codec, str) else codec
            if known not in CODECS:
                raise self.error(
                    f"{name} asks for the codec {str(codec)[:40]!r}, which is not used, since a "
                    "codec can run code; write the array with zstd, gzip or blosc"
                )


def _codecs(found: Any) -> Iterator[Any]:
    """Names of all codecs in the metadata of an array, those inside shards too."""
    if not isinstance(found, dict):
        return
    listed = [found.get("compressor"), *(found.get("filters") or [])]
    yield from (entry.get("id") for entry in listed if isinstance(entry, dict))
    waiting = [found]
    while waiting:
        place = waiting.pop()
        for key in ("codecs", "index_codecs"):
            for entry in place.get(key) or []:
                if isinstance(entry, str):
                    yield entry
                elif isinstance(entry, dict):
                    yield entry.get("name")
                    if isinstance(entry.get("configuration"), dict):
                        waiting.append(entry["configuration"])


def _sizes(path: Path | RemoteFolder, error: Callable[[str], DataError]) -> dict[str, int]:
    """Sizes of the files of a store by their names in it."""
    if isinstance(path, RemoteFolder):
        return path.sizes
    return _in_folder(path, error) if path.is_dir() else _packed(path, error)


def _packed(path: Path, error: Callable[[str], DataError]) -> dict[str, int]:
    with zipfile.ZipFile(path) as archive:
        return {name: info.file_size for name, info in members(archive, error).items()}


def _in_folder(path: Path, error: Callable[[str], DataError]) -> dict[str, int]:
    """Sizes of the files of a folder; none lies outside it, or is anything but a file."""
    root = path.resolve()
    sizes = {}
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            entry = Path(folder, name)
            inside = entry.relative_to(path).as_posix()
            found = entry.lstat()
            if stat.S_ISLNK(found.st_mode):
                if not entry.resolve().is_relative_to(root) or not entry.is_file():
                    raise error(
                        f"{inside} is a link out of the store or to a folder, which is not "
                        "followed; copy what it leads to into its place"
                    )
                found = entry.stat()
            if stat.S_ISREG(found.st_mode):
                sizes[inside] = found.st_size
            elif not stat.S_ISDIR(found.st_mode):
                raise error(f"{inside} is neither a file nor a folder")
    return sizes


def _read(
    path: Path | RemoteFolder, prefix: str, names: Sequence[str], packed: bool
) -> Iterator[tuple[str, bytes]]:
    if isinstance(path, RemoteFolder):
        yield from ((name, path.read(name)) for name in names)
        return
    if not packed:
        yield from ((name, (path / name).read_bytes()) for name in names)
        return
    with zipfile.ZipFile(path) as archive:
        yield from ((name, archive.read(prefix + name)) for name in names)


class ZarrFile(SeekableFile):
    """A Zarr group, version 2 or 3: one array per name; the group's attributes are text.

    Parameters
    ----------
    path
        A folder or a zip archive, or the address of a folder on an object store.
    label
        How errors name it; by default the path.
    """

    folders = True

    def __init__(self, path: Location, label: str | None = None) -> None:
        self._store = RemoteFolder(path) if isinstance(path, RemoteFile) else path
        name = Path(path.name) if isinstance(path, RemoteFile) else path
        super().__init__(name, label or str(path))

    def _check_there(self) -> None:
        if isinstance(self._store, Path):
            super()._check_there()

    def _packed(self) -> str | None:
        return "zip"

    def _open(self) -> None:
        self._found_complete: set[str] = set()
        with self._reading("Zarr store"):
            self._contents = Contents(self._store, self.error)
        with self._group() as group:
            # One by one: asked for all arrays at once, zarr reports only one of its errors.
            arrays = {name: group[name] for name in self._contents.arrays}
            arrays = {name: array for name, array in arrays.items() if hasattr(array, "nbytes")}
            self._known = {name: (array.shape, array.dtype) for name, array in arrays.items()}
            decompression_limit(
                self._store, sum(array.nbytes for array in arrays.values()), self.label
            )
            self.attributes = {name: str(value) for name, value in group.attrs.items()}
            if isinstance(self._store, RemoteFolder):  # a worker has no list of its objects
                for name in self._known:
                    with suppress(DataError):
                        self._complete(group, name)

    @contextmanager
    def _group(self) -> Iterator[Any]:
        with (
            self._reading("Zarr store"),
            open_group(self._store, prefix=self._contents.prefix) as group,
        ):
            yield group

    def _explained(self, error: Exception, kind: str) -> str:
        if isinstance(error, zipfile.BadZipFile):
            return (
                f"is no readable zip archive ({error}); copy it again, or write it again if its "
                "writer was interrupted"
            )
        return super()._explained(error, kind)

    def hashing(self) -> Callable[[], str]:
        """Start computing the SHA-256; of a folder on an object store, take what was read."""
        return self._store.sha256 if isinstance(self._store, RemoteFolder) else super().hashing()

    @property
    def names(self) -> Sequence[str]:
        """Names of the arrays."""
        return list(self._known)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array."""
        shape: tuple[int, ...] = self._known[name][0]
        return shape

    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of an array's values."""
        dtype: np.dtype[Any] = self._known[name][1]
        return dtype

    def whole(self, name: str) -> Array:
        """Read a whole array."""
        with self._group() as group:
            return np.asarray(self._complete(group, name)[...])

    def section(self, name: str, start: int, stop: int) -> Array:
        """Read rows `start` to `stop` − 1 of an array."""
        with self._group() as group:
            return np.asarray(self._complete(group, name)[start:stop])

    def pieces(self, names: Sequence[str], rows: int) -> Iterator[dict[str, Array]]:
        """Read arrays together, `rows` rows at a time."""
        count = self.shape(names[0])[0] if names else 0
        with self._group() as group:
            arrays = {name: self._complete(group, name) for name in names}
            for start in range(0, count, rows):
                yield {
                    name: np.asarray(array[start : start + rows]) for name, array in arrays.items()
                }

    def _complete(self, group: Any, name: str) -> Any:
        array = group[name]
        if name in self._found_complete:  # checked once per array: it lists all chunks
            return array
        if problem := missing_chunks(array, self._contents.chunks[name]):
            raise self.error(f"{problem} of {name} are missing")
        self._found_complete.add(name)
        return array


def missing_chunks(array: Any, files: int | None = None) -> str | None:
    """How many chunks of an array are not there, as ``2 of 9 chunks``; None if all are.

    Parameters
    ----------
    array
        An array of Zarr.
    files
        Number of files that it has, where it is known: fewer than its chunks are not compared
        with them one by one.
    """
    steps = getattr(array, "shards", None) or array.chunks
    wanted = math.prod(
        -(-length // max(1, step)) for length, step in zip(array.shape, steps, strict=True)
    )
    if files is not None and files < wanted:
        there = files - 1  # its metadata are one
        return f"{wanted - there} of {wanted} chunks"
    missing = array.nchunks - array.nchunks_initialized
    return f"{missing} of {array.nchunks} chunks" if missing > 0 else None


def zarr_library() -> Any:
    """Import zarr.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import zarr
    except ImportError:
        raise MissingExtraError("zarr", "zarr", "Zarr") from None
    return zarr


@contextmanager
def open_group(
    path: Path | RemoteFolder, version: Literal[2, 3] | None = None, prefix: str = ""
) -> Iterator[Any]:
    """Open the group of a store, a folder or a zip archive, for reading.

    Parameters
    ----------
    path
        Folder, of this machine or an object store, or archive.
    version
        Of the Zarr format; by default either.
    prefix
        Folder of the archive that the group lies in.

    Raises
    ------
    MissingExtraError
        If zarr is not installed.
    """
    zarr = zarr_library()

    def opened(store: Any) -> Any:
        # Consolidated metadata would be believed over those of the arrays, which were checked.
        return zarr.open_group(
            store,
            mode="r",
            path=prefix.rstrip("/") or None,
            zarr_format=version,
            use_consolidated=False,
        )

    if isinstance(path, RemoteFolder):
        from teadata.arrays.zarr_objects import ObjectsOfFolder

        yield opened(ObjectsOfFolder(path))
        return
    if path.is_dir():
        yield opened(zarr.storage.LocalStore(path, read_only=True))
        return
    zipfile.ZipFile(path).close()  # where this fails, a ZipStore cannot even be closed
    with zarr.storage.ZipStore(path, read_only=True) as store:
        yield opened(store)
