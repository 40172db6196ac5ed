"""Reading and writing 200 frames of 42 atoms, against ASE."""

from __future__ import annotations

from pathlib import Path

import ase.io
import numpy as np
import pytest

import teadata
from teadata import formats
from teadata.arrays import open_arrays


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


@pytest.fixture(scope="module", params=["ASE's", "MACE's"])
def others(frames, tmp_path_factory, request) -> Path:
    """The frames as ASE writes them, or with what MACE's evaluation writes beside them."""
    path = tmp_path_factory.mktemp("bench") / "others.xyz"
    images = frames.to_ase()
    if request.param == "MACE's":
        random = np.random.default_rng(0)
        for image in images:
            forces = image.get_forces()
            image.arrays |= {"REF_forces": forces, "MACE_forces": 1.01 * forces}
            image.info |= {"MACE_energy": random.normal(), "config_type": "Default"}
            image.info["MACE_stress"] = random.normal(size=(3, 3))
            image.calc.atoms.cell = image.cell = 20 * np.eye(3) + random.normal(size=(3, 3))
    ase.io.write(path, images, format="extxyz")
    return path


@pytest.mark.benchmark(group="read extended XYZ of others")
def test_read_others(benchmark, others, frames):
    def read() -> int:
        pieces = open_arrays(others).pieces(["pos", "forces", "energy"], 1024)
        return sum(len(piece["energy"]) for piece in pieces)

    assert benchmark(read) == len(frames)


@pytest.mark.benchmark(group="read extended XYZ of others")
def test_read_others_with_ase(benchmark, others, frames):
    assert len(benchmark(ase.io.read, others, index=":")) == len(frames)


@pytest.mark.benchmark(group="write extended XYZ")
def test_write_xyz(benchmark, frames, tmp_path):
    benchmark(formats.write, tmp_path / "ours.xyz", frames)
    assert (tmp_path / "ours.xyz").stat().st_size > 0


@pytest.mark.benchmark(group="write extended XYZ")
def test_write_xyz_with_ase(benchmark, frames, tmp_path):
    images = frames.to_ase()
    benchmark(ase.io.write, tmp_path / "ase.xyz", images)
    assert (tmp_path / "ase.xyz").stat().st_size > 0
