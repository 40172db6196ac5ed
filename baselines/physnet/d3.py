"""DFT-D3 dispersion with damping of Becke and Johnson, of pairs of atoms.

Grimme, Antony, Ehrlich and Krieg, J. Chem. Phys. 132, 154104 (2010); Grimme, Ehrlich and
Goerigk, J. Comput. Chem. 32, 1456 (2011).  No three-body term.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from importlib.resources import as_file, files
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

Tensor = Any
BOHR, HARTREE = 0.52917726, 27.21138505
"""In Å and eV: the original implementation's."""

STEEPNESS = 16.0
"""Of the count of neighbours (k1)."""

SELECTIVITY = 4.0
"""With which references of like coordination are weighted (k3)."""

NEAREST = 1e-3
"""Distance in bohr below which atoms are as if at this one."""


class Tables(NamedTuple):
    """Reference systems of some elements (R,) and constants of all, in atomic units.

    Parameters
    ----------
    numbers, coordination
        (R,) element of a reference system, and its coordination number.
    c6
        (R, R) coefficients of every two of them.
    covalent_radii, r2r4
        By atomic number.
    """

    numbers: Any
    coordination: Any
    c6: Any
    covalent_radii: Any
    r2r4: Any


@functools.cache
def _all() -> Tables:
    with (
        as_file(files("baselines.physnet") / "data" / "d3.npz") as path,
        np.load(path) as file,
    ):
        numbers = file["numbers"]
        c6 = np.zeros((len(numbers), len(numbers)))
        c6[np.tril_indices(len(numbers))] = file["c6"]
        c6 = np.maximum(c6, c6.T)
        return Tables(numbers, file["coordination"], c6, file["covalent_radii"], file["r2r4"])


def tables(elements: Iterable[int]) -> Tables:
    """Select the reference systems of some elements, as NumPy arrays."""
    known = _all()
    chosen = np.flatnonzero(np.isin(known.numbers, list(elements)))
    return Tables(
        known.numbers[chosen].astype(np.int32),
        known.coordination[chosen],
        known.c6[np.ix_(chosen, chosen)],
        known.covalent_radii,
        known.r2r4,
    )


def _to_both(values: Tensor, first: Tensor, second: Tensor, atoms: Tensor) -> Tensor:
    """Sum values of pairs, each of which is listed once, at both their atoms."""
    return tf.math.unsorted_segment_sum(values, first, atoms) + tf.math.unsorted_segment_sum(
        values, second, atoms
    )


def coordination_numbers(
    known: Tables, numbers: Tensor, r: Tensor, first: Tensor, second: Tensor, cutoff: float | None
) -> Tensor:
    """Compute the coordination numbers of atoms, (n,), from distances of pairs (L,) in bohr."""
    radii = tf.gather(known.covalent_radii, numbers)
    both = tf.gather(radii, first) + tf.gather(radii, second)
    count = tf.sigmoid(STEEPNESS * (both / r - 1.0))
    if cutoff is not None:  # to zero over the last bohr
        x = tf.clip_by_value(r - (cutoff - 1.0), 0.0, 1.0)
        count *= 1.0 + x**3 * (-10.0 + x * (15.0 - 6.0 * x))
    return _to_both(count, first, second, tf.shape(numbers)[0])


def coefficients(
    known: Tables, numbers: Tensor, coordination: Tensor, first: Tensor, second: Tensor
) -> Tensor:
    """Interpolate the C6 coefficients of pairs, (L,), in atomic units.

    The weight of two references is a product of those of either, which for atoms of one
    element add up to one: no exponential underflows.
    """
    nearness = -SELECTIVITY * (coordination[:, None] - known.coordination[None]) ** 2
    own = numbers[:, None] == known.numbers[None]
    weights = tf.nn.softmax(tf.where(own, nearness, tf.constant(-1e9, nearness.dtype)), axis=1)
    return tf.reduce_sum(tf.gather(weights @ known.c6, first) * tf.gather(weights, second), axis=1)


def _power(r: Tensor, radius: Tensor, p: int, cutoff: float | None) -> Tensor:
    """Compute 1/(r^p + radius^p); with a cutoff, value and slope go to zero there."""
    power = 1.0 / (r**p + radius**p)
    if cutoff is None:
        return power
    edge = 1.0 / (cutoff**p + radius**p)
    shifted = power - edge + p * cutoff**p * edge**2 * (r / cutoff - 1.0)
    return tf.where(r < cutoff, shifted, tf.zeros_like(shifted))


def pair_energies(
    known: Tables,
    damping: tuple[Tensor, Tensor, Tensor, Tensor],
    numbers: Tensor,
    distances: Tensor,
    first: Tensor,
    second: Tensor,
    lr_cut: float | None = None,
) -> Tensor:
    """Compute the dispersion energies of pairs, (L,), in eV.

    Parameters
    ----------
    known
        Tables with the elements there are.
    damping
        s6, s8, a1, and a2 in bohr.
    numbers
        (n,) atomic numbers.
    distances
        (L,) in Å.
    first, second
        (L,) atoms of each pair, each of which is listed once.
    lr_cut
        Cutoff in Å.
    """
    s6, s8, a1, a2 = damping
    cutoff = None if lr_cut is None else lr_cut / BOHR
    r = tf.maximum(distances / BOHR, NEAREST)
    counted = coordination_numbers(known, numbers, r, first, second, cutoff)
    c6 = coefficients(known, numbers, counted, first, second)
    moments = tf.gather(known.r2r4, numbers)
    # C8/C6
    ratio = 3.0 * tf.gather(moments, first) * tf.gather(moments, second)
    radius = a1 * tf.sqrt(ratio) + a2
    energy = c6 * (s6 * _power(r, radius, 6, cutoff) + s8 * ratio * _power(r, radius, 8, cutoff))
    return -HARTREE * energy
