"""Which frame of a test set each predicted frame is, and which is predicted where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from teadata.lookup import Rows, as_array, follow, no_rows
from teadata.typing import Ints


@dataclass(frozen=True, eq=False)
class Places:
    """Where each of M predicted frames is among the N frames of a test set.

    Frames that are all there and in the order of the test set take no memory.

    Parameters
    ----------
    predicted
        Number of predicted frames, M.
    count
        Number of frames of the test set, N.
    known
        (M,) row of the test set for each predicted frame, −1 where there is none; None if M is N
        and they are in the same order.
    """

    predicted: int
    count: int
    known: Rows | None = None

    @classmethod
    def of(cls, rows: Rows | range, count: int) -> Places:
        """Those of predicted frames with these rows (M,) among `count`."""
        in_order = len(rows) == count and bool(count) and rows[0] == 0
        if in_order and (isinstance(rows, range) or follow(rows)):
            return cls(count, count)
        return cls(len(rows), count, as_array(rows) if isinstance(rows, range) else rows)

    @property
    def in_order(self) -> bool:
        """Whether every frame of the test set is predicted, in its order."""
        return self.known is None

    @property
    def rows(self) -> Ints:
        """(M,) row of the test set for each predicted frame; −1 where there is none."""
        return as_array(range(self.count) if self.known is None else self.known)

    def __getitem__(self, predicted: Ints | slice) -> Ints:
        """Rows of the test set of some predicted frames."""
        if self.known is not None:
            return as_array(self.known[predicted])
        if isinstance(predicted, slice):
            return np.arange(*predicted.indices(self.count))
        return predicted

    def sources(self, rows: Ints | slice) -> Ints:
        """Row of the prediction for some rows of the test set, the last of several; −1 for none."""
        if self.known is None:
            return self[rows]
        return as_array(self._sources[rows])

    @cached_property
    def _sources(self) -> Rows:
        """(N,) row of the prediction for each frame of the test set."""
        assert self.known is not None
        there = self.known >= 0
        sources = no_rows(self.count, self.predicted)
        if there.all():
            sources[self.known] = np.arange(self.predicted, dtype=sources.dtype)
        else:
            sources[self.known[there]] = np.flatnonzero(there)
        return sources

    @cached_property
    def reached(self) -> int:
        """How many frames of the test set are predicted."""
        if self.known is None:
            return self.count
        return int(np.count_nonzero(self._sources >= 0))

    @property
    def missing(self) -> Ints:
        """Rows of the test set that nothing predicts."""
        if self.reached == self.count:
            return np.empty(0, np.int64)
        return np.flatnonzero(self._sources < 0)

    @property
    def extra(self) -> Ints:
        """Predicted frames that are not in the test set."""
        if self.known is None:
            return np.empty(0, np.int64)
        return np.flatnonzero(self.known < 0)

    @property
    def twice(self) -> Ints:
        """Rows of the test set that are predicted more than once."""
        if self.known is None or self.reached == np.count_nonzero(self.known >= 0):
            return np.empty(0, np.int64)
        return np.flatnonzero(np.bincount(self.known[self.known >= 0]) > 1)

    @property
    def alone(self) -> Ints | None:
        """Predicted frames with a place that no other has; None if those are all."""
        if self.known is None or self.reached == self.predicted:
            return None
        there = np.flatnonzero(self.known >= 0)
        rows = self.known[there]
        alone: Ints = there[(np.bincount(rows, minlength=self.count) == 1)[rows]]
        return alone

    @property
    def unused(self) -> Ints:
        """Predicted frames that are compared with nothing: extra ones, or predicted again."""
        if self.known is None or self.reached == self.predicted:
            return np.empty(0, np.int64)
        unused = np.ones(self.predicted, np.bool_)
        unused[self._sources[self._sources >= 0]] = False
        return np.flatnonzero(unused)
