"""Extended XYZ beside ASE, which reads the same numbers and writes frames anew."""

from __future__ import annotations

import ase.io
import fuzz_extxyz
import numpy as np
import pytest

import teadata
from teadata import formats, units
from teadata.arrays import open_arrays
from teadata.errors import DataError


def test_a_checksum_that_another_program_left_behind(small, tmp_path):
    for name, unit in (("ev", units.ASE), ("kcal", units.INSIDE)):
        formats.write(tmp_path / f"{name}.xyz", small, units=unit)
        images = ase.io.read(tmp_path / f"{name}.xyz", ":")
        for image in images:
            image.positions += 0.5
        ase.io.write(tmp_path / f"{name}.xyz", images, format="extxyz")
    moved = formats.read(tmp_path / "ev.xyz")
    np.testing.assert_allclose(moved.positions, small.positions + 0.5, atol=1e-7)
    np.testing.assert_allclose(moved.energies, small.energies)
    # ASE's calculators would have put eV there, and left the word kcal/mol
    with pytest.raises(DataError, match="states kcal/mol and Å as teadata did when it wrote"):
        formats.read(tmp_path / "kcal.xyz")


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_what_is_read_in_bulk_is_what_ase_reads(tmp_path, first):
    said = [fuzz_extxyz.run(seed, tmp_path) for seed in range(first, first + 10)]
    assert "same, in bulk" in said


@pytest.fixture
def many(mini_i):
    return mini_i.split("folded/train/200")


def test_every_bit_comes_back_from_a_file_of_many_parts(many, tmp_path):
    path = tmp_path / "f.xyz"
    formats.write(path, many)
    found = formats.read(path)
    images = ase.io.read(path, ":")
    for name in ("positions", "forces", "energies", "ids", "trajectories"):
        np.testing.assert_array_equal(getattr(found, name), getattr(many, name))
    np.testing.assert_array_equal([image.get_forces() for image in images], many.forces)
    np.testing.assert_array_equal([image.positions for image in images], many.positions)


def test_numbers_of_any_size_come_back(small, tmp_path):
    random = np.random.default_rng(0)
    bits = random.integers(1 << 63, size=4 * small.positions.size, dtype=np.uint64).view(np.float64)
    values = bits[np.isfinite(bits)][: small.positions.size].reshape(small.positions.shape)
    odd = [-0.0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1e22, 9007199254740993.0]
    values[0].flat[: len(odd)] = odd
    frames = teadata.Frames(small.numbers, -values, small.energies, values)
    formats.write(tmp_path / "f.xyz", frames)
    found = formats.read(tmp_path / "f.xyz")
    for name in ("positions", "forces"):
        one, other = getattr(found, name), getattr(frames, name)
        np.testing.assert_array_equal(one.view(np.int64), other.view(np.int64))
    by_ase = ase.io.read(tmp_path / "f.xyz", ":")
    np.testing.assert_array_equal([image.get_forces() for image in by_ase], values)


def test_what_is_wrong_in_the_middle_of_many_frames_is_named(many, tmp_path):
    path = tmp_path / "f.xyz"
    ase.io.write(path, many.to_ase())
    lines = path.read_text().splitlines(keepends=True)
    row = 150 * 44 + 11  # from 0: the tenth atom of image 150
    lines[row] = lines[row].replace(lines[row].split()[2], "1.2.3")
    path.write_text("".join(lines))
    message = rf"image 150 \(line {row + 1}\), column 3 \(pos\): expected a number, found '1.2.3'"
    with pytest.raises(DataError, match=message):
        list(open_arrays(path).pieces(["pos"], 1000))
    path.write_text("".join(lines[:row]))
    with pytest.raises(DataError, match=r"image 150 .line 6601. says 42 atoms, .* after 9 of them"):
        list(open_arrays(path).pieces(["pos"], 1000))
