"""Files of arrays with one row per frame, read a piece at a time.

What the formats have in common: names, shapes and types are known on opening, rows come in
order, and no more than a piece of them is in memory.  What the arrays mean is the caller's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from teadata.errors import DataError, TeaError
from teadata.typing import Array


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
    flat : bool
        Whether a row of an array is one list, whatever the shape of its values was.

    Raises
    ------
    DataError
        On opening, or while it is read: if it is missing, damaged or hostile.
    """

    flat = False

    def __init__(self, path: Path, label: str | None = None) -> None:
        self.path = path
        self.label = label or str(path)
        self.attributes: Mapping[str, str] = {}
        if not path.exists():
            raise self.error("no such file")
        self._open()

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

    def stated(self, names: Sequence[str]) -> str | None:
        """What the file states under the first of these names that it has; None if it has none.

        That is an attribute, or an array with one value for all rows.

        Raises
        ------
        DataError
            If rows differ.
        """
        for name in names:
            if name in self.attributes:
                return self.attributes[name]
            if name in self.names:
                values = np.unique(self.whole(name))
                if len(values) != 1:
                    raise self.error(
                        f"expected one {name} for all frames, found {len(values)}: "
                        f"{', '.join(text(value) for value in values[:3])}"
                    )
                return text(values)
        return None

    @contextmanager
    def _reading(self, kind: str) -> Iterator[None]:
        """Turn any error of the library that reads the file into a :class:`DataError`."""
        try:
            yield
        except TeaError:
            raise
        except Exception as error:
            text = str(error) or type(error).__name__
            raise self.error(f"not a readable {kind} ({text}); copy it again") from None

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

    Raises
    ------
    ValueError
        If it is not one value.
    """
    item = np.asarray(value).reshape(-1)
    if item.size != 1:
        raise ValueError(f"expected one value, found {item.size}")
    only = item[0]
    return only.decode() if isinstance(only, bytes) else str(only)
