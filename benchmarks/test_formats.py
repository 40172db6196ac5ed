"""Reading and writing 200 frames of 42 atoms, against ASE."""

from __future__ import annotations

from pathlib import Path

import ase.io
import pytest

import teadata
from teadata import formats


@pytest.fixture(scope="module")
def frames():
    return teadata.load("mini-i").split("folded/train/200")


@pytest.fixture(scope="module")
def xyz(frames, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "frames.xyz"
    formats.write(path, frames)
    return path


@pytest.mark.benchmark(group="read extended XYZ")
def test_read_xyz(benchmark, xyz, frames):
    assert len(benchmark(formats.read, xyz)) == len(frames)


@pytest.mark.benchmark(group="read extended XYZ")
def test_read_xyz_with_ase(benchmark, xyz, frames):
    assert len(benchmark(ase.io.read, xyz, index=":")) == len(frames)


@pytest.mark.benchmark(group="read extended XYZ")
def test_read_bytes(benchmark, xyz):
    """What no reader can do without."""
    assert benchmark(xyz.read_bytes)


@pytest.mark.benchmark(group="write extended XYZ")
def test_write_bytes(benchmark, xyz, tmp_path):
    """What no writer can do without."""
    content = xyz.read_bytes()
    assert benchmark((tmp_path / "bytes.xyz").write_bytes, content) == len(content)


@pytest.mark.benchmark(group="write extended XYZ")
def test_write_xyz(benchmark, frames, tmp_path):
    benchmark(formats.write, tmp_path / "ours.xyz", frames)
    assert (tmp_path / "ours.xyz").stat().st_size > 0


@pytest.mark.benchmark(group="write extended XYZ")
def test_write_xyz_with_ase(benchmark, frames, tmp_path):
    images = frames.to_ase()
    benchmark(ase.io.write, tmp_path / "ase.xyz", images)
    assert (tmp_path / "ase.xyz").stat().st_size > 0
