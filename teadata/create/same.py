"""Whether two datasets are of the same frames, in the same splits, with the same groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from teadata import own
from teadata.card import DatasetCard
from teadata.errors import TeaError
from teadata.formats.layout import CHUNK
from teadata.splits import SplitTable


def same_data(one: Path, other: Path) -> bool:
    """Compare two folders of datasets, a chunk of frames at a time; names and texts may differ.

    A folder that is damaged is the same as none.
    """
    try:
        first, second = (DatasetCard.read(root / own.CARD) for root in (one, other))
        if (first.groups, first.sizes) != (second.groups, second.sizes):
            return False
        tables = [SplitTable.read(root / "splits.parquet").members for root in (one, other)]
        if list(tables[0]) != list(tables[1]):
            return False
        if not all(np.array_equal(tables[0][key], tables[1][key]) for key in tables[0]):
            return False
        import h5py

        with h5py.File(one / "frames.h5") as left, h5py.File(other / "frames.h5") as right:
            return _same_arrays(left, right)
    except (TeaError, OSError, KeyError):
        return False


def _same_arrays(left: Any, right: Any) -> bool:
    if set(left) != set(right) or any(left[name].shape != right[name].shape for name in left):
        return False
    return all(
        np.array_equal(left[name][start : start + CHUNK], right[name][start : start + CHUNK])
        for name in left
        for start in range(0, len(left[name]), CHUNK)
    )
