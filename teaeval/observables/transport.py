"""Mean squared displacement, diffusion, velocity autocorrelation, vibrational density of states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from teadata.errors import DataError, UsageError
from teadata.typing import Floats
from teadata.units import BOLTZMANN, GIGAPASCAL, INVERSE_FS
from teaeval.observables.arrays import (
    CHUNK,
    checked_cells,
    checked_masses,
    checked_positions,
    checked_step,
)
from teaeval.observables.blocks import BLOCKS, Mean, of_blocks, slices

CUBIC = 2.837297
"""ξ of a cubic lattice, in Yeh and Hummer's correction."""

WINDOWS = ("hann", "none")
"""Windows of a density of states."""


def unwrap(positions: ArrayLike, cell: ArrayLike) -> Floats:
    """Undo the jumps of positions across the cell, (N, A, 3) in Å.

    Each step of an atom is taken to the nearest image; right if no atom moves half a cell
    between two frames.  For a cell that is the same in all frames.

    Parameters
    ----------
    positions
        (N, A, 3) in Å.
    cell
        (3, 3) in Å.

    Raises
    ------
    DataError
        If the arrays do not fit each other, or the cell changes.
    """
    places = checked_positions(positions)
    cells = checked_cells(cell, len(places))
    if (cells != cells[0]).any():
        raise DataError("the cell changes; positions are unwrapped in a constant cell (NVT, NVE)")
    fractions = places @ np.linalg.inv(cells[0])
    steps = np.diff(fractions, axis=0)
    jumps = np.zeros_like(fractions)
    np.cumsum(np.rint(steps), axis=0, out=jumps[1:])
    found: Floats = (fractions - jumps) @ cells[0]
    return found


def without_drift(positions: ArrayLike, masses: ArrayLike) -> Floats:
    """Positions (N, A, 3) relative to the centre of mass of their frame, in Å."""
    places = checked_positions(positions)
    weights = checked_masses(masses, places.shape[1])
    centre = np.einsum("a,nai->ni", weights / weights.sum(), places)
    found: Floats = places - centre[:, None]
    return found


def autocorrelation(series: Floats) -> Floats:
    """Σ x(t)·x(t + τ) over t for each lag τ, (N, M), of M series (N, M), by FFT."""
    count = len(series)
    size = 1 << (2 * count - 1).bit_length()
    power = np.abs(np.fft.rfft(series, size, axis=0)) ** 2
    found: Floats = np.fft.irfft(power, size, axis=0)[:count]
    return found


def _lag_sums(values: Floats, weights: Floats) -> Floats:
    """Weighted sum over atoms and directions of the autocorrelation, (N,), in chunks of atoms."""
    count, atoms = values.shape[:2]
    total = np.zeros(count)
    step = max(1, CHUNK // (6 * count))
    for start in range(0, atoms, step):
        part = values[:, start : start + step]
        sums = autocorrelation(part.reshape(count, -1))
        total += sums.reshape(count, -1, 3).sum(axis=2) @ weights[start : start + step]
    return total


def msd(positions: ArrayLike) -> Floats:
    """Mean squared displacement at lags of 0 … N−1 frames, (N,) in Å², over atoms and origins.

    By FFT (Calandrini et al., Collection SFN 12, 201, 2011): in N log N, not N².

    Parameters
    ----------
    positions
        (N, A, 3) in Å, unwrapped: see :func:`unwrap`; of the atoms that are meant, and without
        drift: see :func:`without_drift`.

    Raises
    ------
    DataError
        If these are no positions.
    """
    places = checked_positions(positions)
    count, atoms = places.shape[:2]
    places = places - places.mean(axis=0)  # differences of large numbers otherwise
    squared = (places**2).sum(axis=(1, 2))
    ends = np.concatenate([[0.0], np.cumsum(squared)])
    lags = np.arange(count)
    # Σ over origins of |r(t)|² and of |r(t + τ)|²: the first and the last N − τ of them
    both = ends[count - lags] + (ends[count] - ends[lags])
    crossed = _lag_sums(places, np.ones(atoms))
    found: Floats = np.maximum(both - 2 * crossed, 0.0) / (atoms * (count - lags))
    found[0] = 0.0
    return found


@dataclass(frozen=True, eq=False)
class Diffusion:
    """A self-diffusion coefficient from the slope of a mean squared displacement.

    Parameters
    ----------
    coefficient
        D in Å²/fs, with its error by blocks; 1 cm²/s is 10 Å²/fs.
    times, msd
        (N,) lags in fs, and mean squared displacement in Å² of all frames.
    window
        Lags between which the slope was fitted, in fs.
    """

    coefficient: Mean
    times: Floats
    msd: Floats
    window: tuple[float, float]


def diffusion(
    positions: ArrayLike,
    spacing: float,
    *,
    window: tuple[float, float] | None = None,
    blocks: int = BLOCKS,
) -> Diffusion:
    """Self-diffusion coefficient: a sixth of the slope of the mean squared displacement.

    The line is fitted by least squares with an intercept, between the lags of `window`, which
    should lie where the displacement has become linear.  The error is that of blocks of
    consecutive frames, fitted each alone.

    The coefficient is that of the periodic cell, which is smaller than that of an infinite
    system by kT ξ/(6π η L): see :func:`finite_size`.  It is not corrected here.

    Parameters
    ----------
    positions
        (N, A, 3) in Å, as for :func:`msd`.
    spacing
        Time between two frames in fs.
    window
        Least and largest lag in fs; by default a fourth and half of a block's length.
    blocks
        Number of blocks.

    Raises
    ------
    DataError
        If these are no positions.
    UsageError
        If the window holds less than two lags of a block, or a block too few frames.
    """
    places = checked_positions(positions)
    step = checked_step(spacing)
    parts = slices(len(places), blocks)
    shortest = min(part.stop - part.start for part in parts)
    low, high = window or (shortest * step / 4, shortest * step / 2)
    first, last = _lags((low, high), step, shortest)
    times = np.arange(len(places), dtype=np.float64) * step
    curve = msd(places)

    def slope(values: Floats) -> float:
        rows = slice(first, last + 1)
        return float(np.polyfit(times[rows], values[rows], 1)[0]) / 6

    each = np.array([slope(msd(places[part])) for part in parts])
    return Diffusion(of_blocks(slope(curve), each), times, curve, (first * step, last * step))


def diffusion_by_origin(
    positions: ArrayLike, spacing: float, window: tuple[float, float]
) -> Floats:
    """A sixth of the slope of the squared displacement from each origin, (N − n,) in Å²/fs.

    The mean over origins is the coefficient of a fit, with an intercept, to the mean squared
    displacement over these origins.  For trajectories too short to be cut into blocks longer
    than the largest lag, of n frames: the series is cut into blocks instead.

    Parameters
    ----------
    positions
        (N, A, 3) in Å, as for :func:`msd`.
    spacing
        Time between two frames in fs.
    window
        Least and largest lag in fs.

    Raises
    ------
    DataError
        If these are no positions.
    UsageError
        If the window holds less than two lags of the trajectory.
    """
    places = checked_positions(positions)
    first, last = _lags(window, checked_step(spacing), len(places))
    lags = np.arange(first, last + 1)
    times = lags * spacing
    weights = (times - times.mean()) / (6 * ((times - times.mean()) ** 2).sum())
    origins = len(places) - last
    found = np.zeros(origins)
    for lag, weight in zip(lags.tolist(), weights.tolist(), strict=True):
        moved = places[lag : lag + origins] - places[:origins]
        found += weight * (moved**2).sum(axis=2).mean(axis=1)
    return found


def _lags(window: tuple[float, float], step: float, frames: int) -> tuple[int, int]:
    """First and last lag of a window in fs, in frames."""
    low, high = window
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    if not 0 <= first < last < frames:
        raise UsageError(
            f"a slope between lags of {low:g} and {high:g} fs: expected at least two lags, "
            f"{step:g} fs apart, below the length of a block, {(frames - 1) * step:g} fs; choose "
            "other lags, or fewer blocks"
        )
    return first, last


def finite_size(temperature: float, viscosity: float, side: float) -> float:
    """Finite-size correction of a diffusion coefficient in a cubic cell, in Å²/fs, to be added.

    kT ξ/(6π η L), Yeh and Hummer, J. Phys. Chem. B 108, 15873 (2004).

    Parameters
    ----------
    temperature
        K.
    viscosity
        Shear viscosity η of the system in mPa·s, from elsewhere.
    side
        Side L of the cell in Å.

    Raises
    ------
    UsageError
        If one of them is not positive.
    """
    if not all(value > 0 for value in (temperature, viscosity, side)):
        raise UsageError(
            f"temperature {temperature:g} K, viscosity {viscosity:g} mPa·s, side {side:g} Å; "
            "expected positive numbers"
        )
    eta = viscosity * 1e-3 * GIGAPASCAL * 1e-9 * 1e15  # kcal/mol fs/Å³
    return BOLTZMANN * temperature * CUBIC / (6 * np.pi * eta * side)


def vacf(velocities: ArrayLike, masses: ArrayLike | None = None) -> Floats:
    """Velocity autocorrelation at lags of 0 … N−1 frames, (N,), over atoms and origins.

    ⟨v(0)·v(τ)⟩ in Å²/fs², or weighted by mass, ⟨m v(0)·v(τ)⟩ in u Å²/fs², by FFT.

    Parameters
    ----------
    velocities
        (N, A, 3) in Å/fs.
    masses
        (A,) in u; None weighs all atoms alike.

    Raises
    ------
    DataError
        If the arrays do not fit each other.
    """
    speeds = checked_positions(velocities, "velocities")
    count, atoms = speeds.shape[:2]
    weights = np.ones(atoms) if masses is None else checked_masses(masses, atoms)
    found: Floats = _lag_sums(speeds, weights) / (atoms * (count - np.arange(count)))
    return found


@dataclass(frozen=True, eq=False)
class Vibrations:
    """A vibrational density of states.

    Parameters
    ----------
    wavenumbers
        (F,) in cm⁻¹.
    density
        (F,) in cm, of area one.
    """

    wavenumbers: Floats
    density: Floats


def density_of_states(
    velocities: ArrayLike,
    spacing: float,
    masses: ArrayLike | None = None,
    *,
    lags: int | None = None,
    window: str = "hann",
) -> Vibrations:
    """Vibrational density of states: the Fourier transform of the velocity autocorrelation.

    Parameters
    ----------
    velocities
        (N, A, 3) in Å/fs.
    spacing
        Time between two frames in fs: at most half the period of the fastest vibration.
    masses
        (A,) in u, with which all modes count alike; None weighs all atoms alike.
    lags
        Lags of the autocorrelation that are transformed, by default a third of the frames:
        resolution is 1/(2·lags·spacing), and later lags are mostly noise.
    window
        ``"hann"``, which falls from one at lag 0 to zero at the last lag, or ``"none"``.

    Raises
    ------
    DataError
        If the arrays do not fit each other.
    UsageError
        If there is no such window, or there are not as many lags.
    """
    if window not in WINDOWS:
        raise UsageError(f"window {window!r}; expected one of: {', '.join(WINDOWS)}")
    step = checked_step(spacing)
    correlation = vacf(velocities, masses)
    used = max(2, len(correlation) // 3) if lags is None else lags
    if not 2 <= used <= len(correlation):
        raise UsageError(f"{used} lags of {len(correlation)} frames; expected 2 or more of them")
    taper = np.ones(used)
    if window == "hann":
        taper = np.cos(np.pi * np.arange(used) / (2 * used)) ** 2
    even = correlation[:used] * taper
    # an even function of time: its transform is real
    spectrum = np.fft.rfft(np.concatenate([even, [0.0], even[:0:-1]])).real
    wavenumbers: Floats = np.fft.rfftfreq(2 * used, step).astype(np.float64) * INVERSE_FS
    area = float(np.trapezoid(spectrum, wavenumbers))
    if not area > 0:
        raise DataError("velocities are all zero, or noise: there is no density of states")
    return Vibrations(wavenumbers, spectrum / area)
