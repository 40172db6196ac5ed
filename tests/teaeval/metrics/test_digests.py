"""Numbers of frames come back in their order, from a file if they are many and there is room."""

from __future__ import annotations

import tempfile

import numpy as np
import pytest

from teaeval.metrics.digests import FrameDigests


@pytest.mark.parametrize("held", [1 << 18, 1000])
@pytest.mark.parametrize("room", [True, False])
def test_what_is_put_in_comes_out(held, room, monkeypatch, tmp_path):
    monkeypatch.setattr("teaeval.metrics.digests.HELD", held)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path if room else tmp_path / "missing"))
    numbers = np.random.default_rng(0).integers(2**64, size=10_000, dtype=np.uint64)
    kept = FrameDigests()
    for part in np.split(numbers, [0, 1, 700, 1500, 9000]):
        kept.add(part)
    assert len(kept) == len(numbers)
    for _ in range(2):
        np.testing.assert_array_equal(np.concatenate(list(kept)), numbers)


def test_a_disk_that_fills_up_loses_nothing(monkeypatch):
    monkeypatch.setattr("teaeval.metrics.digests.HELD", 1000)
    numbers = np.random.default_rng(1).integers(2**64, size=9000, dtype=np.uint64)
    kept = FrameDigests()
    kept.add(numbers[:2000])
    with monkeypatch.context() as full:
        full.setattr("teaeval.metrics.digests._write_all", no_room)
        kept.add(numbers[2000:5000])
    kept.add(numbers[5000:])
    np.testing.assert_array_equal(np.concatenate(list(kept)), numbers)


def no_room(*_: object) -> None:
    raise OSError(28, "No space left on device")
