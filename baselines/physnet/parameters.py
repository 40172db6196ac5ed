"""The parameters of a model: names, shapes, initial values, and all of them as one vector.

Names, shapes and raw values (those before a softplus) are the original implementation's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.physnet.config import PhysNetConfig
from teadata.typing import Floats

ELEMENTS = 95
"""Rows of every table of elements; the atomic number is the place."""

D3_NAMES = ("s6", "s8", "a1", "a2")

HARTREE_FOCK = (1.0, 0.9171, 0.3385, 2.8830)
"""Coefficients of D3(BJ) for Hartree-Fock, from which they are learned; the last in bohr."""


def shapes(config: PhysNetConfig) -> dict[str, tuple[int, ...]]:
    """List the shapes of the parameters by name, in a fixed order."""
    width, count = config.features, config.n_rbf
    by_name: dict[str, tuple[int, ...]] = {
        "embeddings": (ELEMENTS, width),
        "rbf_layer/centers": (count,),
        "rbf_layer/widths": (count,),
    }
    if config.dispersion and config.d3 is None:
        by_name |= dict.fromkeys(D3_NAMES, ())
    by_name |= dict.fromkeys(("Eshift", "Escale", "Qshift", "Qscale"), (ELEMENTS,))

    def dense(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f"{name}/W", (width, width)
        yield f"{name}/b", (width,)

    def residual(name: str, blocks: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        for k in range(blocks):
            yield from dense(f"{name}/residual_layer{k}/dense")
            yield from dense(f"{name}/residual_layer{k}/residual")

    for m in range(config.modules):
        block = f"interaction_block{m}"
        layer = f"{block}/interaction_layer"
        by_name[f"{layer}/k2f/W"] = (count, width)
        by_name |= dense(f"{layer}/dense_i")
        by_name |= dense(f"{layer}/dense_j")
        by_name |= residual(layer, config.residual_interaction)
        by_name |= dense(f"{layer}/dense")
        by_name[f"{layer}/u"] = (width,)
        by_name |= residual(block, config.residual_atomic)
        by_name |= residual(f"output_block{m}", config.residual_output)
        by_name[f"output_block{m}/dense_layer/W"] = (width, 2)
    return by_name


def softplus_inverse(value: Any) -> Floats:
    """Invert softplus at a positive value."""
    value = np.asarray(value, np.float64)
    found: Floats = value + np.log(-np.expm1(-value))
    return found


def centres(config: PhysNetConfig) -> Floats:
    """Initial centres of the radial functions, (K,) falling from 1 to exp(-r_cut)."""
    return np.linspace(1.0, math.exp(-config.r_cut), config.n_rbf)


def width(config: PhysNetConfig) -> float:
    """Initial width of all radial functions."""
    return (0.5 * config.n_rbf / (1.0 - math.exp(-config.r_cut))) ** 2


def orthogonal(rng: np.random.Generator, rows: int, columns: int) -> Floats:
    """Draw a part of a random rotation, scaled to Glorot's variance, (rows, columns)."""
    size = max(rows, columns)
    rotation, upper = np.linalg.qr(rng.standard_normal((size, size)))
    rotation *= np.sign(np.diag(upper))  # uniformly distributed
    if np.linalg.det(rotation) < 0:
        rotation[:, 0] *= -1
    part: Floats = rotation[:rows, :columns]
    return part * math.sqrt(2.0 / (rows + columns) / part.var())


def initial(config: PhysNetConfig, seed: int, shift: float, scale: float) -> dict[str, Floats]:
    """Draw the parameters before training.

    Parameters
    ----------
    config
        The settings.
    seed
        Of embeddings and matrices.
    shift, scale
        Energy of every element in eV, and what the network's energies are multiplied by.
    """
    rng = np.random.default_rng([seed, 1])
    fixed = {
        "embeddings": None,
        "rbf_layer/centers": softplus_inverse(centres(config)),
        "rbf_layer/widths": softplus_inverse(np.full(config.n_rbf, width(config))),
        "Eshift": np.full(ELEMENTS, shift),
        "Escale": np.full(ELEMENTS, scale),
        "Qscale": np.ones(ELEMENTS),
    } | {n: softplus_inverse(v) for n, v in zip(D3_NAMES, HARTREE_FOCK, strict=True)}
    values = {}
    for name, shape in shapes(config).items():
        value = fixed.get(name)
        if name == "embeddings":
            value = rng.uniform(-math.sqrt(3), math.sqrt(3), shape)
        elif name.endswith("/u"):
            value = np.ones(shape)
        elif name.endswith("/W") and not name.endswith(("k2f/W", "dense_layer/W")):
            value = orthogonal(rng, *shape)
        values[name] = np.zeros(shape) if value is None else value
    return values


def joined(config: PhysNetConfig, values: Mapping[str, Any]) -> Floats:
    """Join parameters by name to one vector."""
    return np.concatenate([np.asarray(values[name]).ravel() for name in shapes(config)])


def named(config: PhysNetConfig, vector: Any) -> dict[str, NDArray[Any]]:
    """Split a vector of all parameters into its parts by name."""
    known = shapes(config)
    ends = np.cumsum([math.prod(shape) for shape in known.values()])
    parts = np.split(np.asarray(vector), ends[:-1])
    return {
        name: part.reshape(shape) for (name, shape), part in zip(known.items(), parts, strict=True)
    }


def tensors(config: PhysNetConfig, vector: Any) -> dict[str, Any]:
    """Split a TensorFlow vector of all parameters into its parts by name."""
    import tensorflow as tf

    known = shapes(config)
    parts = tf.split(vector, [math.prod(shape) for shape in known.values()])
    return {
        name: tf.reshape(part, shape)
        for (name, shape), part in zip(known.items(), parts, strict=True)
    }
