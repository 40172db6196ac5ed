"""Which atoms are molecules, and for how long."""

from __future__ import annotations

import numpy as np

from teadata.errors import UsageError
from teaeval.observables.arrays import Floats, Ints


def stable(partners: Ints, frames: int) -> Floats:
    """Share of the atoms that are in a molecule which lasts, (N − n,), by origin.

    An atom is in a stable molecule at an origin if it has the same partner in that frame and
    in all of the n next ones.

    Parameters
    ----------
    partners
        (N, A) partner of each atom in each frame, −1 for none: see
        :func:`teaeval.observables.mutual_neighbours`.
    frames
        n, the persistence in frames.

    Raises
    ------
    UsageError
        If there are not more than n frames.
    """
    if not 0 <= frames < len(partners):
        raise UsageError(
            f"a persistence of {frames} frames in {len(partners)} of them; expected fewer than "
            "there are"
        )
    kept = (partners[1:] == partners[:-1]) & (partners[1:] >= 0)
    total = np.concatenate([np.zeros((1, partners.shape[1]), dtype=np.int64), kept.cumsum(axis=0)])
    lasting = (total[frames:] - total[: len(total) - frames]) == frames
    found: Floats = (lasting & (partners[: len(lasting)] >= 0)).mean(axis=1)
    return found
