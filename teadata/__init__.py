"""Versioned, checksummed datasets of the TEA Challenge, with fixed splits.

>>> import teadata
>>> train = teadata.load("mini-i").split("folded/train/200")
>>> train.forces.shape
(200, 42, 3)

Energies are in kcal/mol, lengths in Å, forces in kcal/mol/Å.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teadata.card import DatasetCard
    from teadata.catalog import cards, load
    from teadata.dataset import Dataset
    from teadata.errors import TeaError
    from teadata.frames import Frames
    from teadata.splits import SplitName, SplitTable

# Where each public name lives: resolved on first use, so that `import teadata` stays light.
_HOME = {
    "Dataset": "dataset",
    "DatasetCard": "card",
    "Frames": "frames",
    "SplitName": "splits",
    "SplitTable": "splits",
    "TeaError": "errors",
    "cards": "catalog",
    "load": "catalog",
}

__all__ = [
    "Dataset",
    "DatasetCard",
    "Frames",
    "SplitName",
    "SplitTable",
    "TeaError",
    "cards",
    "load",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from teadata.provenance import package_version

        return package_version()
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
