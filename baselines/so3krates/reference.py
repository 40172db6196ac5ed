"""Weights by the names that the original implementation gives them.

A model file has these names, too, so that either can read the other's weights.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.config import parse
from baselines.so3krates.config import SO3kratesConfig
from teadata.errors import DataError

Arrays = dict[str, NDArray[Any]]

SETTINGS = {
    "F": "features",
    "L": "layers",
    "n_layer": "layers",
    "H": "heads",
    "n_heads": "heads",
    "degrees": "degrees",
    "r_cut": "r_cut",
    "n_rbf": "n_rbf",
    "K": "n_rbf",
    "zbl": "zbl",
    "layer_norm": "layer_normalization",
    "layer_normalization": "layer_normalization",
    "sphc_norm": "sphc_normalization",
    "sphc_normalization": "sphc_normalization",
    "residual_mlp_1": "residual_mlp_1",
    "residual_mlp_2": "residual_mlp_2",
    "cutoff_fn": "cutoff_fn",
    "radial_cutoff_fn": "cutoff_fn",
}
"""Ours by the original's names of settings, short and long; ``residual_mlp`` stands for two."""

CUTOFFS = {
    "cosine_cutoff_fn": "cosine",
    "physnet_cutoff_fn": "phys",
    "physnet": "phys",
    "polynomial_cutoff_fn": "polynomial",
    "exponential_cutoff_fn": "exponential",
}
"""Ours by the original's names of cutoff functions."""

_ATTENTION = "attention_fn/VmapConvAttentionCoefficients_0"


def _mlp(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    for part, name in (("hidden", "layers_0"), ("output", "layers_1")):
        for kind in ("kernel", "bias"):
            yield f"{ours}.{part}.{kind}", f"{theirs}/{name}/{kind}"


def names(config: SO3kratesConfig) -> dict[str, str]:
    """Map our name of every weight to the original's."""
    originals = {"embedding": "feature_embeddings_0/Embed_0/embedding"}
    for k in range(config.layers):
        here, there = f"layers.{k}", f"layers_{k}"
        for ours, theirs in (("feature", "FeatureBlock_0"), ("geometric", "GeometricBlock_0")):
            block, other = f"{here}.{ours}", f"{there}/{theirs}"
            originals |= _mlp(f"{block}.filter.radial", f"{other}/filter_fn/VmapMLP_0")
            originals |= _mlp(f"{block}.filter.spherical", f"{other}/filter_fn/VmapMLP_1")
            for n, part in enumerate(("query", "key")):
                originals[f"{block}.{part}.kernel"] = f"{other}/{_ATTENTION}/Dense_{n}/kernel"
        value = "FeatureBlock_0/attention_fn/VmapAttentionAggregation_0/Dense_0/kernel"
        originals[f"{here}.value.kernel"] = f"{there}/{value}"
        for kind in ("kernel", "bias"):
            originals[f"{here}.update.{kind}"] = f"{there}/InteractionBlock_0/MLP_0/layers_0/{kind}"
        if config.layer_normalization:
            for n in (1, 2):
                for kind in ("scale", "bias"):
                    originals[f"{here}.norm_{n}.{kind}"] = f"{there}/LayerNorm_{n - 1}/{kind}"
        used = [n for n in (1, 2) if getattr(config, f"residual_mlp_{n}")]
        for place, n in enumerate(used):
            other = f"{there}/ResidualMLP_{place}"
            for part, name in (
                ("first", "Residual_0/layers_0"),
                ("second", "Residual_0/layers_1"),
                ("output", "Dense_0"),
            ):
                originals[f"{here}.residual_{n}.{part}.kernel"] = f"{other}/{name}/kernel"
    originals |= _mlp("readout", "observables_0/MLP_0")
    if config.zbl:
        for name in ("a1", "a2", "a3", "a4", "c1", "c2", "c3", "c4", "p", "d"):
            originals[f"zbl.{name}"] = f"observables_0/ZBLRepulsion_0/{name}"
    return originals


def settings(params: Mapping[str, Any], cfg: Mapping[str, Any]) -> SO3kratesConfig:
    """Read the settings of a model of the original implementation, in float64.

    Parameters
    ----------
    params
        Its weights: where `cfg` says nothing of radial functions, their number is seen there.
    cfg
        Its settings: a name of :data:`SETTINGS`, or ``residual_mlp`` for both residual MLPs.

    Raises
    ------
    DataError
        If a value is not valid.
    """
    values: dict[str, Any] = {}
    for name, raw in cfg.items():
        value = np.asarray(raw).tolist()
        if name == "residual_mlp":
            values |= {"residual_mlp_1": bool(value), "residual_mlp_2": bool(value)}
        elif name in SETTINGS:
            values[SETTINGS[name]] = CUTOFFS.get(value, value) if isinstance(value, str) else value
        else:
            warnings.warn(f"cfg: {name!r} is no setting of the network; ignored", stacklevel=3)
    kernel = "layers_0/FeatureBlock_0/filter_fn/VmapMLP_0/layers_0/kernel"
    if "n_rbf" not in values and kernel in params:
        values["n_rbf"] = int(np.shape(params[kernel])[-2])
    # Files that do not name the cutoff function: those with repulsion have PhysNet's.
    values.setdefault("cutoff_fn", "phys" if values.get("zbl") else "cosine")
    return parse(SO3kratesConfig, {"size": 1, "dtype": "float64"} | values, "cfg")


def flat(weights: Any) -> Arrays:
    """List the weights of a network by our names."""
    from flax import nnx

    return {
        ".".join(map(str, path)): np.asarray(value[...])
        for path, value in nnx.to_flat_state(weights)
    }


def to_reference(weights: Any, config: SO3kratesConfig) -> Arrays:
    """Convert weights of a network to the original's names and shapes."""
    ours, renamed = flat(weights), {}
    for name, other in names(config).items():
        # The filters' MLPs are mapped over one head.
        renamed[other] = ours[name][None] if "/Vmap" in other and ".filter." in name else ours[name]
    return renamed


def to_network(params: Mapping[str, Any], config: SO3kratesConfig, source: str) -> tuple[Any, Any]:
    """Build the network with weights by the original's names, split into definition and weights.

    Raises
    ------
    DataError
        If a weight is missing, too many, or of another shape.
    """
    import jax
    import jax.numpy as jnp
    from flax import nnx

    from baselines.so3krates.network import Network

    definition, weights = nnx.split(nnx.eval_shape(lambda: Network(config, nnx.Rngs(0))))
    theirs = names(config)
    missing = sorted(set(theirs.values()) - set(params))
    unknown = sorted(set(params) - set(theirs.values()))
    if missing or unknown:
        raise DataError(
            f"{source}: the weights are not those of a network with these settings: "
            f"missing {_few(missing)}; too many {_few(unknown)}"
        )

    def value(path: Any, leaf: Any) -> Any:
        name = theirs[re.sub(r"\.value$", "", ".".join(_key(part) for part in path))]
        given = np.asarray(params[name])
        if given.size != leaf.size or given.shape[given.ndim - leaf.ndim :] != leaf.shape:
            raise DataError(
                f"{source}: {name} has shape {given.shape}, expected {leaf.shape} with these "
                "settings"
            )
        return jnp.asarray(given.reshape(leaf.shape), dtype=leaf.dtype)

    return definition, jax.tree_util.tree_map_with_path(value, weights)


def _key(part: Any) -> str:
    for name in ("key", "name", "idx"):
        if hasattr(part, name):
            return str(getattr(part, name))
    return str(part)


def _few(names: list[str]) -> str:
    if not names:
        return "none"
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
