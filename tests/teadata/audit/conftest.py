from __future__ import annotations

import numpy as np
import pytest

from teadata import Dataset, Frames, SplitTable

from .planted import ROLES, store


@pytest.fixture
def dataset(mini_i, tmp_path):
    """A function that makes a dataset of frames, in one subset, split by rows."""

    def make(frames: Frames, **splits: np.ndarray) -> Dataset:
        members = {
            ("complete", role): splits.get(role, frames.ids[rows]) for role, rows in ROLES.items()
        }
        return store(frames, SplitTable(members), mini_i.card, tmp_path)

    return make
