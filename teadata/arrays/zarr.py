"""Arrays of a Zarr group, in a folder or a zip archive."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from teadata.errors import MissingExtraError

if TYPE_CHECKING:
    pass


from collections.abc import Sequence
from pathlib import PurePath, PurePosixPath

import numpy as np

from teadata.arrays.base import SeekableFile
from teadata.arrays.decompression import decompression_limit
from teadata.typing import Array


class ZarrFile(SeekableFile):
    """A Zarr group, version 2 or 3: one array per name; the group's attributes are text."""

    def _open(self) -> None:
        self._found_complete: set[str] = set()
        with self._group() as group:
            # One by one: asked for all arrays at once, zarr reports only one of its errors.
            arrays = {name: group[name] for name in self._members()}
            arrays = {name: array for name, array in arrays.items() if hasattr(array, "nbytes")}
            self._known = {name: (array.shape, array.dtype) for name, array in arrays.items()}
            decompression_limit(
                self.path, sum(array.nbytes for array in arrays.values()), self.label
            )
            self.attributes = {name: str(value) for name, value in group.attrs.items()}

    def _members(self) -> list[str]:
        """Names of what the group contains."""
        if self.path.is_dir():
            files: list[PurePath] = [
                path.relative_to(self.path) for path in self.path.glob("*/[z.]*")
            ]
        else:
            with zipfile.ZipFile(self.path) as archive:
                files = [PurePosixPath(name) for name in archive.namelist()]
        metadata = ("zarr.json", ".zarray")
        return sorted({p.parts[0] for p in files if len(p.parts) == 2 and p.name in metadata})

    @contextmanager
    def _group(self) -> Iterator[Any]:
        with self._reading("Zarr store"), open_group(self.path) as group:
            yield group

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
        if array.nchunks_initialized < array.nchunks:
            missing = array.nchunks - array.nchunks_initialized
            raise self.error(f"{missing} of {array.nchunks} chunks of {name} are missing")
        self._found_complete.add(name)
        return array


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
def open_group(path: Path, version: Literal[2, 3] | None = None) -> Iterator[Any]:
    """Open the group of a store, a folder or a zip archive, for reading.

    Parameters
    ----------
    path
        Folder or archive.
    version
        Of the Zarr format; by default either.

    Raises
    ------
    MissingExtraError
        If zarr is not installed.
    """
    zarr = zarr_library()
    if path.is_dir():
        store = zarr.storage.LocalStore(path, read_only=True)
        yield zarr.open_group(store, mode="r", zarr_format=version)
        return
    zipfile.ZipFile(path).close()  # where this fails, a ZipStore cannot even be closed
    with zarr.storage.ZipStore(path, read_only=True) as store:
        yield zarr.open_group(store, mode="r", zarr_format=version)
