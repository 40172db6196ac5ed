"""Reference cases, small models and settings that the tests of SO3krates share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec

import numpy as np
import pytest

from baselines.so3krates import SO3krates, SO3kratesConfig, from_reference
from teadata import Frames

if find_spec("flax") is None:
    pytest.skip("could not import 'flax'", allow_module_level=True)


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


@pytest.fixture(scope="session", autouse=True)
def faster(compiled_once) -> None:
    """All tests here share what JAX has compiled."""


@pytest.fixture(scope="session")
def settings(case) -> Callable[..., SO3kratesConfig]:
    """Tiny settings; what a test is about it states."""

    def make(**values: object) -> SO3kratesConfig:
        return SO3kratesConfig.model_validate(case("so3krates").config.model_dump() | values)

    return make


@pytest.fixture(scope="session")
def random_model(settings) -> Callable[..., SO3krates]:
    """An untrained model in float64 of every element, with every option that is asked for."""

    def make(**values: object) -> SO3krates:
        from flax import nnx

        from baselines.so3krates import reference, session

        config = settings(**{"dtype": "float64"} | values)
        with session.session(config, "cpu"):
            from baselines.so3krates.network import Network

            _, weights = nnx.split(Network(config, nnx.Rngs(1)))
            params = reference.to_reference(weights, config)
        cfg = {name: getattr(config, ours) for name, ours in reference.SETTINGS.items()}
        return from_reference(params, cfg)

    return make


@pytest.fixture(scope="session")
def trained(small_model):
    """A tiny trained model, its result, and the workdir."""
    return small_model("so3krates")[:3]


@contextmanager
def _compilations() -> Iterator[list[str]]:
    """What is compiled, by name."""
    import jax

    found: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("Compiling"):
                found.append(record.getMessage()[:80])

    logger, handler = logging.getLogger("jax"), Handler()
    logger.addHandler(handler)
    with jax.log_compiles(True):
        yield found
    logger.removeHandler(handler)


@pytest.fixture(scope="session")
def compilations() -> Callable[[], AbstractContextManager[list[str]]]:
    """A context that lists what JAX compiles within it, by name."""
    return _compilations
