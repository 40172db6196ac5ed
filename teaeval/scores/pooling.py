"""Errors of several systems, and what they are resampled over, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from teaeval.metrics.frame_errors import FrameErrors, joined_tables
from teaeval.metrics.uncertainty import resampling
from teaeval.resampling import Resampling
from teaeval.scores.examine import Examined


@dataclass(frozen=True, eq=False)
class Pool:
    """The errors of some parts of a reference.

    Parameters
    ----------
    table
        Errors of each quantity, by row: a frame, or a block of frames.
    draws
        What varies of those rows.
    """

    table: dict[str, FrameErrors]
    draws: Resampling


def pool(
    parts: Sequence[Examined], replicates: int, seed: int, *, compositions: Sequence[str] = ()
) -> Pool:
    """Put the errors of several systems together.

    Parameters
    ----------
    parts
        The comparison of each.
    replicates, seed
        Number of resamples, and seed.
    compositions
        The formula of each part, where they differ: reference energies are then taken relative to
        the lowest of their formula, since those of different atoms do not compare.
    """
    tables = [part.compared.table for part in parts]
    zeros = _lowest(tables, compositions) if compositions else [0.0] * len(parts)
    return Pool(joined_tables(tables, zeros), _draws(parts, replicates, seed))


def _lowest(
    tables: Sequence[Mapping[str, FrameErrors]], compositions: Sequence[str]
) -> list[float]:
    """The lowest reference energy of each part's composition."""
    lowest: dict[str, float] = {}
    for table, name in zip(tables, compositions, strict=True):
        lowest[name] = min(lowest.get(name, np.inf), float(table["E"].lowest.min()))
    return [lowest[name] for name in compositions]


def _draws(parts: Sequence[Examined], replicates: int, seed: int) -> Resampling:
    """The units of the rows of all parts, numbered through."""
    each = [
        resampling(part.dataset, part.test, replicates, seed, each=part.compared.block)
        for part in parts
    ]
    if len(each) == 1:
        return each[0]
    if each[0].kind == "trajectory":
        labels = np.concatenate([part.test.trajectories for part in parts])
        units = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        return Resampling(units, "trajectory", replicates, seed)
    units = np.arange(sum(len(part.compared.table["E"].mae) for part in parts))
    blocks = any(part.compared.block > 1 for part in parts)
    return Resampling(units, "block" if blocks else "frame", replicates, seed)
