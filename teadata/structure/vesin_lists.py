"""Vesin's neighbour lists, of NumPy arrays."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import Any

from teadata.errors import MissingExtraError
from teadata.loading import without


def neighbour_list(purpose: str, cutoff: float) -> Any:
    """Make vesin's list of all pairs of atoms within a cutoff, in both orders.

    Parameters
    ----------
    purpose
        What it is for, if vesin is not installed.
    cutoff
        In Å.

    Raises
    ------
    MissingExtraError
        If vesin is not installed.
    """
    try:
        kind = _loaded()
    except ImportError:
        raise MissingExtraError("vesin", "md", purpose) from None
    return kind(cutoff=cutoff, full_list=True)


@cache
def _loaded() -> Any:
    """Import vesin's class, without torch if that is not loaded.

    Vesin imports torch for those who have tensors, which takes longer than many a calculation.
    Whoever imports vesin after this gets one that knows tensors.
    """
    if {"torch", "vesin"} & sys.modules.keys():
        return importlib.import_module("vesin").NeighborList
    try:
        with without("torch"):
            return importlib.import_module("vesin").NeighborList
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "vesin"]:
            del sys.modules[name]
