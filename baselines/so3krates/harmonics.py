"""Real spherical harmonics up to degree 4, and what is made of vectors of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

Array = Any


def _degree_1(x: Array, y: Array, z: Array) -> list[Array]:
    c = math.sqrt(3 / (4 * math.pi))
    return [c * y, c * z, c * x]


def _degree_2(x: Array, y: Array, z: Array) -> list[Array]:
    c = math.sqrt(15 / math.pi) / 2
    return [
        c * x * y,
        c * y * z,
        math.sqrt(5 / math.pi) / 4 * (3 * z * z - 1),
        c * x * z,
        c / 2 * (x * x - y * y),
    ]


def _degree_3(x: Array, y: Array, z: Array) -> list[Array]:
    c3 = math.sqrt(35 / (2 * math.pi)) / 4
    c2 = math.sqrt(105 / math.pi) / 2
    c1 = math.sqrt(21 / (2 * math.pi)) / 4
    xx, yy, zz = x * x, y * y, z * z
    return [
        c3 * y * (3 * xx - yy),
        c2 * x * y * z,
        c1 * y * (5 * zz - 1),
        math.sqrt(7 / math.pi) / 4 * z * (5 * zz - 3),
        c1 * x * (5 * zz - 1),
        c2 / 2 * (xx - yy) * z,
        c3 * x * (xx - 3 * yy),
    ]


def _degree_4(x: Array, y: Array, z: Array) -> list[Array]:
    c4 = 3 / 4 * math.sqrt(35 / math.pi)
    c3 = 3 / 4 * math.sqrt(35 / (2 * math.pi))
    c2 = 3 / 4 * math.sqrt(5 / math.pi)
    c1 = 3 / 4 * math.sqrt(5 / (2 * math.pi))
    xx, yy, zz = x * x, y * y, z * z
    return [
        c4 * x * y * (xx - yy),
        c3 * y * (3 * xx - yy) * z,
        c2 * x * y * (7 * zz - 1),
        c1 * y * z * (7 * zz - 3),
        3 / (16 * math.sqrt(math.pi)) * (35 * zz * zz - 30 * zz + 3),
        c1 * x * z * (7 * zz - 3),
        c2 / 2 * (xx - yy) * (7 * zz - 1),
        c3 * x * (xx - 3 * yy) * z,
        c4 / 4 * (xx * xx - 6 * xx * yy + yy * yy),
    ]


_DEGREES: dict[int, Callable[[Array, Array, Array], list[Array]]] = {
    1: _degree_1,
    2: _degree_2,
    3: _degree_3,
    4: _degree_4,
}


def slices(degrees: Sequence[int]) -> list[slice]:
    """Locate the 2l+1 components of each degree."""
    parts, start = [], 0
    for degree in degrees:
        parts.append(slice(start, start + 2 * degree + 1))
        start += 2 * degree + 1
    return parts


def size(degrees: Sequence[int]) -> int:
    """Components of all degrees together, M."""
    return sum(2 * degree + 1 for degree in degrees)


def spherical_harmonics(unit: Array, degrees: Sequence[int]) -> Array:
    """Compute real spherical harmonics, orthonormal on the sphere, without Condon–Shortley phase.

    Parameters
    ----------
    unit
        (P, 3) unit vectors.
    degrees
        Each from 1 to 4.

    Returns
    -------
    (P, M), degree after degree, in each from m = -l to l.
    """
    x, y, z = unit[..., 0], unit[..., 1], unit[..., 2]
    components = [component for degree in degrees for component in _DEGREES[degree](x, y, z)]
    return jnp.stack(components, axis=-1)


def contraction(vectors: Array, degrees: Sequence[int]) -> Array:
    """Compute the squared norm of each degree over √(2l+1), (..., M) to (..., degrees)."""
    norms = [
        jnp.sum(vectors[..., part] ** 2, axis=-1) / math.sqrt(2 * degree + 1)
        for part, degree in zip(slices(degrees), degrees, strict=True)
    ]
    return jnp.stack(norms, axis=-1)


def scaled(factors: Array, vectors: Array, degrees: Sequence[int]) -> Array:
    """Multiply every degree of vectors (..., M) by its factor (..., degrees)."""
    parts = [factors[..., k : k + 1] * vectors[..., part] for k, part in enumerate(slices(degrees))]
    return jnp.concatenate(parts, axis=-1)
