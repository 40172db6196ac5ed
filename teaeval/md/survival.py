"""How long simulations last: Kaplan–Meier curves, and log-rank tests between models.

A replica that was unstable is an event at the time when the trouble began; one that ended well, or
still runs, is censored: all that is known is that it lasted so long.  Times are in ps.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from teadata.errors import DataError, UsageError
from teadata.typing import Floats, Ints, Mask
from teaeval.resampling import LEVEL

MOST_EXACT = 20_000
"""Regroupings up to which a log-rank test takes all there are."""

DRAWN = 9999
"""Regroupings that are drawn where there are more."""

SAME = 1e-9
"""Difference, relative and absolute, below which two statistics are the same."""


@dataclass(frozen=True, eq=False)
class Survival:
    """A Kaplan–Meier curve: which share of the replicas lasts longer than a time.

    Parameters
    ----------
    times
        (J,) times of the events, ps, rising.
    at_risk, events
        (J,) replicas that were still followed just before each time, and that failed at it.
    share
        (J,) the curve from each time on; before the first it is one.
    low, high
        (J,) its 95 % interval: see :func:`kaplan_meier`.
    error
        (J,) Greenwood's standard error.
    replicas
        How many there are.
    followed
        Time up to which the curve is known, ps: that of the replica that was followed longest.
    start
        The 95 % interval at the start.
    ends
        (N,) time that each replica was followed, ps.
    """

    times: Floats
    at_risk: Ints
    events: Ints
    share: Floats
    low: Floats
    high: Floats
    error: Floats
    replicas: int
    followed: float
    start: tuple[float, float]
    ends: Floats

    @property
    def median(self) -> float | None:
        """Time at which half of the replicas have failed, ps; None if the curve stays above."""
        below = np.flatnonzero(self.share <= 0.5 + SAME)
        return float(self.times[below[0]]) if len(below) else None

    def at(self, time: float) -> tuple[float, float, float]:
        """The curve at a time in ps, and its 95 % interval.

        Raises
        ------
        UsageError
            If nothing was followed so long.
        """
        if not 0 <= time <= self.followed * (1 + SAME):
            raise UsageError(
                f"survival at {time:g} ps; expected 0 to {self.followed:g} ps, the time that the "
                "longest replica was followed"
            )
        place = int(np.searchsorted(self.times, time, side="right")) - 1
        if place < 0:
            return 1.0, _none_of(int((self.ends >= time * (1 - SAME)).sum())), 1.0
        return float(self.share[place]), float(self.low[place]), float(self.high[place])


def kaplan_meier(times: ArrayLike, failed: ArrayLike) -> Survival:
    """Estimate which share of the replicas lasts, by Kaplan and Meier.

    S(t) = Π (1 − dⱼ/nⱼ) over the times tⱼ ≤ t at which dⱼ of the nⱼ replicas that are left fail
    (J. Am. Stat. Assoc. 53, 457, 1958).  Greenwood's variance is S² Σ dⱼ/(nⱼ (nⱼ − dⱼ)), and the
    interval is symmetric for log(−log S).  That is not defined where S is one or zero: there it is
    Clopper and Pearson's, of the replicas that were not censored before.

    Parameters
    ----------
    times
        (N,) ps that each replica lasted, or was followed.
    failed
        (N,) whether it failed then.

    Raises
    ------
    DataError
        If there are none, the shapes differ, or a time is negative or not finite.
    """
    ends, failure = _checked(times, failed)
    moments = np.unique(ends[failure])
    at_risk = (ends[:, None] >= moments).sum(axis=0)
    events = ((ends[:, None] == moments) & failure[:, None]).sum(axis=0)
    share = np.cumprod(1 - events / at_risk)
    left = np.maximum(at_risk - events, 1)
    variance = np.where(share > 0, np.cumsum(events / (at_risk * left)), 0.0)
    # at each time, the replicas that are left or have failed: all but those censored before
    known = at_risk + np.cumsum(events) - events
    low, high = _log_log(share, variance, known)
    return Survival(
        times=moments,
        at_risk=at_risk,
        events=events,
        share=share,
        low=low,
        high=high,
        error=share * np.sqrt(variance),
        replicas=len(ends),
        followed=float(ends.max()),
        start=(_none_of(len(ends)), 1.0),
        ends=ends,
    )


def _checked(times: ArrayLike, failed: ArrayLike) -> tuple[Floats, Mask]:
    ends = np.asarray(times, dtype=np.float64)
    failure = np.asarray(failed, dtype=bool)
    if ends.ndim != 1 or not len(ends) or ends.shape != failure.shape:
        raise DataError(
            f"times of shape {ends.shape} and failures of shape {failure.shape}; expected one of "
            "each for every replica"
        )
    if not (np.isfinite(ends) & (ends >= 0)).all():
        raise DataError("a time that a replica lasted is negative or not finite")
    return ends, failure


def _none_of(count: int) -> float:
    """Clopper and Pearson's lower limit of a share of which all of so many were seen."""
    return float(((1 - LEVEL) / 2) ** (1 / count))


def _log_log(share: Floats, variance: Floats, known: Ints) -> tuple[Floats, Floats]:
    """The 95 % interval of each step of the curve, (J,) and (J,)."""
    low, high = np.empty(len(share)), np.empty(len(share))
    quantile = NormalDist().inv_cdf((1 + LEVEL) / 2)
    for j, (s, v, n) in enumerate(zip(share, variance, known, strict=True)):
        if s <= 0:
            low[j], high[j] = 0.0, 1 - _none_of(int(n))
            continue
        factor = math.exp(quantile * math.sqrt(v) / -math.log(s))
        low[j], high[j] = s**factor, s ** (1 / factor)
    return low, high


@dataclass(frozen=True)
class LogRank:
    """A log-rank test: do several groups of replicas last equally long?

    Parameters
    ----------
    statistic
        χ², of one degree of freedom less than there are groups.
    p
        Share of all regroupings of the replicas whose statistic is as large.
    regroupings
        How many were looked at.
    exact
        Whether these were all there are.
    until
        Time in ps up to which the replicas are compared.
    expected, observed
        Failures of each group: as many as if all groups were alike, and those that happened.
    """

    statistic: float
    p: float
    regroupings: int
    exact: bool
    until: float
    expected: tuple[float, ...]
    observed: tuple[int, ...]


def log_rank(
    groups: Sequence[tuple[ArrayLike, ArrayLike]],
    *,
    until: float | None = None,
    seed: int = 0,
) -> LogRank:
    """Test whether groups of replicas last equally long.

    The statistic is Mantel's, with the hypergeometric variance.  Its distribution is not taken from
    χ², which needs many failures, but from regroupings of the replicas: all of them up to 20 000,
    9999 random ones beyond.  Groups that would have been followed equally long can be
    exchanged if they last equally long, so the test is exact then.

    Parameters
    ----------
    groups
        Of each group, (N,) times in ps and (N,) whether the replica failed then.
    until
        Time up to which the groups are compared, ps: what happened later is left out.  Give the
        shortest length that was planned where the lengths differ.
    seed
        Of the regroupings that are drawn.

    Raises
    ------
    UsageError
        If there are fewer than two groups.
    DataError
        If times and failures do not fit each other.
    """
    if len(groups) < 2:
        raise UsageError(f"{len(groups)} group of replicas; expected two or more to compare")
    parts = [_checked(*group) for group in groups]
    sizes = [len(ends) for ends, _ in parts]
    ends = np.concatenate([ends for ends, _ in parts])
    failure = np.concatenate([failure for _, failure in parts])
    most = float(ends.max()) if until is None else float(until)
    failure &= ends <= most * (1 + SAME)
    ends = np.minimum(ends, most)
    labels = np.repeat(np.arange(len(groups)), sizes)
    table = _Risks(ends, failure)
    statistic, observed, expected = table.statistics(labels[None], len(groups))
    count, larger, exact = 0, 0, _ways(sizes) <= MOST_EXACT
    every = _all_labels(sizes) if exact else _drawn_labels(labels, seed)
    for batch in every:
        found, _, _ = table.statistics(batch, len(groups))
        count += len(batch)
        larger += int((found >= statistic[0] * (1 - SAME) - SAME).sum())
    share = larger / count if exact else (larger + 1) / (count + 1)
    return LogRank(
        float(statistic[0]),
        float(share),
        count,
        exact,
        most,
        tuple(expected[0].tolist()),
        tuple(int(n) for n in observed[0]),
    )


class _Risks:
    """Which replicas are left before each time of a failure, and which fail at it."""

    def __init__(self, ends: Floats, failure: Mask) -> None:
        moments = np.unique(ends[failure])
        self.left = (ends[:, None] >= moments).astype(np.float64)  # (N, J)
        self.fails = ((ends[:, None] == moments) & failure[:, None]).astype(np.float64)

    def statistics(self, labels: Ints, groups: int) -> tuple[Floats, Floats, Floats]:
        """χ² of P regroupings (P, N), and observed and expected failures (P, groups)."""
        total, failed = self.left.sum(axis=0), self.fails.sum(axis=0)
        members = np.stack([(labels == g).astype(np.float64) for g in range(groups)], axis=1)
        left = members @ self.left  # (P, groups, J)
        observed = (members @ self.fails).sum(axis=2)
        shares = left / np.where(total > 0, total, 1.0)
        expected = (shares * failed).sum(axis=2)
        spread = failed * (total - failed) / np.maximum(total - 1, 1)
        # of all groups but the last: together they say what the last one does
        part = shares[:, :-1]
        covariance = -np.einsum("pgj,phj,j->pgh", part, part, spread)
        diagonal = np.einsum("pgj,j->pg", part, spread)
        covariance[:, range(groups - 1), range(groups - 1)] += diagonal
        off = (observed - expected)[:, :-1]
        inverse = np.linalg.pinv(covariance, rcond=SAME, hermitian=True)
        found: Floats = np.einsum("pg,pgh,ph->p", off, inverse, off)
        return found, observed, expected


def _ways(sizes: Sequence[int]) -> int:
    """In how many ways replicas can be dealt out to groups of these sizes."""
    ways, rest = 1, sum(sizes)
    for size in sizes:
        ways *= math.comb(rest, size)
        rest -= size
    return ways


def _all_labels(sizes: Sequence[int]) -> Iterator[Ints]:
    """Every way to deal replicas out to groups of these sizes, in batches (P, N)."""

    def dealt(free: tuple[int, ...], group: int) -> Iterator[dict[int, int]]:
        if group == len(sizes):
            yield {}
            return
        for chosen in itertools.combinations(free, sizes[group]):
            rest = tuple(i for i in free if i not in chosen)
            for others in dealt(rest, group + 1):
                yield dict.fromkeys(chosen, group) | others

    every = dealt(tuple(range(sum(sizes))), 0)
    while batch := list(itertools.islice(every, 1000)):
        yield np.array([[one[i] for i in range(sum(sizes))] for one in batch])


def _drawn_labels(labels: Ints, seed: int) -> Iterator[Ints]:
    """Random regroupings, in batches (P, N)."""
    rng = np.random.default_rng(seed)
    for start in range(0, DRAWN, 1000):
        count = min(1000, DRAWN - start)
        yield rng.permuted(np.tile(labels, (count, 1)), axis=1)
