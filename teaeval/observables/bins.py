"""Counts in bins, and of what lies outside of them, so that nothing that was measured is lost.

A row of B bins has B + 4 numbers, which all add up: the counts, how many values are below the bins
and above them, and by how much these are, added up.  For distances the two ends are bins, too.
"""

from __future__ import annotations

import numpy as np

from teadata.typing import Floats
from teaeval.observables.distances import area_between, hellinger

ENDS = 4
"""Numbers of a row behind the counts: below, above, shortfall, excess."""


def binned(values: Floats, edges: Floats) -> Floats:
    """Count values (…) in bins with edges (B+1,), and outside of them, (B+4,)."""
    flat = values.ravel()
    low, high = float(edges[0]), float(edges[-1])
    below, above = flat < low, flat > high
    counts = np.histogram(flat, edges)[0].astype(np.float64)
    short, over = (low - flat[below]).sum(), (flat[above] - high).sum()
    found: Floats = np.append(counts, [below.sum(), above.sum(), short, over])
    return found


def inside(counts: Floats) -> Floats:
    """A row of counts (B,) with nothing outside."""
    found: Floats = np.append(counts.astype(np.float64), np.zeros(ENDS))
    return found


def total(rows: Floats) -> Floats:
    """Number of values (…) of rows (…, B+4), outside of the bins, too."""
    found: Floats = rows[..., :-2].sum(axis=-1)
    return found


def outside(row: Floats) -> tuple[float, float]:
    """Which shares of the values are below the bins and above them, of a row (B+4,)."""
    every = max(float(total(row)), 1e-300)
    return float(row[-4]) / every, float(row[-3]) / every


def apart(measure: str, first: Floats, second: Floats, edges: Floats) -> Floats:
    """Distance (…) of rows (…, B+4) from others.

    Hellinger's takes each end for one more bin.  Wasserstein's adds, to the area between the
    cumulative distributions within the bins, the difference of the mean excess above them, and of
    the mean shortfall below: the area there if only one of the two has values at that end, and a
    lower bound of it otherwise.
    """
    if measure == "hellinger":
        return hellinger(first[..., :-2], second[..., :-2])
    p, q = (rows / total(rows)[..., None] for rows in (first, second))
    step = p - q
    area = area_between(step[..., :-ENDS], np.diff(edges), step[..., [-4]])
    found: Floats = area + np.abs(step[..., -2]) + np.abs(step[..., -1])
    return found
