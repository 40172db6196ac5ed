"""Files of arrays with one row per frame, read a piece at a time.

What the formats have in common: names, shapes and types are known on opening, rows come in
order, and no more than a piece of them is in memory.  What the arrays mean is the caller's.
"""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from teadata.arrays.decompression import SUFFIXES, misnamed
from teadata.arrays.label_checksum import KEY, label_checksum
from teadata.errors import DataError, TeaError
from teadata.files import check_input
from teadata.objects.copies import LocalCopy
from teadata.provenance import hashing
from teadata.typing import Array

CHECKSUM = "crc32"
"""Under which extended XYZ that this package wrote has a frame's checksum."""

ROWS = 1024
"""Frames whose checksum is computed at a time."""


class ArrayFile(ABC):
    """A file of arrays.

    Parameters
    ----------
    path
        The file, or folder.
    label
        How errors name it; by default the path.

    Attributes
    ----------
    attributes : Mapping of str to str
        What the file says of itself as text.
    conventions : Mapping of str to str
        What files of this format hold where neither they nor the user say otherwise, as text:
        the units of ASE.
    flat : bool
        Whether a row of an array is one list, whatever the shape of its values was.
    folders : bool
        Whether the format may be a folder.
    copy : LocalCopy, optional
        What is read in place of a file of an object store.

    Raises
    ------
    DataError
        On opening, or while it is read: if it is missing, damaged or hostile.
    """

    flat = False
    folders = False
    copy: LocalCopy | None = None

    def __init__(self, path: Path, label: str | None = None) -> None:
        self.path = path
        self.label = label or str(path)
        self.attributes: Mapping[str, str] = {}
        self.conventions: Mapping[str, str] = {}
        self._said_in: dict[str, tuple[str, str]] = {}
        self._contradicting: dict[str, str] = {}
        self._check_there()
        self._open()

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
        if self.copy is not None:  # which may be another one in another process
            self.path = self.copy.path

    def _check_there(self) -> None:
        """Refuse what is no file to read."""
        try:
            check_input(self.path, folders=self.folders)
        except DataError as error:
            said = str(error).removeprefix(f"{self.path}: ")
            raise type(error)(f"{self.label}: {said}") from None
        if self.path.is_file() and (said := misnamed(self.path, self.label, self._packed())):
            raise self.error(said)

    def _packed(self) -> str | None:
        """How files of this name are compressed as a whole; None if they are not."""
        return SUFFIXES.get(self.path.suffix.lower())

    @abstractmethod
    def _open(self) -> None:
        """Learn names, shapes and types."""

    @property
    @abstractmethod
    def names(self) -> Sequence[str]:
        """Names of the arrays."""

    @abstractmethod
    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array."""

    @abstractmethod
    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of an array's values."""

    @abstractmethod
    def whole(self, name: str) -> Array:
        """Read a whole array."""

    @abstractmethod
    def pieces(self, names: Sequence[str], rows: int) -> Iterator[dict[str, Array]]:
        """Read arrays together, `rows` rows at a time, in order.

        Parameters
        ----------
        names
            Arrays of equally many rows.
        rows
            Rows of a piece; the last may have fewer.
        """

    def hashing(self) -> Callable[[], str]:
        """Start computing the SHA-256, or know it since the file was fetched; call to get it."""
        if self.copy is None:
            return hashing(self.path)
        digest = self.copy.sha256
        return lambda: digest

    def stated(
        self, names: Sequence[str], canonical: Callable[[str], str] | None = None
    ) -> str | None:
        """What the file says under these names, as text; None where it says nothing.

        An attribute counts, or an array of one value for all rows.

        Parameters
        ----------
        names
            Names that mean the same.
        canonical
            Gives the one spelling of a text: two that have the same do not contradict.

        Raises
        ------
        DataError
            If rows differ, or two of the names, or an attribute and an array.
        """
        said: dict[str, str] = {}
        for name in names:
            if name in self._contradicting:
                raise self.error(self._contradicting[name])
            if name in self.attributes:
                said[name] = self.attributes[name]
            if name in self.names:
                known = f"the array {name}" if name in said else name
                said[known] = self._one_value(name)
        spellings = {name: _spelled(found, canonical) for name, found in said.items()}
        if len(set(spellings.values())) > 1:
            raise self.error(
                f"{' and '.join(f'{name} = {found!r}' for name, found in said.items())} "
                "contradict each other; keep the right one"
            )
        return next(iter(said.values()), None)

    def labels_kept(self, energy: str, forces: str) -> bool | None:
        """Tell whether energies and forces are still those that the file's units were stated for.

        This package states units in what it exports.  Programs that put other labels in their
        place, an ASE calculator's in eV for instance, keep that statement, which is wrong then.

        Parameters
        ----------
        energy, forces
            The file's names of the energies (N,) and forces (N, A, 3) that are asked about.

        Returns
        -------
        bool or None
            True if they are as they were written, False if they are others or may be, None if
            this package did not write the file's units.
        """
        if CHECKSUM in self.names:  # from extended XYZ, to another format with all it said
            return False
        if (stated := self.stated((KEY,))) is None:
            return None
        if not {energy, forces} <= {*self.names}:
            return False
        rows = self.shape(energy)[:1], self.shape(forces)[:1]
        if rows[0] != rows[1] or not rows[0]:
            return False
        if any(self.dtype(name).kind not in "iuf" for name in (energy, forces)):
            return False
        pieces = self.pieces([energy, forces], ROWS)
        return label_checksum((piece[energy], piece[forces]) for piece in pieces) == stated

    def _one_value(self, name: str) -> str:
        array = self.whole(name)
        try:
            found = np.unique(array)
        except TypeError:
            raise self.error(f"expected a text under {name}, found {array.dtype}") from None
        if len(found) == 0:
            raise self.error(f"holds no frames: {name} has shape {array.shape}")
        if len(found) != 1:
            raise self.error(
                f"expected one {name} for all frames, found {len(found)}: "
                f"{', '.join(text(value) for value in found[:3])}"
            )
        return text(found)

    def _say(self, name: str, found: str, where: str) -> None:
        """Keep an attribute; one that is there already must be the same."""
        known = self._said_in.setdefault(name, (found, where))
        if known[0] != found:
            self._contradicting[name] = (
                f"{name} is {known[0]!r} in {known[1]} and {found!r} in {where}; keep the right one"
            )

    @contextmanager
    def _reading(self, kind: str) -> Iterator[None]:
        """Turn any error of the library that reads the file into a :class:`DataError`."""
        try:
            yield
        except TeaError:
            raise
        except MemoryError:
            raise self.error(
                f"not a readable {kind}: it asks for more memory than there is; it is damaged, or "
                "too large for this machine"
            ) from None
        except Exception as error:
            raise self.error(self._explained(error, kind)) from None

    def _explained(self, error: Exception, kind: str) -> str:
        """What is wrong with a file, and what to do, from a library's error."""
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EIO):
            return f"cannot be read ({error.strerror})"
        said = " ".join((str(error) or type(error).__name__).split())
        said = "".join(c if c.isprintable() else "?" for c in said[:300])
        return (
            f"not a readable {kind} ({said}); it is damaged, incomplete or of another kind: "
            "compare its checksum with the original's, or write it again"
        )

    def error(self, message: str) -> DataError:
        """Make an error that names the file."""
        return DataError(f"{self.label}: {message}")


class SeekableFile(ArrayFile):
    """A file from which rows can be read without reading those before them."""

    @abstractmethod
    def section(self, name: str, start: int, stop: int) -> Array:
        """Read rows `start` to `stop` − 1 of an array."""


def text(value: Any) -> str:
    """The text in an array of one string, str or bytes, of any shape.

    Bytes are UTF-8, or else Latin-1.

    Raises
    ------
    ValueError
        If it is not one value.
    """
    item = np.asarray(value).reshape(-1)
    if item.size != 1:
        raise ValueError(f"expected one value, found {item.size}")
    found = item[0]
    if isinstance(found, str):  # h5py gives bytes that are no UTF-8 as lone surrogates
        found = found.encode("utf-8", "surrogateescape")
    if not isinstance(found, bytes):
        return str(found)
    try:
        return found.decode()
    except UnicodeDecodeError:
        return found.decode("latin-1")


def _spelled(found: str, canonical: Callable[[str], str] | None) -> str:
    """The one spelling of a text; the text itself if it has none."""
    try:
        return found if canonical is None else canonical(found)
    except TeaError:
        return found
