from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from teadata import formats
from teadata.errors import DataError
from teadata.formats import parquet


def test_parquet_is_a_table_that_explains_itself(small, tmp_path):
    for name in ("a.parquet", "b.parquet"):
        formats.write(tmp_path / name, small, name="mini-i", theory="GFN2-xTB")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    table = pq.read_table(tmp_path / "a.parquet")  # as anybody reads it
    assert table.column_names == ["frame_id", "energy", "positions", "forces", "trajectory"]
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert json.loads(metadata["numbers"]) == small.numbers.tolist()
    assert (metadata["energy_unit"], metadata["length_unit"]) == ("kcal/mol", "Å")
    assert (metadata["name"], metadata["theory"]) == ("mini-i", "GFN2-xTB")
    assert table.schema.field("forces").metadata == {b"unit": "kcal/mol/Å".encode()}
    forces = np.stack(table["forces"].to_numpy()).reshape(small.forces.shape)
    np.testing.assert_array_equal(forces, small.forces)


def test_parquet_of_several_row_groups(mini_i, tmp_path):
    frames, path = mini_i.frames[: parquet.ROW_GROUP + 1], tmp_path / "f.parquet"
    formats.write(path, frames)
    assert pq.ParquetFile(path).num_row_groups == 2
    again = formats.read(path)
    for name in ("positions", "energies", "forces", "ids", "trajectories"):
        np.testing.assert_array_equal(getattr(again, name), getattr(frames, name), err_msg=name)


def test_parquet_of_somebody_else_is_refused(tmp_path):
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"energy": [1.0]}), path)
    with pytest.raises(DataError, match="expected frames in the layout 'tea-frames-1', found None"):
        formats.read(path)
    schema = pa.schema([("energy", pa.float64())], {"layout": "tea-frames-1"})
    pq.write_table(pa.table({"energy": [1.0]}, schema=schema), path)
    with pytest.raises(DataError, match="no column frame_id, positions, forces"):
        formats.read(path)
