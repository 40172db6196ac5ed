"""Versioned, checksummed datasets of the TEA Challenge, with fixed splits.

>>> import teadata
>>> train = teadata.load("mini-i").split("folded/train/200")
>>> train.forces.shape
(200, 42, 3)

``teadata.list()`` gives the ids of the datasets, ``teadata.cards()`` what is known of each.

Energies are in kcal/mol, lengths in Å, forces in kcal/mol/Å.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teadata.lazy import exports

if TYPE_CHECKING:
    from teadata.card import DatasetCard
    from teadata.catalog import cards, load
    from teadata.catalog import ids as list
    from teadata.dataset import Dataset
    from teadata.errors import TeaError
    from teadata.frames import Frames
    from teadata.splits import SplitName, SplitTable

_HOME = {
    "Dataset": "teadata.dataset",
    "DatasetCard": "teadata.card",
    "Frames": "teadata.frames",
    "SplitName": "teadata.splits",
    "SplitTable": "teadata.splits",
    "TeaError": "teadata.errors",
    "cards": "teadata.catalog",
    "list": "teadata.catalog:ids",
    "load": "teadata.catalog",
}

__all__ = [
    "Dataset",
    "DatasetCard",
    "Frames",
    "SplitName",
    "SplitTable",
    "TeaError",
    "cards",
    "list",
    "load",
]

__getattr__, __dir__ = exports(__name__, _HOME)
