"""Reference cases, small models and settings that the tests of SO3krates share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from baselines.so3krates import SO3krates, SO3kratesConfig, from_reference
from teadata import Frames

pytest.importorskip("flax")

# Read when JAX is first used: tests compile more than they calculate.
FASTER = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {FASTER}".strip()

TINY = {
    "size": 8, "features": 8, "layers": 1, "degrees": [1, 2], "heads": 2, "r_cut": 2.5,
    "n_rbf": 4, "lr": 1e-3, "lr_decay_steps": 10, "steps": 16, "batch_size": 2,
    "valid_batch_size": 4, "buckets": 1,
}  # fmt: skip
"""Settings of which a training takes seconds, nearly all of them for compiling."""


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory) -> Iterator[None]:
    """What one test, or a command it runs, has compiled, the next need not."""
    import jax

    folder = str(tmp_path_factory.mktemp("compiled"))
    settings = {
        "jax_compilation_cache_dir": folder,
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in settings}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            jax.config.update(name, value)
            patch.setenv(name.upper(), str(value))
        yield
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.fixture(scope="session")
def cases(repository) -> dict[str, dict[str, np.ndarray]]:
    """Arrays of each reference case by name."""
    found: dict[str, dict[str, np.ndarray]] = {}
    with np.load(repository / "tests" / "data" / "so3krates_mlff.npz") as file:
        for name in file.files:
            case, _, rest = name.partition("/")
            found.setdefault(case, {})[rest] = file[name]
    return found


def _frames(numbers, positions, cell=None, pbc=None) -> Frames:
    """Frames of positions (N, A, 3); the labels are of no interest."""
    positions = np.asarray(positions, dtype=float)
    if cell is not None:
        cell = np.broadcast_to(cell, (len(positions), 3, 3))
    return Frames(
        numbers=np.asarray(numbers),
        positions=positions,
        energies=np.zeros(len(positions)),
        forces=np.zeros(positions.shape),
        cell=cell,
        pbc=np.full(3, cell is not None) if pbc is None else pbc,
    )


@pytest.fixture(scope="session")
def frames() -> Callable[..., Frames]:
    return _frames


@pytest.fixture(scope="session")
def reference(cases) -> Callable[[str], SO3krates]:
    """The model of a reference case."""

    def make(name: str) -> SO3krates:
        params, cfg = (
            {key.removeprefix(kind): v for key, v in cases[name].items() if key.startswith(kind)}
            for kind in ("param/", "cfg/")
        )
        return from_reference(params, cfg)

    return make


@pytest.fixture(scope="session")
def settings() -> Callable[..., SO3kratesConfig]:
    """Tiny settings; what a test is about it states."""

    def make(**values: object) -> SO3kratesConfig:
        return SO3kratesConfig.model_validate(TINY | values)

    return make


@pytest.fixture(scope="session")
def random_model() -> Callable[..., SO3krates]:
    """An untrained model in float64 of every element, with every option that is asked for."""

    def make(**values: object) -> SO3krates:
        from flax import nnx

        from baselines.so3krates import reference as names
        from baselines.so3krates import session as backend

        config = SO3kratesConfig.model_validate(TINY | {"dtype": "float64"} | values)
        with backend.session(config, "cpu"):
            from baselines.so3krates.network import Network

            _, weights = nnx.split(Network(config, nnx.Rngs(1)))
            arrays = names.to_reference(weights, config)
        model = SO3krates(config)
        model.use({"weights": arrays, "elements": list(range(1, 100)), "energies": np.zeros(99)})
        return model

    return make


@pytest.fixture(scope="session")
def trained(settings, mini_i, tmp_path_factory):
    """A tiny trained model, its result, and the workdir."""
    workdir = tmp_path_factory.mktemp("so3krates")
    model = SO3krates(settings())
    result = model.fit(mini_i.split("folded/train/8"), mini_i.split("folded/valid/8"), workdir)
    return model, result, workdir
