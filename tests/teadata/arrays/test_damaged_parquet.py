"""Parquet of others, with lists and without checksums: damage never ends the interpreter."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

READ = """
import sys
from pathlib import Path
from teadata.arrays import open_arrays
from teadata.errors import TeaError

for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        file = open_arrays(path)
        for name in file.names:
            file.shape(name), file.whole(name)
        said = "read"
    except TeaError as error:
        said = "error" if str(path) in str(error) else "which file?"
    print(said)
"""
"""Reads all files of a folder in one process, which the worst of them would end."""


KINDS = [(compression, nested) for compression in ("none", "snappy") for nested in (False, True)]


@pytest.mark.parametrize("files", [8, pytest.param(40, marks=pytest.mark.slow)])
def test_damaged_lists_are_read_or_one_error(tmp_path, files):
    (tmp_path / "damaged").mkdir()
    for kind, (compression, nested) in enumerate(KINDS):
        random = np.random.default_rng(0)
        shape = (40, 5, 3) if nested else (40, 15)
        table = pa.table({"energy": np.arange(40.0), "forces": random.normal(size=shape).tolist()})
        pq.write_table(table, tmp_path / "whole.parquet", compression=compression)
        whole = np.frombuffer((tmp_path / "whole.parquet").read_bytes(), np.uint8)
        for i in range(files):
            content, place = whole.copy(), random.integers(len(whole))
            content[place : place + random.choice([1, 4, 16])] = random.choice([0, 1, 127, 255])
            content = content if i % 3 else np.delete(content, slice(place, place + 3))
            (tmp_path / f"damaged/{kind}-{i:02}.parquet").write_bytes(content.tobytes())
    done = subprocess.run(
        [sys.executable, "-c", READ, tmp_path / "damaged"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.split("\n")[:-1]
    assert len(said) == len(KINDS) * files
    assert set(said) <= {"read", "error"}
    for kind, what in enumerate(KINDS):
        assert said[kind * files : (kind + 1) * files].count("error") > files / 6, what


def test_a_damaged_footer_is_an_error_and_not_the_end_of_the_interpreter(tmp_path):
    """The footer says that a column has no empty cells, and counts them all the same."""
    path = tmp_path / "p.parquet"
    table = pa.table({"energy": np.arange(40.0), "forces": np.ones((40, 15)).tolist()})
    pq.write_table(table, path)
    optional, required = b"\x25\x02\x18\x06energy", b"\x25\x00\x18\x06energy"
    content = path.read_bytes()
    assert content.count(optional) == 1
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged/p.parquet").write_bytes(content.replace(optional, required))
    done = subprocess.run(
        [sys.executable, "-c", READ, tmp_path / "damaged"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "error\n"), done.stderr
