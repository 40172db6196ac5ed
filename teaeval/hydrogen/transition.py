"""The molecular-to-atomic change: is it there, and at which density.

Two things are not known of the density: the shares at the state points, which are means over
correlated frames, and the curve between them.  The interval holds both.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from teadata.errors import DataError
from teadata.typing import Floats, Ints
from teaeval.hydrogen.record import DRAWS_SEED, HALF, Protocol, Transition
from teaeval.resampling import interval

STRAIGHTNESS = 3.0
"""How near the straight line between two state points the curve is taken to be.

Where the straight line crosses one half after a part u of the gap, the curve does so after a part
that is drawn from the beta distribution B(3 u, 3 (1 − u)), whose mean is u: with 2 in place of 3
any place in the gap would be as likely as any other for u = ½, and with ∞ there would be the
straight line alone.  Chosen so that the intervals hold the truth in 95 % of the cases or more for
curves of several shapes that fall within 0.01 to 0.1 g/cm³, at state points 0.2 g/cm³ apart.
"""


def crossing(densities: ArrayLike, shares: ArrayLike) -> Floats:
    """Density at which a share first falls below one half, (…,); NaN if it does not.

    Parameters
    ----------
    densities
        (S,) in rising order.
    shares
        (…, S).

    Raises
    ------
    DataError
        If the densities do not rise.
    """
    rho, f = np.asarray(densities, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    if rho.ndim != 1 or f.shape[-1:] != rho.shape or (np.diff(rho) <= 0).any():
        raise DataError("expected a share for each of the densities, which rise")
    at, part = _falls(f)
    return _place(rho, at, part)


def _falls(shares: Floats) -> tuple[Ints, Floats]:
    """The first gap over which shares (…, S) fall below one half, and where a line does so.

    Returns
    -------
    array, array
        (…,) number of the gap, and the part of it before the crossing; NaN if there is none.
    """
    falls = (shares[..., :-1] >= HALF) & (shares[..., 1:] < HALF)
    if not falls.shape[-1]:
        return np.zeros(falls.shape[:-1], dtype=np.int64), np.full(falls.shape[:-1], np.nan)
    at = falls.argmax(axis=-1)
    before = np.take_along_axis(shares, at[..., None], axis=-1)[..., 0]
    after = np.take_along_axis(shares, at[..., None] + 1, axis=-1)[..., 0]
    drop = np.where(before > after, before - after, 1.0)
    return at, np.where(falls.any(axis=-1), (before - HALF) / drop, np.nan)


def _place(densities: Floats, at: Ints, part: Floats) -> Floats:
    """Density after a part of gap number `at`."""
    if len(densities) < 2:
        return part
    place: Floats = densities[at] + (densities[at + 1] - densities[at]) * part
    return place


def _drawn(densities: Floats, blocks: Sequence[Floats], protocol: Protocol) -> Floats:
    """Draw densities of the crossing, (R,): the shares vary, and the curve between them.

    Shares are drawn about their means by Student's t, with the standard error of the blocks.
    """
    rng = np.random.default_rng(DRAWS_SEED)
    shares = np.empty((protocol.replicates, len(blocks)))
    for column, values in enumerate(blocks):
        freedom = max(1, len(values) - 1)
        error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
        shares[:, column] = values.mean() + error * rng.standard_t(freedom, protocol.replicates)
    at, straight = _falls(shares.clip(0, 1))
    u = STRAIGHTNESS * np.nan_to_num(straight, nan=HALF).clip(1e-6, 1 - 1e-6)
    part = np.where(np.isfinite(straight), rng.beta(u, STRAIGHTNESS - u), np.nan)
    return _place(densities, at, part)


def find_transition(
    temperature: float,
    blocks: Mapping[float, Sequence[float] | None],
    protocol: Protocol,
) -> Transition:
    """Find the density above which less than half of the atoms are in stable molecules.

    Parameters
    ----------
    temperature
        K.
    blocks
        By density in g/cm³, the share of atoms in stable molecules in each block of the
        trajectory; None where there is none, because it broke.
    protocol
        Number of draws behind the interval.
    """
    known = {rho: np.array(shares) for rho, shares in sorted(blocks.items()) if shares is not None}
    broken = [rho for rho, shares in sorted(blocks.items()) if shares is None]
    note = f"; no simulation lasted at {', '.join(f'{rho:g}' for rho in broken)} g/cm³"
    note = note if broken else ""
    if len(known) < 2:
        return _none(temperature, 0.0, f"unknown: {len(known)} densities{note}")
    densities = list(known)
    shares = np.array([values.mean() for values in known.values()])
    place = float(crossing(densities, shares))
    drawn = _drawn(np.array(densities), list(known.values()), protocol)
    crossed = float(np.isfinite(drawn).mean())
    if not np.isfinite(place):
        kind = "molecular" if shares[-1] >= HALF else "atomic"
        where = f"{densities[0]:g} to {densities[-1]:g} g/cm³"
        return _none(temperature, crossed, f"not found: {kind} from {where}{note}")
    between = next(
        (a, b)
        for (a, fa), (b, fb) in itertools.pairwise(zip(densities, shares, strict=True))
        if fa >= HALF > fb
    )
    low, high = interval(drawn, of=place)
    verdict = f"found at {place:.2f} g/cm³ ({low:.2f} to {high:.2f}){note}"
    density: float | None = place
    if any(between[0] < rho < between[1] for rho in broken):
        # What the model shows in between is not known: nothing to interpolate over.
        density, (low, high) = None, between
        verdict = f"found between {low:g} and {high:g} g/cm³{note}"
    return Transition(
        temperature=temperature,
        found=True,
        density=density,
        low=low,
        high=high,
        between=between,
        crossing=crossed,
        verdict=verdict,
    )


def _none(temperature: float, crossed: float, verdict: str) -> Transition:
    """The result where there is no transition."""
    return Transition(
        temperature=temperature,
        found=False,
        density=None,
        low=None,
        high=None,
        between=None,
        crossing=crossed,
        verdict=verdict,
    )
