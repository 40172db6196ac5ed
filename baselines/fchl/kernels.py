# mypy: disable-error-code="untyped-decorator"
"""The FCHL19 representation for one CPU core: loops that numba compiles.

The equations are those of ``representation``, which has them for any device.

One pass over the pairs of neighbours of an atom gives the pair's part in the features and in the
slopes of both neighbours, with nothing written between; the Gaussians of a pair follow from each
other along the evenly spaced grid.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from baselines.fchl.neighbours import COLLINEAR
from baselines.toolkit.structures import COINCIDENT
from teadata.typing import Array

KERNEL: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc"},
}
"""Compiled once per machine; several threads may run it; sums may be taken in any order."""


class Settings(NamedTuple):
    """Numbers of a representation: see ``FCHLConfig``; ``weight`` is that of a triple."""

    grid2: Array
    step3: float
    count3: int
    eta2: float
    eta3: float
    rcut: float
    acut: float
    decay2: float
    decay3: float
    weight: float


@njit(**KERNEL)
def _gaussians(s: float, settings: Settings, powers: Array, found: Array) -> None:
    """exp(−η₃ (s − R_l)²) on the grid R_l = (l + 1)·step: outwards from the nearest point."""
    count, step = settings.count3, settings.step3
    nearest = min(max(int(s / step - 0.5), 0), count - 1)
    off = s - (nearest + 1) * step
    centre = math.exp(-settings.eta3 * off * off)
    up = math.exp(2.0 * settings.eta3 * step * off)
    down = 1.0 / up
    found[nearest] = centre
    factor = centre
    for m in range(1, count - nearest):
        factor *= up
        found[nearest + m] = factor * powers[m]
    factor = centre
    for m in range(1, nearest + 1):
        factor *= down
        found[nearest - m] = factor * powers[m]


@njit(**KERNEL)
def _two_body(x: float, settings: Settings, values: Array, slopes: Array) -> None:
    """Log-normals of a neighbour on the grid, and their derivatives along x."""
    x2 = x * x
    half = x * (0.5 * math.pi / settings.rcut)
    cutoff = math.cos(half) ** 2
    variance = math.log1p(settings.eta2 / x2)
    variance_slope = -2.0 * settings.eta2 / (x * (x2 + settings.eta2))
    mean = math.log(x) - 0.5 * variance
    mean_slope = (x2 + 2.0 * settings.eta2) / (x * (x2 + settings.eta2))
    amplitude = cutoff * x**-settings.decay2 / math.sqrt(2.0 * math.pi * variance)
    constant = (
        -math.pi / settings.rcut * math.tan(half)
        - settings.decay2 / x
        - 0.5 * variance_slope / variance
    )
    first = mean_slope / variance
    second = 0.5 * variance_slope / (variance * variance)
    for g in range(len(settings.grid2)):
        t = math.log(settings.grid2[g]) - mean
        value = math.exp(-0.5 * t * t / variance) * amplitude / settings.grid2[g]
        values[g] = value
        slopes[g] = value * (constant + t * (first + t * second))


@njit(**KERNEL)
def _triple(
    x: float, y: float, c: float, slope_x: float, slope_y: float, weight: float, settings: Settings
) -> tuple[float, ...]:
    """Weights W of cosine and sine, and derivatives along x, y (less R_l's part) and c."""
    decay = 0.5 * settings.decay3
    xy = x * y
    w2 = max(x * x + y * y - 2.0 * xy * c, COINCIDENT * COINCIDENT)
    inverse = 1.0 / w2
    sine = math.sqrt(max(1.0 - c * c, 0.0))
    a, b = x - y * c, y - x * c
    h = a * b * inverse
    radial = weight * math.exp(-decay * math.log(w2))
    cosines = 1.0 + 3.0 * c * h
    xi = radial * cosines
    along = 0.5 * settings.eta3 * (x + y)
    over = a * inverse
    bend = 3.0 * c * ((b - a * c) * inverse - 2.0 * h * over)
    xi_x = radial * (bend - 2.0 * decay * cosines * over) + xi * (slope_x - along)
    over = b * inverse
    bend = 3.0 * c * ((a - b * c) * inverse - 2.0 * h * over)
    xi_y = radial * (bend - 2.0 * decay * cosines * over) + xi * (slope_y - along)
    over = xy * inverse
    bend = 3.0 * (h - c + 2.0 * h * c * over)
    xi_c = radial * (bend + 2.0 * decay * cosines * over)
    turn = xi * c / max(sine, COLLINEAR / xy)
    return (
        xi * c, xi * sine, xi_x * c, xi_x * sine, xi_y * c, xi_y * sine,
        xi_c * c + xi, xi_c * sine - turn,
    )  # fmt: skip


@njit(**KERNEL)
def _neighbours(
    vectors: Array, mask: Array, settings: Settings,
    places: Array, x: Array, unit: Array, factor: Array, slope: Array,
) -> int:  # fmt: skip
    """Gather the neighbours of an atom that are there: how many, and what of each is needed."""
    count = 0
    for k in range(len(mask)):
        if not mask[k]:
            continue
        squared = 0.0
        for axis in range(3):
            squared += float(vectors[k, axis]) ** 2
        distance = math.sqrt(squared)
        places[count], x[count] = k, distance
        for axis in range(3):
            unit[count, axis] = vectors[k, axis] / distance
        factor[count] = 0.0
        if distance < settings.acut:
            half = distance * (0.5 * math.pi / settings.acut)
            factor[count] = math.cos(half) ** 2 * distance**-settings.decay3
            slope[count] = -math.pi / settings.acut * math.tan(half) - settings.decay3 / distance
        count += 1
    return count


@njit(**KERNEL)
def _powers(settings: Settings) -> Any:
    """Tabulate exp(−η₃ (m·step)²), by which the Gaussian falls in m steps from a grid point."""
    steps = np.arange(settings.count3) * settings.step3
    return np.exp(-settings.eta3 * steps * steps)


@njit(**KERNEL)
def _block(p: int, q: int, elements: int, settings: Settings) -> int:
    """Where the features of pairs of neighbours of two elements begin."""
    low, high = min(p, q), max(p, q)
    first = elements * len(settings.grid2)
    return first + 2 * settings.count3 * (low * elements - low * (low + 1) // 2 + high)


@njit(**KERNEL)
def _scratch(places: int, settings: Settings) -> tuple[Array, ...]:
    """Room for the neighbours of an atom: their places, x, factors, slopes, unit vectors."""
    return (
        np.empty(places, np.int64), np.empty(places), np.empty(places), np.zeros(places),
        np.empty((places, 3)), np.empty(settings.count3),
    )  # fmt: skip


@njit(**KERNEL)
def _cosine(unit: Array, j: int, k: int) -> Any:
    c = unit[j, 0] * unit[k, 0] + unit[j, 1] * unit[k, 1] + unit[j, 2] * unit[k, 2]
    return min(max(c, -1.0), 1.0)


@njit(**KERNEL)
def _add_slopes(
    u: Array, v: Array, c: float, x: float,
    weights: tuple[float, float, float], gaussians: Array, moments: Array, found: Array,
) -> None:  # fmt: skip
    """Add a pair's slopes (3, L) of a neighbour in direction u, of which the other is in v."""
    plain, along, across = weights
    for axis in range(3):
        first = along * u[axis] + across / x * (v[axis] - c * u[axis])
        second = plain * u[axis]
        of_axis = found[axis]
        for g in range(len(gaussians)):
            of_axis[g] += first * gaussians[g] + second * moments[g]


@njit(**KERNEL)
def jacobian(
    vectors: Array, mask: Array, kinds: Array, elements: int, settings: Settings,
    values: Array, slopes: Array,
) -> None:  # fmt: skip
    """Put representations into `values` (n, M), and add their slopes to `slopes` (n, K, 3, C).

    ``kinds`` (K,) are the elements of the places; the other arguments are those of
    ``Environments``; the slopes are those of ``Representation.jacobian``, of all places, and
    are left out where there is no room for them.
    """
    sloped = slopes.shape[3] > 0
    count2, count3 = len(settings.grid2), settings.count3
    places, x, factor, slope, unit, gaussians = _scratch(mask.shape[1], settings)
    two, two_slope, moments = np.empty(count2), np.empty(count2), np.empty(count3)
    powers, total = _powers(settings), np.empty(values.shape[1])
    grid = settings.eta3 * settings.step3 * np.arange(1.0, count3 + 1.0)
    for i in range(len(mask)):
        count = _neighbours(vectors[i], mask[i], settings, places, x, unit, factor, slope)
        total[:] = 0.0
        for j in range(count):
            p = kinds[places[j]]
            if x[j] < settings.rcut:
                _two_body(x[j], settings, two, two_slope)
                total[p * count2 : (p + 1) * count2] += two
                if sloped:
                    for axis in range(3):
                        slopes[i, places[j], axis, :count2] += unit[j, axis] * two_slope
            for k in range(j):
                weight = settings.weight * factor[j] * factor[k]
                if weight == 0.0:
                    continue
                q, c = kinds[places[k]], _cosine(unit, j, k)
                w = _triple(x[j], x[k], c, slope[j], slope[k], weight, settings)
                _gaussians(0.5 * (x[j] + x[k]), settings, powers, gaussians)
                start = _block(p, q, elements, settings)
                for g in range(count3):
                    total[start + 2 * g] += w[0] * gaussians[g]
                    total[start + 2 * g + 1] += w[1] * gaussians[g]
                    moments[g] = grid[g] * gaussians[g]
                if not sloped:
                    continue
                of_j, of_k = slopes[i, places[j]], slopes[i, places[k]]
                for sine in range(2):
                    plain, across = (w[1], w[7]) if sine else (w[0], w[6])
                    along = w[3] if sine else w[2]
                    part = of_j[:, count2 + count3 * (2 * q + sine) :]
                    weights = plain, along, across
                    _add_slopes(unit[j], unit[k], c, x[j], weights, gaussians, moments, part)
                    along = w[5] if sine else w[4]
                    part = of_k[:, count2 + count3 * (2 * p + sine) :]
                    weights = plain, along, across
                    _add_slopes(unit[k], unit[j], c, x[k], weights, gaussians, moments, part)
        values[i] = total


@njit(**KERNEL)
def pullback(
    vectors: Array, mask: Array, kinds: Array, elements: int, settings: Settings,
    cotangent: Array, edges: Array,
) -> None:  # fmt: skip
    """Compute the derivatives of Σ cotangent · representation along the neighbours, (n, K, 3)."""
    count2, count3 = len(settings.grid2), settings.count3
    places, x, factor, slope, unit, gaussians = _scratch(mask.shape[1], settings)
    two, two_slope = np.empty(count2), np.empty(count2)
    powers, found = _powers(settings), np.empty((mask.shape[1], 3))
    own = np.empty(cotangent.shape[1])
    for i in range(len(mask)):
        count = _neighbours(vectors[i], mask[i], settings, places, x, unit, factor, slope)
        found[:] = 0.0
        own[:] = cotangent[i]
        for j in range(count):
            p = kinds[places[j]]
            if x[j] < settings.rcut:
                _two_body(x[j], settings, two, two_slope)
                along = 0.0
                for g in range(count2):
                    along += own[p * count2 + g] * two_slope[g]
                found[j] += along * unit[j]
            for k in range(j):
                weight = settings.weight * factor[j] * factor[k]
                if weight == 0.0:
                    continue
                q, c = kinds[places[k]], _cosine(unit, j, k)
                w = _triple(x[j], x[k], c, slope[j], slope[k], weight, settings)
                _gaussians(0.5 * (x[j] + x[k]), settings, powers, gaussians)
                start = _block(p, q, elements, settings)
                cosines = sines = cosine_moments = sine_moments = 0.0
                for g in range(count3):
                    cosine = own[start + 2 * g] * gaussians[g]
                    sine = own[start + 2 * g + 1] * gaussians[g]
                    cosines, sines = cosines + cosine, sines + sine
                    cosine_moments += cosine * (g + 1)
                    sine_moments += sine * (g + 1)
                radial = w[0] * cosine_moments + w[1] * sine_moments
                radial *= settings.eta3 * settings.step3
                along_j = w[2] * cosines + w[3] * sines + radial
                along_k = w[4] * cosines + w[5] * sines + radial
                across = w[6] * cosines + w[7] * sines
                for axis in range(3):
                    u, v = unit[j, axis], unit[k, axis]
                    found[j, axis] += along_j * u + across / x[j] * (v - c * u)
                    found[k, axis] += along_k * v + across / x[k] * (u - c * v)
        for j in range(count):
            edges[i, places[j]] = found[j]


WIDTH = 8
"""Derivatives that are transformed together, so that the innermost loops are vectors."""


@njit(**KERNEL)
def _transform(columns: Array) -> None:
    """Sylvester's Hadamard matrix times columns (d, 3 · WIDTH), in place."""
    half = 1
    while half < len(columns):
        for start in range(0, len(columns), 2 * half):
            for i in range(start, start + half):
                upper, lower = columns[i], columns[i + half]
                for c in range(columns.shape[1]):
                    a, b = upper[c], lower[c]
                    upper[c] = a + b
                    lower[c] = a - b
        half *= 2


@njit(**KERNEL)
def _tiles(slopes: Array, starts: Array, first: Array) -> Array:
    """The derivatives as tiles (d, 3 · WIDTH), those of an atom from its `first` tile on."""
    tiles = np.zeros((first[-1], slopes.shape[2], 3 * WIDTH), slopes.dtype)
    for atom in range(len(starts) - 1):
        for place in range(starts[atom + 1] - starts[atom]):
            tile = tiles[first[atom] + place // WIDTH]
            for axis in range(3):
                for i in range(slopes.shape[2]):
                    c = axis * WIDTH + place % WIDTH
                    tile[i, c] = slopes[starts[atom] + place, axis, i]
    return tiles


@njit(**KERNEL)
def force_rows(
    slopes: Array, source: Array, starts: Array, signs: Array, sines: Array, force: Array
) -> None:
    """Add Σ sin · W ∂p of the derivatives along each atom's position to rows of the forces.

    Parameters
    ----------
    slopes
        (m, 3, d), sorted by the atom along whose position they are.
    source
        (m,) which of n atoms each is of.
    starts
        (A + 1,) where in the former those of each atom begin.
    signs
        (S, T, d) of W, see ``Sorf``, the first with all that W is multiplied by.
    sines
        (S, n, d), of the features, amplitude included.
    force
        (A, 3, N_f), float64.
    """
    d = slopes.shape[2]
    first = np.zeros(len(starts), np.int64)
    for atom in range(len(starts) - 1):
        first[atom + 1] = first[atom] - (starts[atom] - starts[atom + 1]) // WIDTH
    tiles = _tiles(slopes, starts, first)
    columns, total = np.empty_like(tiles[0]), np.empty_like(tiles[0])
    factors = np.zeros((d, WIDTH), slopes.dtype)
    for atom in range(len(starts) - 1):
        for stack in range(len(signs)):
            total[:] = 0.0
            for tile in range(first[atom], first[atom + 1]):
                begin = starts[atom] + (tile - first[atom]) * WIDTH
                for k in range(min(WIDTH, starts[atom + 1] - begin)):
                    sine = sines[stack, source[begin + k]]
                    for i in range(d):
                        factors[i, k] = sine[i]
                for i in range(d):
                    sign = signs[stack, 0, i]
                    for c in range(columns.shape[1]):
                        columns[i, c] = tiles[tile, i, c] * sign
                _transform(columns)
                for more in range(1, signs.shape[1]):
                    for i in range(d):
                        columns[i] *= signs[stack, more, i]
                    _transform(columns)
                for i in range(d):
                    for axis in range(3):
                        for k in range(WIDTH):
                            c = axis * WIDTH + k
                            total[i, c] += columns[i, c] * factors[i, k]
            for i in range(d):
                for axis in range(3):
                    found = total[i, axis * WIDTH]
                    for k in range(1, WIDTH):
                        found += total[i, axis * WIDTH + k]
                    force[atom, axis, stack * d + i] += found
