"""Which pairs of elements have a kernel."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.gap import descriptors


def test_only_pairs_that_are_bonded_have_a_kernel(settings, frames):
    """Counted here from all distances; no two oxygen atoms of the peptide are that near."""
    train, _ = frames
    pairs = {pair.elements: pair for pair in descriptors.pairs(train, settings)}
    assert (8, 8) not in pairs
    apart = np.linalg.norm(train.positions[:, :, None] - train.positions[:, None], axis=-1)
    carbon = np.flatnonzero(train.numbers == 6)
    first, second = (carbon[half] for half in np.triu_indices(len(carbon), 1))
    expected = apart[:, first, second] < pairs[6, 6].cutoff
    assert pairs[6, 6].distances == expected.sum()
    assert pairs[6, 6].cutoff == pytest.approx(1.5 * 1.4)
