"""The network: from atomic numbers and pair vectors to the energies of the atoms, in eV and Å."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.nn.initializers import lecun_normal, normal

from baselines.so3krates import harmonics, radial
from baselines.so3krates.config import SO3kratesConfig
from baselines.so3krates.pairs import Graph, at_atoms, at_pairs

Array = Any

ELEMENTS = 100
"""Rows of the embedding; the atomic number is the place."""


def precision(config: SO3kratesConfig) -> jax.lax.Precision:
    """Precision of every matrix product: float32, unless rounding to tf32 is asked for."""
    return jax.lax.Precision.DEFAULT if config.allow_tf32 else jax.lax.Precision.HIGHEST


class _Dense(nnx.Linear):
    """A linear map in the type and precision of the settings."""

    def __init__(
        self, config: SO3kratesConfig, inputs: int, outputs: int, rngs: nnx.Rngs, bias: bool = True
    ) -> None:
        super().__init__(
            inputs,
            outputs,
            use_bias=bias,
            dtype=jnp.dtype(config.dtype),
            param_dtype=jnp.dtype(config.dtype),
            precision=precision(config),
            rngs=rngs,
        )


class MLP(nnx.Module):
    """Two linear maps with a SiLU between them."""

    def __init__(
        self, config: SO3kratesConfig, inputs: int, hidden: int, outputs: int, rngs: nnx.Rngs
    ) -> None:
        self.hidden = _Dense(config, inputs, hidden, rngs)
        self.output = _Dense(config, hidden, outputs, rngs)

    def __call__(self, x: Array) -> Array:
        """(n, inputs) to (n, outputs)."""
        return self.output(jax.nn.silu(self.hidden(x)))


class ResidualMLP(nnx.Module):
    """W₃ silu(x + W₂ silu(W₁ silu(x))): what is learned replaces x, it is not added to it."""

    def __init__(self, config: SO3kratesConfig, rngs: nnx.Rngs) -> None:
        width = config.features
        self.first, self.second, self.output = (
            _Dense(config, width, width, rngs, bias=False) for _ in range(3)
        )

    def __call__(self, x: Array) -> Array:
        """(n, F) to (n, F)."""
        y = x + self.second(jax.nn.silu(self.first(jax.nn.silu(x))))
        return self.output(jax.nn.silu(y))


class Heads(nnx.Module):
    """A square matrix for each head, which acts on that head's part of the features."""

    def __init__(self, config: SO3kratesConfig, heads: int, rngs: nnx.Rngs) -> None:
        width = config.features // heads
        init = lecun_normal(batch_axis=(0,))
        self.kernel = nnx.Param(init(rngs.params(), (heads, width, width), jnp.dtype(config.dtype)))
        self.precision = precision(config)

    def __call__(self, x: Array) -> Array:
        """(n, F) to (n, F)."""
        kernel = self.kernel[...]
        parts = x.reshape(len(x), *kernel.shape[:2])
        found = jnp.einsum("nhf,hfg->nhg", parts, kernel, precision=self.precision)
        return found.reshape(x.shape)


class Filter(nnx.Module):
    """Weights of the pairs, from the distance and the difference of Euclidean variables."""

    def __init__(self, config: SO3kratesConfig, rngs: nnx.Rngs) -> None:
        width = config.features
        self.radial = MLP(config, config.n_rbf, width, width, rngs)
        self.spherical = MLP(config, len(config.degrees), width // 4, width, rngs)

    def __call__(self, rbf: Array, difference: Array) -> Array:
        """(P, F) from radial functions (P, K) and invariants (P or 1, degrees)."""
        return self.radial(rbf) + self.spherical(difference)


class Attention(nnx.Module):
    """Filter, queries and keys of one kind of attention."""

    def __init__(self, config: SO3kratesConfig, heads: int, rngs: nnx.Rngs) -> None:
        self.filter = Filter(config, rngs)
        self.query, self.key = (Heads(config, heads, rngs) for _ in range(2))
        self.heads = heads

    def coefficients(self, query: Array, weights: Array, key: Array) -> Array:
        """(P, heads) from the queries, filter weights and keys (P, F) of pairs."""
        product = (query * weights * key).reshape(len(query), self.heads, -1)
        return product.sum(axis=-1) / math.sqrt(product.shape[-1])


class Layer(nnx.Module):
    """Attention on features and Euclidean variables, then their exchange."""

    def __init__(self, config: SO3kratesConfig, rngs: nnx.Rngs) -> None:
        self.degrees = config.degrees
        width, count = config.features, len(config.degrees)
        self.feature = Attention(config, config.heads, rngs)
        self.value = Heads(config, config.heads, rngs)
        self.geometric = Attention(config, count, rngs)
        self.update = _Dense(config, width + count, width + count, rngs)
        self.residual_1, self.residual_2 = (
            ResidualMLP(config, rngs) if used else None
            for used in (config.residual_mlp_1, config.residual_mlp_2)
        )
        self.norm_1, self.norm_2 = (
            nnx.LayerNorm(
                width,
                epsilon=1e-6,
                dtype=jnp.dtype(config.dtype),
                param_dtype=jnp.dtype(config.dtype),
                rngs=rngs,
            )
            if config.layer_normalization
            else None
            for _ in range(2)
        )

    def attend(
        self, x: Array, chi: Array | None, graph: Graph, geometry: tuple[Array, Array, Array]
    ) -> tuple[Array, Array, Array, Array]:
        """Changes (n, F) and (n, M) of both, and the coefficients (P, heads), (P, degrees)."""
        rbf, phi, sphere = geometry
        width = x.shape[1]
        first = [self.feature.query(x), self.geometric.query(x)]
        second = [self.feature.key(x), self.geometric.key(x), self.value(x)]
        if chi is not None:
            first.append(chi)
            second.append(chi)
        here = at_pairs(jnp.concatenate(first, axis=1), graph.first)
        there = at_pairs(jnp.concatenate(second, axis=1), graph.second)
        if chi is None:  # all zero: the same for every pair
            difference = jnp.zeros((1, len(self.degrees)), x.dtype)
        else:
            change = there[:, 3 * width :] - here[:, 2 * width :]
            difference = harmonics.contraction(change, self.degrees)
        alpha = phi[:, None] * self.feature.coefficients(
            here[:, :width], self.feature.filter(rbf, difference), there[:, :width]
        )
        beta = phi[:, None] * self.geometric.coefficients(
            here[:, width : 2 * width],
            self.geometric.filter(rbf, difference),
            there[:, width : 2 * width],
        )
        value = there[:, 2 * width : 3 * width].reshape(*alpha.shape, -1)
        messages = [
            (alpha[..., None] * value).reshape(len(alpha), width),
            harmonics.scaled(beta, sphere, self.degrees),
        ]
        summed = at_atoms(jnp.concatenate(messages, axis=1), graph.first, len(x))
        return summed[:, :width], summed[:, width:], alpha, beta

    def exchange(self, x: Array, chi: Array) -> tuple[Array, Array]:
        """Features and Euclidean variables after each has seen the other."""
        normed = x if self.norm_2 is None else self.norm_2(x)
        invariants = harmonics.contraction(chi, self.degrees)
        both = self.update(jnp.concatenate([normed, invariants], axis=1))
        width = x.shape[1]
        return x + both[:, :width], chi + harmonics.scaled(both[:, width:], chi, self.degrees)

    def __call__(
        self, x: Array, chi: Array | None, graph: Graph, geometry: tuple[Array, Array, Array]
    ) -> tuple[Array, Array, dict[str, Array]]:
        """Features (n, F), Euclidean variables (n, M), and what they came from."""
        normed = x if self.norm_1 is None else self.norm_1(x)
        dx, dchi, alpha, beta = self.attend(normed, chi, graph, geometry)
        x, chi = x + dx, dchi if chi is None else chi + dchi
        if self.residual_1 is not None:
            x = self.residual_1(x)
        x, chi = self.exchange(x, chi)
        if self.residual_2 is not None:
            x = self.residual_2(x)
        return x, chi, {"x": x, "chi": chi, "alpha": alpha, "beta": beta}


class Network(nnx.Module):
    """The whole network.

    Parameters
    ----------
    config
        The settings.
    rngs
        Source of the initial weights.
    """

    def __init__(self, config: SO3kratesConfig, rngs: nnx.Rngs) -> None:
        self.config = config
        dtype, width = jnp.dtype(config.dtype), config.features
        self.embedding = nnx.Param(normal(width**-0.5)(rngs.params(), (ELEMENTS, width), dtype))
        self.layers = nnx.List([Layer(config, rngs) for _ in range(config.layers)])
        self.readout = MLP(config, width, width, 1, rngs)
        self.zbl = (
            nnx.Dict(
                {
                    # The inverse of softplus
                    name: nnx.Param(jnp.full(1, math.log(math.expm1(value)), dtype))
                    for name, value in radial.ZBL_INITIAL.items()
                }
            )
            if config.zbl
            else None
        )

    def traced(self, numbers: Array, graph: Graph) -> tuple[Array, dict[str, Any]]:
        """Energies of the atoms, and what they were made of, as :meth:`__call__`."""
        config = self.config
        real = jnp.any(graph.vectors != 0, axis=1)
        vectors = jnp.where(
            real[:, None], graph.vectors, jnp.array([1.0, 0, 0], graph.vectors.dtype)
        )
        distances = jnp.sqrt(jnp.sum(vectors**2, axis=1))
        unit = vectors / distances[:, None]
        phi = jnp.where(real, radial.cutoff(distances, config.r_cut, config.cutoff_fn), 0.0)
        rbf = radial.basis(distances, config.r_cut, config.n_rbf)
        sphere = harmonics.spherical_harmonics(unit, config.degrees)
        x = self.embedding[...][numbers]
        chi = None
        if config.sphc_normalization is not None:
            chi = at_atoms(phi[:, None] * sphere, graph.first, len(numbers))
            chi = chi / config.sphc_normalization
        trace: dict[str, Any] = {"rbf": rbf, "phi": phi, "sphere": sphere, "chi": chi, "layers": []}
        for layer in self.layers:
            x, chi, seen = layer(x, chi, graph, (rbf, phi, sphere))
            trace["layers"].append(seen)
        energies = self.readout(x)[:, 0]
        if self.zbl is not None:
            constants = {name: value[...] for name, value in self.zbl.items()}
            charges = numbers.astype(x.dtype)
            z_i, z_j = (
                # At padding 1, of which every power is finite
                jnp.where(real, at_pairs(charges, ends), 1.0)
                for ends in (graph.first, graph.second)
            )
            repulsion = radial.repulsion(constants, distances, z_i, z_j)
            energies = energies + 0.5 * at_atoms(phi * repulsion, graph.first, len(numbers))
        return jnp.where(numbers > 0, energies, 0.0), trace

    def __call__(self, numbers: Array, graph: Graph) -> Array:
        """Energies of the atoms in eV.

        Parameters
        ----------
        numbers
            (n,) atomic numbers; 0 for an atom that is not there.
        graph
            Their pairs.
        """
        return self.traced(numbers, graph)[0]
