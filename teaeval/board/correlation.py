"""How well test errors predict what simulations do: a rank correlation with its interval.

It is Spearman's, with the interval of Bonett and Wright (Psychometrika 65, 23, 2000).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from teadata.typing import Floats
from teaeval.resampling import LEVEL


def _ranks(values: Floats) -> Floats:
    """Ranks, those of equal values their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = (last - (counts - 1) / 2)[inverse]
    return ranks


def rank_correlation(
    first: Sequence[float], second: Sequence[float]
) -> tuple[float, tuple[float, float] | None] | None:
    """Spearman's rank correlation with its 95 % interval.

    The interval is None of fewer than four pairs, or where all are in one order; the correlation
    is None of fewer than three, or where one of both does not vary.
    """
    a, b = _ranks(np.asarray(first, float)), _ranks(np.asarray(second, float))
    if len(a) < 3 or a.std() == 0 or b.std() == 0:
        return None
    rho = float(np.clip(np.corrcoef(a, b)[0, 1], -1, 1))
    if len(a) < 4 or abs(rho) > 1 - 1e-12:
        return rho, None
    half = NormalDist().inv_cdf((1 + LEVEL) / 2) * math.sqrt((1 + rho**2 / 2) / (len(a) - 3))
    return rho, (math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half))
