"""Parquet: a table with one row per frame, which pandas, polars and others read.

Columns ``frame_id``, ``energy``, ``positions`` and ``forces``, and ``cell``, ``stress``,
``trajectory`` and ``temperature`` where the frames have them.  Arrays are lists of fixed
length in row-major order: positions x, y, z of the first atom, then of the second; the cell
vector by vector.  What all frames share, atomic numbers first, is in the metadata of the
schema, with the units.  Floats are in single precision where that loses nothing, as in HDF5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from teadata.errors import DataError
from teadata.files import atomic_write
from teadata.formats.layout import (
    NOTHING,
    UNITS,
    check_layout,
    compact,
    metadata,
    restored,
    stated_units,
)
from teadata.frames import OPTIONAL, Frames
from teadata.units import INSIDE, UnitSystem

COLUMNS = {
    "ids": "frame_id",
    "energies": "energy",
    "positions": "positions",
    "forces": "forces",
    "cell": "cell",
    "stress": "stress",
    "trajectories": "trajectory",
    "temperatures": "temperature",
}
"""Name of the column for each field; the unit is in the metadata of its schema field."""

ROW_GROUP = 1024
"""Frames in one row group, and converted at a time."""


def _arrow_type(array: np.ndarray) -> pa.DataType:
    """Type of a column: 64 bits for numbers, and for arrays only if 32 would lose digits."""
    if array.ndim == 1:
        return pa.from_numpy_dtype(array.dtype)
    value = pa.field("element", pa.from_numpy_dtype(compact(array).dtype), nullable=False)
    return pa.list_(value, int(np.prod(array.shape[1:])))


def schema_of(
    frames: Frames,
    *,
    name: str = "frames",
    theory: str = "unknown",
    units: UnitSystem = INSIDE,
    texts: Mapping[str, str] = NOTHING,
) -> pa.Schema:
    """Schema of the table, with atomic numbers, pbc, units and layout in its metadata."""
    shared = metadata(name, theory, units, texts) | {
        "numbers": json.dumps(frames.numbers.tolist()),
        "pbc": json.dumps(frames.pbc.tolist()),
    }
    columns = []
    for field, column in COLUMNS.items():
        array = getattr(frames, field)
        if array is not None:
            unit = {"unit": units.names[field]} if field in UNITS else None
            columns.append(pa.field(column, _arrow_type(array), False, unit))
    return pa.schema(columns, shared)


def _table(frames: Frames, schema: pa.Schema) -> pa.Table:
    columns = []
    for field, column in COLUMNS.items():
        if column not in schema.names:
            continue
        kind, array = schema.field(column).type, getattr(frames, field)
        if pa.types.is_fixed_size_list(kind):
            dtype = np.float32 if pa.types.is_float32(kind.value_type) else np.float64
            values = pa.array(array.reshape(-1).astype(dtype))
            columns.append(pa.FixedSizeListArray.from_arrays(values, type=kind))
        else:
            columns.append(pa.array(array, kind))
    return pa.table(columns, schema=schema)


def write(
    path: Path,
    frames: Frames,
    *,
    name: str = "frames",
    theory: str = "unknown",
    units: UnitSystem = INSIDE,
    texts: Mapping[str, str] = NOTHING,
) -> None:
    """Write frames, whose numbers are in `units`, as parquet, a row group at a time.

    The same frames give the same bytes with the same pyarrow.  ``texts`` go into the metadata.

    Raises
    ------
    DataError
        If the file cannot be written.
    """
    schema = schema_of(frames, name=name, theory=theory, units=units, texts=texts)
    # Floats compress well with their bytes regrouped, and badly as a dictionary.
    floats = [
        f"{f.name}.list.element" if pa.types.is_fixed_size_list(f.type) else f.name
        for f in schema
        if not pa.types.is_integer(f.type)
    ]
    with (
        atomic_write(path) as partial,
        pq.ParquetWriter(
            partial,
            schema,
            compression="zstd",
            use_dictionary=False,
            use_byte_stream_split=floats,
            write_page_checksum=True,
        ) as writer,
    ):
        for start in range(0, len(frames), ROW_GROUP):
            writer.write_table(_table(frames[start : start + ROW_GROUP], schema))


def _frames(file: pq.ParquetFile, path: Path) -> Frames:
    schema = file.schema_arrow
    shared = {k.decode(): v.decode() for k, v in (schema.metadata or {}).items()}
    check_layout(path, shared.get("layout"))
    missing = [c for f, c in COLUMNS.items() if c not in schema.names and f not in OPTIONAL]
    if missing:
        raise DataError(f"{path}: the file has no column {', '.join(missing)}")
    numbers = json.loads(shared["numbers"])
    shapes = {"positions": (len(numbers), 3), "forces": (len(numbers), 3)}
    shapes |= {"cell": (3, 3), "stress": (3, 3)}
    count = file.metadata.num_rows
    arrays: dict[str, Any] = {
        field: np.empty((count, *shapes.get(field, ())), np.float64 if field in UNITS else np.int64)
        for field, column in COLUMNS.items()
        if column in schema.names
    }
    start = 0
    for batch in file.iter_batches(ROW_GROUP):
        rows = slice(start, start + len(batch))
        for field, array in arrays.items():
            column = batch.column(COLUMNS[field])
            if pa.types.is_fixed_size_list(column.type):
                column = column.flatten()
            array[rows] = column.to_numpy(zero_copy_only=False).reshape(array[rows].shape)
        start = rows.stop
    frames = Frames(numbers=numbers, pbc=json.loads(shared["pbc"]), **arrays)
    return restored(frames, stated_units(path, shared))


def read(path: Path) -> Frames:
    """Read frames that :func:`write` wrote, and convert them to kcal/mol and Å.

    Raises
    ------
    DataError
        If the file is missing, damaged, not parquet, or without the columns of frames.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return _frames(file, path)
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise DataError(f"{path}: not a readable parquet file of frames ({error})") from None
