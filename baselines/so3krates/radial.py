"""Functions of the distance: radial basis, cutoff functions, nuclear repulsion."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

Array = Any

BOHR = 0.5291772105638411
"""In Å, as in the original implementation."""

COULOMB = 14.399645351950548
"""Energy of two unit charges at 1 Å, in eV."""

ZBL_INITIAL = {
    "a1": 3.2, "a2": 0.9423, "a3": 0.4028, "a4": 0.2016,
    "c1": 0.1818, "c2": 0.5099, "c3": 0.2802, "c4": 0.02817,
    "p": 0.23, "d": 1 / (0.8854 * BOHR),
}  # fmt: skip
"""Constants of Ziegler, Biersack and Littmark, from which training starts."""

ZBL_RANGE = 1.5
"""Distance in Å beyond which the repulsion is zero."""


def basis(distances: Array, r_cut: float, count: int) -> Array:
    """PhysNet's radial functions with fixed centres and width, (P,) in Å to (P, count)."""
    edge = math.exp(-r_cut)
    width = (2 / count * (1 - edge)) ** -2
    centres = jnp.linspace(edge, 1.0, count, dtype=distances.dtype)
    return jnp.exp(-width * (jnp.exp(-distances)[..., None] - centres) ** 2)


def cutoff(distances: Array, r_cut: float, kind: str) -> Array:
    """A function that falls from 1 at no distance to 0 at the cutoff and beyond.

    Parameters
    ----------
    distances
        (P,) in Å.
    r_cut
        Cutoff in Å.
    kind
        ``cosine``, ``phys`` (PhysNet), ``polynomial`` (DimeNet, p = 6) or ``exponential``.
    """
    inside = distances < r_cut
    # Beyond the cutoff a harmless distance, so that slopes stay finite.
    x = jnp.where(inside, distances, 0.5 * r_cut) / r_cut
    if kind == "cosine":
        value = 0.5 * (jnp.cos(math.pi * x) + 1)
    elif kind == "phys":
        value = 1 + x**3 * (-10 + x * (15 - 6 * x))
    elif kind == "polynomial":
        p = 6
        value = (
            1
            - (p + 1) * (p + 2) / 2 * x**p
            + p * (p + 2) * x ** (p + 1)
            - p * (p + 1) / 2 * x ** (p + 2)
        )
    elif kind == "exponential":
        value = jnp.exp(-(x**2) / ((1 - x) * (1 + x)))
    else:
        raise ValueError(f"cutoff function {kind!r}")
    return jnp.where(inside, value, 0.0)


def _edge(v: Array) -> Array:
    """exp(-1/v) for v > 0, else 0: all derivatives vanish at 0."""
    positive = v > 0
    return jnp.where(positive, jnp.exp(-1 / jnp.where(positive, v, 1.0)), 0.0)


def repulsion(constants: dict[str, Array], distances: Array, z_i: Array, z_j: Array) -> Array:
    """Screened repulsion of the nuclei of each pair in eV, (P,), before the cutoff function.

    Parameters
    ----------
    constants
        What :data:`ZBL_INITIAL` has, each before a softplus.
    distances
        (P,) in Å, not 0.
    z_i, z_j
        (P,) atomic numbers.
    """
    a, c = (
        jax.nn.softplus(jnp.concatenate([constants[f"{name}{k}"] for k in (1, 2, 3, 4)]))
        for name in "ac"
    )
    p, d = jax.nn.softplus(constants["p"]), jax.nn.softplus(constants["d"])
    reduced = distances * (z_i**p + z_j**p) * d
    screening = jnp.sum(c / c.sum() * jnp.exp(-a * reduced[:, None]), axis=-1)
    t = distances / ZBL_RANGE
    switch = _edge(1 - t) / (_edge(1 - t) + _edge(t))
    return switch * COULOMB * z_i * z_j / distances * screening
