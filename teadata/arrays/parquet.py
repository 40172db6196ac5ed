"""Columns of a parquet file; a column of lists of one length becomes an array."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from teadata.arrays.base import ArrayFile
from teadata.arrays.decompression import decompression_limit
from teadata.typing import Array

COUNT = """
import sys, pyarrow.parquet as pq
m = pq.ParquetFile(sys.argv[1]).metadata
groups = [m.row_group(i) for i in range(m.num_row_groups)]
print(sum(8 * g.column(j).num_values for g in groups for j in range(g.num_columns)))
"""
"""Prints the bytes of all values.  On a damaged footer pyarrow ends the process that asks for a
column's metadata, as of version 26, so that the process that asks is another one."""


class ParquetFile(ArrayFile):
    """A parquet file: one array per column; the schema's metadata are text.

    A column of lists is an array (N, length), one of lists of lists (N, length, length).  A cell
    without a value is NaN in a column of floats, and an error in others.  Checksums of pages are
    compared where the file has them.
    """

    flat = True

    def _open(self) -> None:
        with self._file() as file:
            self._count = file.metadata.num_rows
            schema = file.schema_arrow
            self._types = {field.name: field.type for field in schema}
            self._twice = {name for name, n in Counter(schema.names).items() if n > 1}
            metadata = schema.metadata or {}
            size = _decoded(file.metadata, schema.types)
            if None in map(_width, schema.types):  # lists: only metadata of columns say how long
                size = max(size, self._listed_bytes())
            decompression_limit(self.path, size, self.label)
        self.attributes = {
            key.decode(errors="replace"): value.decode(errors="replace")
            for key, value in metadata.items()
            if key not in (b"ARROW:schema", b"pandas")
        }
        self._shapes: dict[str, tuple[int, ...]] = {}

    def _listed_bytes(self) -> int:
        """Bytes of the values of all columns, lists included."""
        command = [sys.executable, "-I", "-c", COUNT, str(self.path.absolute())]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not done.stdout.strip().isdecimal():
            raise self.error(
                "is damaged: what it says of its columns cannot be read; copy it again"
            )
        return int(done.stdout)

    @contextmanager
    def _file(self) -> Iterator[pq.ParquetFile]:
        with (
            self._reading("parquet file"),
            pq.ParquetFile(self.path, page_checksum_verification=True) as file,
        ):
            yield file

    def _explained(self, error: Exception, kind: str) -> str:
        said = str(error)
        if "magic bytes" in said or "smaller than" in said:
            return (
                "is no whole parquet file: it does not end as one does; it was cut off, or is of "
                "another kind"
            )
        if "crc" in said.lower():
            return "is damaged: the checksum of a page is wrong; copy it again"
        return super()._explained(error, kind)

    @property
    def names(self) -> Sequence[str]:
        """Names of the columns."""
        return list(self._types)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a column as an array."""
        if not _is_list(self._types[name]):
            return (self._count,)
        if name not in self._shapes:
            first = next(self.pieces([name], 1), {name: np.empty((0, 0))})
            self._shapes[name] = first[name].shape[1:]
        return (self._count, *self._shapes[name])

    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of a column's values."""
        kind = self._types[name]
        while _is_list(kind):
            kind = _listed(kind)
        try:
            dtype: np.dtype[Any] = np.dtype(
                np.float64 if pa.types.is_decimal(kind) else kind.to_pandas_dtype()
            )
            return dtype
        except (NotImplementedError, TypeError):
            return np.dtype(object)

    def whole(self, name: str) -> Array:
        """Read a whole column."""
        parts = [piece[name] for piece in self.pieces([name], 1 << 16)]
        return np.concatenate(parts) if parts else np.empty(self.shape(name), self.dtype(name))

    def pieces(self, names: Sequence[str], rows: int) -> Iterator[dict[str, Array]]:
        """Read columns together, `rows` rows at a time."""
        for name in names:
            if name in self._twice:
                raise self.error(f"has two columns named {name}; keep the right one")
        count = 0
        with self._file() as file:
            for batch in file.iter_batches(rows, columns=list(names)):
                count += len(batch)
                if count > self._count:
                    raise self.error(f"has more rows than the {self._count} that it says")
                yield {name: self._array(batch.column(name), name) for name in names}
        if count < self._count:
            raise self.error(f"has {count} rows, and says that it has {self._count}")

    def _array(self, column: pa.Array, name: str) -> Array:
        """A column of numbers, or lists of equally many, or lists of such lists."""
        shape: list[int] = [len(column)]
        while True:
            if isinstance(column, pa.ExtensionArray):
                if hasattr(column.type, "shape"):  # a tensor of fixed shape
                    return np.asarray(column.to_numpy_ndarray())
                column = column.storage
            # Without a value: in a column of floats this is how pandas writes NaN.
            empty = column.null_count
            if empty and not pa.types.is_floating(column.type):
                raise self.error(f"{name} has {empty} empty cells")
            if not _is_list(column.type):
                break
            values = column.flatten()
            width, rest = divmod(len(values), max(1, len(column)))
            if not pa.types.is_fixed_size_list(column.type):
                lengths = column.value_lengths().to_numpy(zero_copy_only=False)
                rest = int((lengths != width).sum())
            if rest:
                raise self.error(f"{name} has lists of different lengths, expected one for all")
            shape.append(width)
            column = values
        if pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
        return np.asarray(column.to_numpy(zero_copy_only=False)).reshape(shape)


def _listed(kind: pa.DataType) -> pa.DataType:
    """The type of a list's values."""
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind.value_type


def _is_list(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _decoded(metadata: pq.FileMetaData, types: Sequence[pa.DataType]) -> int:
    """Bytes that the file stands for: of its values but those of lists, or of its pages."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    widths = [_width(kind) for kind in types]
    values = metadata.num_rows * sum(width for width in widths if width is not None)
    return int(max(values, sum(group.total_byte_size for group in groups)))


def _width(kind: pa.DataType) -> int | None:
    """Bytes of a row of a column; None where rows may differ."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_fixed_size_list(kind):
        width = _width(kind.value_type)
        return None if width is None else kind.list_size * width
    if _is_list(kind):
        return None
    try:
        return max(1, int(kind.bit_width) // 8)
    except ValueError:  # texts
        return 1
