"""Columns of a parquet file; a column of lists of one length becomes an array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from teadata.arrays.base import ArrayFile
from teadata.typing import Array


class ParquetFile(ArrayFile):
    """A parquet file: one array per column; the schema's metadata are text.

    A column of lists is an array (N, length), whatever its values' shape was.
    """

    flat = True

    def _open(self) -> None:
        with self._file() as file:
            self._count = file.metadata.num_rows
            schema = file.schema_arrow
            self._types = {field.name: field.type for field in schema}
            metadata = schema.metadata or {}
        self.attributes = {
            key.decode(errors="replace"): value.decode(errors="replace")
            for key, value in metadata.items()
            if key not in (b"ARROW:schema", b"pandas")
        }
        self._widths: dict[str, int] = {}

    @contextmanager
    def _file(self) -> Iterator[pq.ParquetFile]:
        with (
            self._reading("parquet file"),
            pq.ParquetFile(self.path, page_checksum_verification=True) as file,
        ):
            yield file

    @property
    def names(self) -> Sequence[str]:
        """Names of the columns."""
        return list(self._types)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a column as an array."""
        kind = self._types[name]
        if not _is_list(kind):
            return (self._count,)
        if pa.types.is_fixed_size_list(kind):
            return (self._count, kind.list_size)
        if name not in self._widths:
            first = next(self.pieces([name], 1), {name: np.empty((0, 0))})
            self._widths[name] = first[name].shape[1]
        return (self._count, self._widths[name])

    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of a column's values."""
        kind = self._types[name]
        try:
            dtype: np.dtype[Any] = np.dtype(
                (kind.value_type if _is_list(kind) else kind).to_pandas_dtype()
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
        with self._file() as file:
            for batch in file.iter_batches(rows, columns=list(names)):
                yield {name: self._array(batch.column(name), name) for name in names}

    def _array(self, column: pa.Array, name: str) -> Array:
        if column.null_count:
            raise self.error(f"{name} has {column.null_count} empty cells")
        if not _is_list(column.type):
            return np.asarray(column.to_numpy(zero_copy_only=False))
        values = column.flatten()
        width, rest = divmod(len(values), max(1, len(column)))
        if not pa.types.is_fixed_size_list(column.type):
            lengths = column.value_lengths().to_numpy(zero_copy_only=False)
            rest = int((lengths != width).sum())
        if rest:
            raise self.error(f"{name} has lists of different lengths, expected one for all rows")
        return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(len(column), width)


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
