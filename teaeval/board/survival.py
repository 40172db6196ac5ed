"""Survival of simulations, and how well test errors predict it.

The curve is that of Kaplan and Meier (J. Am. Stat. Assoc. 53, 457, 1958): replicas that ended
without a failure are counted as long as they were seen.  Two models are compared by the log-rank
test (Mantel, Cancer Chemother. Rep. 50, 163, 1966).  A rank correlation is Spearman's, with the
interval of Bonett and Wright (Psychometrika 65, 23, 2000).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from teadata.typing import Floats
from teaeval.resampling import LEVEL


def survival(times: Sequence[float], failed: Sequence[bool]) -> tuple[list[float], list[float]]:
    """Estimate the share of replicas that are whole after each time.

    Parameters
    ----------
    times
        How long each replica was whole, ps.
    failed
        Whether it broke then; else its simulation ended.

    Returns
    -------
    times, shares
        Steps of the curve, from time 0 to the longest; the share holds from its time on.
    """
    ends, broke = np.asarray(times, dtype=float), np.asarray(failed, dtype=bool)
    at, share = [0.0], [1.0]
    for time in np.unique(ends[broke]):
        whole = int((ends >= time).sum())
        at.append(float(time))
        share.append(share[-1] * (1 - int((broke & (ends == time)).sum()) / whole))
    at.append(float(ends.max()))
    share.append(share[-1])
    return at, share


def log_rank(
    first: tuple[Sequence[float], Sequence[bool]], second: tuple[Sequence[float], Sequence[bool]]
) -> float:
    """p-value of no difference of two survival curves; 1 if nothing broke.

    Parameters
    ----------
    first, second
        Times and failures, as :func:`survival` takes them.
    """
    times = np.concatenate([np.asarray(part[0], dtype=float) for part in (first, second)])
    broke = np.concatenate([np.asarray(part[1], dtype=bool) for part in (first, second)])
    mine = np.arange(len(times)) < len(first[0])
    excess = variance = 0.0
    for time in np.unique(times[broke]):
        there, now = times >= time, broke & (times == time)
        whole, failures, part = int(there.sum()), int(now.sum()), int((there & mine).sum())
        excess += int((now & mine).sum()) - failures * part / whole
        if whole > 1:
            variance += (
                failures * part * (whole - part) * (whole - failures) / (whole**2 * (whole - 1))
            )
    if variance == 0:
        return 1.0
    return math.erfc(abs(excess) / math.sqrt(2 * variance))


def _ranks(values: Floats) -> Floats:
    """Ranks, those of equal values their mean."""
    unique, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = (last - (counts - 1) / 2)[inverse]
    assert len(unique) == len(counts)
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
