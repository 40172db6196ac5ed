"""A test of no difference that flips the signs of paired differences.

If two models are equally good, each unit's difference could as well have had the other sign.  The
p-value is the share of all sign patterns whose sum is at least as far from 0 as the one observed
(Fisher, The Design of Experiments, 1935, section 21; Davison and Hinkley, Bootstrap Methods and
their Application, 1997, section 4.3).  It is exact for any distribution that is symmetric under
an exchange of the two models, and however few units there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from teadata.typing import Floats, Ints
from teaeval.resampling import BATCH

EXACT_UNITS = 32
"""Units of which all sign patterns are counted; of more, patterns are drawn."""

LISTED_UNITS = 14
"""Units of which all sign patterns are listed, where many pairs are tested at once."""

MOST_EXACT_PAIRS = 20_000
"""Pairs that are each tested by all sign patterns, where these are too many to be listed."""

TIE = 1e-12
"""Sums that differ by less than this share of the largest possible one are equal."""


@dataclass(frozen=True)
class SignFlips:
    """Which sign patterns a test takes.

    Parameters
    ----------
    units
        Number of units, U.
    draws, seed
        Number of patterns that are drawn if there are more than EXACT_UNITS, and the seed.
    """

    units: int
    draws: int
    seed: int

    @property
    def exact(self) -> bool:
        """Whether all patterns are counted."""
        return self.units <= EXACT_UNITS

    @property
    def smallest_p(self) -> float:
        """The smallest p-value that these units can give."""
        return 1 / self._patterns if self.exact else 1 / (1 + self.draws)

    @property
    def _patterns(self) -> int:
        """Number of patterns that differ in the size of their sum."""
        return 1 << max(0, self.units - 1)

    def p_values(self, differences: Floats) -> Floats:
        """Two-sided p-value of no difference, (K,), of each unit's difference in K quantities.

        Parameters
        ----------
        differences
            (U, K) sums of the first model's errors minus the second's.
        """
        observed = np.abs(differences.sum(axis=0)) - TIE * np.abs(differences).sum(axis=0)
        if self.exact:
            return self._count_all(differences, observed) / self._patterns
        # The observed pattern is one of those counted: no p-value is 0.
        return (1 + self._count_drawn(differences, observed)) / (1 + self.draws)

    def p_values_of_pairs(self, values: Floats, pairs: Ints) -> Floats:
        """Two-sided p-value of no difference, (K,), of pairs of N models.

        As :meth:`p_values` of the differences; the signed sums of each model are made once.  Of
        more than MOST_EXACT_PAIRS pairs, patterns are drawn unless they can be listed.

        Parameters
        ----------
        values
            (U, N) sums of each model's errors.
        pairs
            (K, 2) which of the models are compared.
        """
        every = self.exact_for(len(pairs))
        if every and self.units > LISTED_UNITS:
            step = max(1, BATCH // self.units)
            parts = [pairs[start : start + step] for start in range(0, len(pairs), step)]
            each = [self.p_values(values[:, part[:, 0]] - values[:, part[:, 1]]) for part in parts]
            return np.concatenate([*each, np.empty(0)])
        size = np.abs(values).sum(axis=0)
        gap = np.abs(values[:, pairs[:, 0]].sum(axis=0) - values[:, pairs[:, 1]].sum(axis=0))
        observed = gap - TIE * size[pairs].sum(axis=1)
        counts = np.zeros(len(pairs))
        for signs in self._listed() if every else self._drawn():
            sums = signs @ values
            step = max(1, 8 * BATCH // len(sums))
            for start in range(0, len(pairs), step):
                a, b = pairs[start : start + step].T
                far = np.abs(sums[:, a] - sums[:, b]) >= observed[start : start + step]
                counts[start : start + step] += far.sum(axis=0)
        return counts / self._patterns if every else (1 + counts) / (1 + self.draws)

    def exact_for(self, pairs: int) -> bool:
        """Whether all patterns are counted where so many pairs are tested at once."""
        few = self.units <= LISTED_UNITS or pairs <= MOST_EXACT_PAIRS
        return self.exact and few

    def smallest_of(self, pairs: int) -> float:
        """The smallest p-value that these units can give where so many pairs are tested."""
        return self.smallest_p if self.exact_for(pairs) else 1 / (1 + self.draws)

    def _listed(self) -> Iterator[Floats]:
        """All sign patterns, (2**(U − 1), U); the first unit keeps its sign."""
        bits = np.arange(self._patterns)[:, None] >> np.arange(self.units) & 1
        yield 1.0 - 2.0 * np.roll(bits, 1, axis=1).astype(np.float64)

    def _drawn(self) -> Iterator[Floats]:
        """Sign patterns that are drawn, in batches (b, U)."""
        generator = np.random.default_rng(self.seed)
        step = max(1, BATCH // self.units)
        for start in range(0, self.draws, step):
            shape = (min(step, self.draws - start), self.units)
            yield 1.0 - 2.0 * generator.integers(2, size=shape, dtype=np.int8).astype(np.float64)

    def _count_all(self, differences: Floats, observed: Floats) -> Floats:
        """Patterns whose sum is as large as observed; the first unit keeps its sign."""
        half = max(1, self.units // 2)
        first = differences[:1] + _signed_sums(differences[1:half])
        second = np.sort(_signed_sums(differences[half:]), axis=0)
        counts = np.empty(len(observed))
        for column, least in enumerate(observed):
            a, b = first[:, column], second[:, column]
            above = len(b) - np.searchsorted(b, least - a, side="left")
            below = np.searchsorted(b, -least - a, side="right")
            # A sum of 0 is as large as one of 0 on both sides, and counts once.
            counts[column] = np.minimum(above + below, len(b)).sum()
        return counts

    def _count_drawn(self, differences: Floats, observed: Floats) -> Floats:
        """The same of patterns that are drawn."""
        counts = np.zeros(len(observed))
        for signs in self._drawn():
            counts += (np.abs(signs @ differences) >= observed).sum(axis=0)
        return counts


def _signed_sums(values: Floats) -> Floats:
    """Sums of values (U, K) under all sign patterns, (2**U, K)."""
    sums = np.zeros((1, values.shape[1]))
    for row in values:
        sums = np.concatenate([sums + row, sums - row])
    return sums
