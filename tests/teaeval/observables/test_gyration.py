"""Radii of gyration, computed and read from files."""

from __future__ import annotations

import numpy as np
import pytest

import teadata
from teadata.elements import MASSES
from teadata.errors import DataError, UsageError
from teaeval.observables import gyration as radii


def test_radius_of_gyration(small):
    heavy = small.numbers > 1
    mass = np.array(MASSES)[small.numbers[heavy]]
    for frame, found in zip(
        small.positions[:, heavy], radii.radius_of_gyration(small), strict=True
    ):
        centre = np.average(frame, axis=0, weights=mass)
        square = np.average(((frame - centre) ** 2).sum(axis=1), weights=mass)
        assert found == pytest.approx(np.sqrt(square))
    with pytest.raises(UsageError, match="periodic"):
        radii.radius_of_gyration(teadata.load("mini-iv").split("complete/train/8"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "radius\n3\n", "expected rg"),
        ("x.csv", "rg\nthree\n", "cannot be read"),
        ("x.csv", "rg\nnan\n", "positive and finite"),
        ("x.npz", "no zip", "cannot be read"),
        ("x.txt", "3", "csv or .npz"),
    ],
)
def test_what_is_no_file_of_radii(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises((DataError, UsageError), match=message):
        radii.read(tmp_path / name)
