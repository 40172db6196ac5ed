"""JAX as it is used here: which device, which types, and whether it is there at all."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from baselines.so3krates.config import SO3kratesConfig
from baselines.toolkit.devices import prepare
from teadata.errors import MissingExtraError

PACKAGES = {"jax": "jax", "flax": "flax", "optax": "optax", "orbax.checkpoint": "orbax-checkpoint",
            "vesin": "vesin"}  # fmt: skip


@functools.cache
def load() -> None:
    """Make sure that the backend can be imported.

    Raises
    ------
    MissingExtraError
        If a package is not installed.
    """
    prepare("jax")
    for module, package in PACKAGES.items():
        try:
            importlib.import_module(module)
        except ImportError:
            raise MissingExtraError(package, "so3krates", "SO3krates") from None


@functools.cache
def _keep_compiled() -> None:
    """Keep what JAX compiles for a GPU for the next process, unless the user chose a folder."""
    import jax
    from platformdirs import user_cache_path

    if jax.config.jax_compilation_cache_dir is None:
        folder = user_cache_path("tea-benchmark") / "jax"
        jax.config.update("jax_compilation_cache_dir", str(folder))


@contextmanager
def session(config: SO3kratesConfig, device: str) -> Iterator[None]:
    """Calculate in the type of the settings on a device; JAX's own settings are put back.

    Raises
    ------
    MissingExtraError
        If a package is not installed.
    """
    load()
    import jax

    if device != "cpu":
        _keep_compiled()
    # The network states the precision of its own products; this is for any other.
    precision = "default" if config.allow_tf32 else "highest"
    with (
        jax.enable_x64(config.dtype == "float64"),
        jax.default_matmul_precision(precision),
        jax.default_device(jax.devices(device)[0]),
    ):
        yield


def host(values: Any) -> Any:
    """Copy a pytree of arrays to the CPU, as NumPy's."""
    import jax

    return jax.device_get(values)
