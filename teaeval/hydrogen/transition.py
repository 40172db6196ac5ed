"""The molecular-to-atomic change: is it there, and at which density."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from teadata.errors import DataError
from teadata.typing import Floats
from teaeval.hydrogen.record import Protocol, Transition
from teaeval.observables.blocks import resampled
from teaeval.resampling import interval

HALF = 0.5
"""The share of atoms in stable molecules at which one becomes the other."""


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
    falls = (f[..., :-1] >= HALF) & (f[..., 1:] < HALF)
    if not falls.shape[-1]:
        return np.full(f.shape[:-1], np.nan)
    at = falls.argmax(axis=-1)
    before = np.take_along_axis(f, at[..., None], axis=-1)[..., 0]
    after = np.take_along_axis(f, at[..., None] + 1, axis=-1)[..., 0]
    drop = np.where(before > after, before - after, 1.0)
    place = rho[at] + (rho[at + 1] - rho[at]) * (before - HALF) / drop
    found: Floats = np.where(falls.any(axis=-1), place, np.nan)
    return found


def find_transition(
    temperature: float,
    blocks: Mapping[float, Sequence[float] | None],
    protocol: Protocol,
) -> Transition:
    """Where stable molecules become less than half of the atoms, along rising density.

    Parameters
    ----------
    temperature
        K.
    blocks
        By density in g/cm³, the share of atoms in stable molecules in each block of the
        trajectory; None where there is none, because it broke.
    protocol
        Number of resamples, and seed.
    """
    known = {rho: np.array(shares) for rho, shares in sorted(blocks.items()) if shares is not None}
    broken = [rho for rho, shares in sorted(blocks.items()) if shares is None]
    note = f"; no simulation lasted at {', '.join(f'{rho:g}' for rho in broken)} g/cm³"
    note = note if broken else ""
    if len(known) < 2:
        return _none(temperature, 0.0, f"unknown: {len(known)} densities{note}")
    densities = list(known)
    shares = np.array([values.mean() for values in known.values()])
    drawn = np.stack(
        [
            resampled(
                np.stack([values, np.ones_like(values)], axis=1),
                lambda totals: totals[:, 0] / totals[:, 1],
                protocol.replicates,
                protocol.seed + number,
            )
            for number, values in enumerate(known.values())
        ],
        axis=1,
    )
    found, all_found = float(crossing(densities, shares)), crossing(densities, drawn)
    crossed = float(np.isfinite(all_found).mean())
    if not np.isfinite(found):
        kind = "molecular" if shares[-1] >= HALF else "atomic"
        where = f"{densities[0]:g} to {densities[-1]:g} g/cm³"
        return _none(temperature, crossed, f"not found: {kind} from {where}{note}")
    between = next(
        (a, b)
        for (a, fa), (b, fb) in itertools.pairwise(zip(densities, shares, strict=True))
        if fa >= HALF > fb
    )
    low, high = interval(all_found)
    verdict = f"found at {found:.2f} g/cm³ ({low:.2f} to {high:.2f}){note}"
    place: float | None = found
    if any(between[0] < rho < between[1] for rho in broken):
        # What the model shows in between is not known: nothing to interpolate over.
        place, (low, high) = None, between
        verdict = f"found between {low:g} and {high:g} g/cm³{note}"
    return Transition(
        temperature=temperature,
        found=True,
        density=place,
        low=low,
        high=high,
        between=between,
        crossing=crossed,
        verdict=verdict,
    )


def _none(temperature: float, crossed: float, verdict: str) -> Transition:
    """No transition at a temperature."""
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
