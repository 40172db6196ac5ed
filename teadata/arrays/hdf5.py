"""Arrays of an HDF5 file, at the top or in its only group."""

from __future__ import annotations

import math
import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import h5py
import numpy as np
from h5py._objects import phil

from teadata.arrays.base import SeekableFile, text
from teadata.arrays.decompression import decompression_limit
from teadata.arrays.hdf5_raw import Chunks, Contiguous, state
from teadata.typing import Array

DEPTH = 16
"""Groups within groups, and links to links, are followed so deep."""

FILTERS = {
    307: "bzip2",
    32001: "Blosc",
    32004: "LZ4",
    32008: "Bitshuffle",
    32013: "ZFP",
    32015: "Zstandard",
    32026: "Blosc2",
}
"""HDF5's numbers of the filters that are common and not built in."""


class _Known(NamedTuple):
    """What is known of an array: shape, type, and why it cannot be read if it cannot."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    problem: str | None

    @property
    def size(self) -> int:
        return 0 if self.problem else math.prod(self.shape) * self.dtype.itemsize


class HDF5File(SeekableFile):
    """An HDF5 file: one dataset per array; attributes of the file and its group are text.

    Links within the file are followed, those into other files never: what a file's checksum
    stands for is all in it.

    Raises
    ------
    DataError
        Also where an array lies in another file, was never written or only in part, or needs a
        filter that is not installed; when that array is used.
    """

    def _open(self) -> None:
        with self._reading("HDF5 file"), h5py.File(self.path, "r") as file:
            group = self._deepest(file)
            self._group = group.name
            self._known: dict[str, _Known] = {}
            self._complete: set[str] = set()
            self._contiguous: dict[str, tuple[tuple[int, ...], Contiguous]] = {}
            for name in group:
                if (known := _looked_at(group, name)) is not None:
                    self._known[name] = known
            groups = [name for name in group if name not in self._known]
            if not self._known and groups:
                raise self.error(self._of_groups(groups))
            decompression_limit(
                self.path, sum(known.size for known in self._known.values()), self.label
            )
            for place in {file.name: file, group.name: group}.values():
                for name in place.attrs:
                    self._attribute(place, name)
        self.attributes = {name: said for name, (said, _) in self._said_in.items()}

    def _deepest(self, file: h5py.File) -> Any:
        """The file, or its only group, or that one's only group …"""
        group: Any = file
        for _ in range(DEPTH):
            names = list(group)
            if len(names) != 1:
                return group
            problem = _elsewhere(group, names[0])
            if problem:
                raise self.error(f"{names[0]} {problem}")
            if not isinstance(group[names[0]], h5py.Group):
                return group
            group = group[names[0]]
        raise self.error(f"has groups within groups, {DEPTH} deep and more")

    def _of_groups(self, groups: Sequence[str]) -> str:
        """What is wrong with a file of groups only, and the command that takes one of them."""
        names = ", ".join(sorted(groups)[:3]) + (", …" if len(groups) > 3 else "")
        said = (
            f"holds no arrays, but {len(groups)} groups: {names}; expected an array for each "
            "field, with a row per frame, at the top or in the only group"
        )
        if self.label != str(self.path):
            return said
        first = min(groups)
        bare = re.sub(r"[^\w-]+", "_", first)
        kept = self.path.with_name(f"{self.path.stem}-{bare}.hdf5")
        script = (
            f"import h5py; h5py.File({str(kept)!r}, 'x').copy(h5py.File({str(self.path)!r}, 'r')"
            f"[{posixpath.join(self._group, first)!r}], 'frames')"
        )
        plain = not re.search(r'["$`!\\]', script)  # nothing that a shell reads in double quotes
        return f"{said}. To take one: python -c " + (
            f'"{script}"' if plain else shlex.quote(script)
        )

    def _attribute(self, place: Any, name: str) -> None:
        """Keep an attribute that is one value."""
        try:
            value = place.attrs[name]
        except (OSError, TypeError, ValueError):  # of a type that NumPy has not; bad UTF-8
            return
        if np.size(value) == 1:
            where = "the file's attributes" if place.name == "/" else f"those of {place.name}"
            self._say(name, text(value), where)

    def _explained(self, error: Exception, kind: str) -> str:
        said = str(error)
        if "unable to lock file" in said:
            return "is open in another program that writes it; close it there, and try again"
        if "already open for write" in said or "h5clear" in said:
            return (
                "is marked as open for writing: a program writes it still, or was killed while it "
                f"did; once none does, `h5clear -s {self.path.name}` removes the mark, but rows "
                "written last may be missing"
            )
        if "truncated file" in said:
            return f"is cut off: {self.path.stat().st_size} bytes are fewer than it says it has"
        if "file signature not found" in said:
            return "is no HDF5 file: it does not start as one does"
        return super()._explained(error, kind)

    @property
    def names(self) -> Sequence[str]:
        """Names of the arrays."""
        return list(self._known)

    def _use(self, name: str) -> _Known:
        known = self._known[name]
        if known.problem:
            raise self.error(f"{name} {known.problem}")
        return known

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array."""
        return self._use(name).shape

    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of an array's values."""
        return self._use(name).dtype

    def _dataset(self, file: h5py.File, name: str) -> Any:
        """An array of the file, all of which was written."""
        known = self._use(name)
        dataset = file[self._group][name]
        if (dataset.shape, dataset.dtype) != (known.shape, known.dtype):
            raise self.error(
                f"another program has replaced {name} since the file was opened; once it is done, "
                "try again"
            )
        if name not in self._complete:
            if problem := unreadable(dataset):
                raise self.error(f"{name} {problem}")
            self._complete.add(name)
        return dataset

    def whole(self, name: str) -> Array:
        """Read a whole array."""
        with self._reading("HDF5 file"), h5py.File(self.path, "r") as file:
            return np.asarray(self._dataset(file, name)[()])

    def section(self, name: str, start: int, stop: int) -> Array:
        """Read rows `start` to `stop` − 1 of an array; threads can do so at the same time."""
        stop = min(stop, self.shape(name)[0])
        with self._reading("HDF5 file"):
            now = state(self.path)
            then, numbers = self._contiguous.get(name, (None, None))
            if numbers is not None and then == now:
                return numbers.read(self.path, start, stop)
            with phil, h5py.File(self.path, "r") as file:  # some calls do not take the lock
                dataset = self._dataset(file, name)
                if (numbers := Contiguous.of(dataset)) is not None:
                    self._contiguous[name] = now, numbers
                chunks = Chunks.of(dataset, start, stop)
                if chunks is None:
                    return np.asarray(dataset[start:stop])
            return chunks.read(self.path)

    def pieces(self, names: Sequence[str], rows: int) -> Iterator[dict[str, Array]]:
        """Read arrays together, `rows` rows at a time."""
        count = self.shape(names[0])[0] if names else 0
        with self._reading("HDF5 file"), h5py.File(self.path, "r") as file:
            arrays = {name: self._dataset(file, name) for name in names}
            for start in range(0, count, rows):
                yield {
                    name: np.asarray(array[start : start + rows]) for name, array in arrays.items()
                }


def _looked_at(group: Any, name: str) -> _Known | None:
    """What is known of an array; None if the name is that of a group or a type."""
    if problem := _elsewhere(group, name):
        return _Known((), np.dtype(object), problem)
    item = group[name]
    if not isinstance(item, h5py.Dataset):
        return None
    if item.external or item.is_virtual:
        problem = "takes its values from another file; write them into this one"
    elif item.shape is None:
        problem = "is an empty dataset, without any shape"
    return _Known(tuple(item.shape or ()), item.dtype, problem)


def _elsewhere(group: Any, name: str, depth: int = 0) -> str | None:
    """Why a name of a group leads nowhere, or out of the file; None where it does not."""
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        return (
            f"is a link into another file ({link.filename!r}), which is not followed; copy what it "
            "leads to into this file"
        )
    if not isinstance(link, h5py.SoftLink):
        return None
    place = group.file if link.path.startswith("/") else group
    for part in link.path.strip("/").split("/"):
        known = isinstance(place, h5py.Group) and place.get(part, getlink=True, default=None)
        if depth >= DEPTH or not known:
            return f"is a link that leads nowhere ({link.path!r})"
        if problem := _elsewhere(place, part, depth + 1):
            return problem
        place = place[part]
    return None


def unreadable(dataset: Any) -> str | None:
    """Why the values of a dataset cannot be had, or not all; None if they can.

    What was never written is read as zeros, which nobody would tell from a result.
    """
    settings = dataset.id.get_create_plist()
    for i in range(settings.get_nfilters()):
        code, _, _, name = settings.get_filter(i)
        if not h5py.h5z.filter_avail(code):
            known = FILTERS.get(code, name.decode(errors="replace") or "unknown")
            return (
                f"is compressed by {known} (HDF5 filter {code}), which is not installed; install "
                "hdf5plugin and set HDF5_PLUGIN_PATH to hdf5plugin.PLUGIN_PATH, or write it with "
                "gzip"
            )
    if not dataset.size:
        return None
    if dataset.chunks is None:
        if settings.get_layout() == h5py.h5d.CONTIGUOUS and dataset.id.get_offset() is None:
            return "was created but never written; its writer was killed, or has not finished"
        return None
    wanted = math.prod(
        -(-length // step) for length, step in zip(dataset.shape, dataset.chunks, strict=True)
    )
    there = dataset.id.get_num_chunks() if dataset.id.get_storage_size() else 0
    if there < wanted:
        return (
            f"was not written to its end: {wanted - there} of {wanted} chunks are missing, and "
            "would be read as zeros; its writer was killed, or has not finished"
        )
    return None
