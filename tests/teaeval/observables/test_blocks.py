"""Errors by blocks: they cover as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teadata.errors import DataError, UsageError
from teaeval.observables import block_mean, correlation_time
from teaeval.observables.blocks import slices


def correlated(frames, memory, seed=0):
    """An autoregressive series of mean 0 and variance 1 whose time is (1 + m)/(1 − m)."""
    rng = np.random.default_rng(seed)
    x = np.empty(frames)
    x[0] = rng.normal()
    noise = rng.normal(0, np.sqrt(1 - memory**2), frames)
    for i in range(1, frames):
        x[i] = memory * x[i - 1] + noise[i]
    return x


def test_correlation_time_of_a_series_that_has_one():
    assert correlation_time(correlated(20_000, 0.8)) == pytest.approx(1.8 / 0.2, rel=0.2)
    assert correlation_time(np.random.default_rng(0).normal(size=20_000)) < 1.2
    assert correlation_time(np.ones(10)) == 1.0
    with pytest.raises(DataError, match="finite"):
        correlation_time([1.0, np.nan])


def test_intervals_by_blocks_cover_as_often_as_they_say():
    found = [block_mean(correlated(500, 0.8, seed), 5) for seed in range(200)]
    covered = np.mean([mean.low < 0 < mean.high for mean in found])
    assert 0.90 <= covered <= 0.99
    # one standard error of independent frames would be 3 times too small
    assert np.median([mean.error for mean in found]) > 2 / np.sqrt(500)


def test_one_block_has_no_error_and_more_than_frames_are_refused():
    mean = block_mean([1.0, 2.0, 3.0], 1)
    assert mean.value == 2.0
    assert np.isnan(mean.error)
    with pytest.raises(UsageError, match="4 blocks of 3 frames"):
        block_mean([1.0, 2.0, 3.0], 4)


@given(st.integers(1, 50), st.integers(1, 50))
def test_blocks_hold_every_frame_once(frames, blocks):
    if blocks > frames:
        return
    parts = slices(frames, blocks)
    assert [i for part in parts for i in range(frames)[part]] == list(range(frames))
    lengths = [part.stop - part.start for part in parts]
    assert max(lengths) - min(lengths) <= 1
