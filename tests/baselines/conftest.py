"""Small trained models that the tests of the baselines share: each is trained once."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

import teadata
from baselines.config import ModelConfig, parse
from baselines.protocol import Baseline, FitResult
from baselines.registry import MODELS
from teadata import Frames

# Read when JAX is first used: tests compile more than they calculate.
FASTER = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {FASTER}".strip()


class Case(NamedTuple):
    """What a small model is trained on and tried with, and its settings."""

    config: ModelConfig
    train: Frames
    valid: Frames
    test: Frames


class Trained(NamedTuple):
    """A trained model, what its fit returned, its workdir, and what it told of its progress."""

    model: Baseline[Any]
    result: FitResult
    workdir: Path
    steps: list[int]


SETTINGS: dict[str, dict[str, Any]] = {
    "mace": {
        "size": 8, "num_channels": 4, "max_L": 1, "max_ell": 2, "correlation": 2, "r_max": 3.5,
        "radial_MLP": [8], "ema_decay": 0.9, "batch_size": 3, "valid_batch_size": 4,
        "scheduler_patience": 0, "max_num_epochs": 4,
    },
    "sgdml": {"size": 10, "sigmas": [10, 20], "lam": 1e-10, "symmetries": True},
    "gap": {
        "size": 10, "sparse_two_body": 8, "sparse_soap": 20, "n_max": 4, "l_max": 2, "zeta": 4,
        "sigma_energy": [0.01], "sigma_force": [0.01], "scale_range": 1.2, "sharpness": 1.0,
        "two_body_range": 1.5, "two_body_sigma_factor": 10.0, "jitter": 1e-8,
    },
    "fchl": {"size": 10, "nstacks": 4, "sigmas": [4.0, 16.0], "lambdas": [1e-6, 1e-3]},
    "so3krates": {
        "size": 8, "features": 8, "layers": 1, "degrees": [1, 2], "heads": 2, "r_cut": 2.5,
        "n_rbf": 4, "lr": 1e-3, "lr_decay_steps": 10, "steps": 16, "batch_size": 2,
        "valid_batch_size": 4, "buckets": 1,
    },
    "physnet": {
        "size": 8, "features": 8, "n_rbf": 6, "modules": 1, "residual_atomic": 1,
        "residual_interaction": 1, "residual_output": 1, "r_cut": 3.0, "lr": 1e-2, "steps": 16,
        "batch_size": 2, "valid_batch_size": 5, "jit_compile": False,
    },
    "yukawa": {
        "size": 12, "cutoff": 4.0, "switch": 1.0, "kappa": [0.1, 10.0], "grid": 25,
        "energy_weight": 1.0, "force_weight": 0.1, "stress_weight": 1.0,
    },
    "tersoff": {
        "size": 2, "inner": 1.1, "outer": 1.7, "starts": 2, "spread": 0.3, "evaluations": 3,
        "energy_weight": 1.0, "force_weight": 0.1, "stress_weight": 1.0,
    },
    "uf3": {
        "size": 6, "pair_cutoff": 4.0, "pair_intervals": 20, "trio_cutoff": 1.6,
        "trio_intervals": 5, "weight": 0.1, "ridge": [0.0, 1e-6], "curvature": [1e-4, 1e-4],
    },
    "pace": {
        "size": 6, "cutoff": 3.5, "radial": [12, 6, 3], "angular": [0, 4, 2], "functions": 60,
        "decay": 3.0, "energy_weight": 100.0, "core": 0.85, "ridges": [1e-2, 1e-10],
    },
}  # fmt: skip
"""Settings of which a training takes a second or a few; mostly they go into compiling."""

SPLITS = {
    "mace": ("mini-i", "folded", 8, 8),
    "sgdml": ("mini-i", "folded", 10, 10),
    "gap": ("mini-i", "folded", 10, 10),
    "fchl": ("mini-i", "folded", 10, 10),
    "so3krates": ("mini-i", "folded", 8, 8),
    "physnet": ("mini-i", "complete", 8, 7),
}
"""Dataset, subset, and how many frames are trained on and validated with."""


HERE = Path(__file__).parent


# The model of JAX last: others fork processes, which JAX's threads may not bear.
ROOMS = [*sorted(MODELS, key=lambda name: MODELS[name].framework == "jax"), "toolkit"]


def _turn(item: pytest.Item) -> int:
    """When a test comes: first those of commands and records, then those of each model."""
    room = item.path.relative_to(HERE).parts[0]
    if room == "contract" and hasattr(item, "callspec"):
        room = item.callspec.params["name"]
    return ROOMS.index(room) if room in ROOMS else -1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put all tests of a model together, so that few processes train it."""
    ours = [n for n, item in enumerate(items) if item.path.is_relative_to(HERE)]
    for place, item in zip(ours, sorted((items[n] for n in ours), key=_turn), strict=True):
        items[place] = item


@pytest.fixture(scope="session")
def case() -> Callable[[str], Case]:
    """What the small model of a name is trained on, and its settings."""

    @functools.cache
    def make(name: str) -> Case:
        config = parse(MODELS[name].classes()[1], SETTINGS[name], f"SETTINGS[{name!r}]")
        if name in SPLITS:
            dataset, subset, train, valid = SPLITS[name]
            data = teadata.load(dataset)
            return Case(
                config,
                data.split(f"{subset}/train/{train}"),
                data.split(f"{subset}/valid/{valid}"),
                data.split(f"{subset}/test")[:6],
            )
        data = teadata.load("mini-hydrogen")  # a frame of each state point, loosest first
        train, valid = (
            data.split(f"complete/{role}/12")[: config.size] for role in ("train", "valid")
        )
        return Case(config, train, valid, data.split("complete/test")[:6])

    return make


@pytest.fixture(scope="session")
def compiled_once(tmp_path_factory) -> Iterator[None]:
    """What one test, or a command it runs, has compiled with JAX, the next need not."""
    jax = pytest.importorskip("jax")
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
def small_model(request, case, tmp_path_factory) -> Callable[[str], Trained]:
    """The small model of a name, trained when it is first asked for."""

    @functools.cache
    def make(name: str) -> Trained:
        if name == "so3krates":
            request.getfixturevalue("compiled_once")
        config, train, valid, _ = case(name)
        workdir = tmp_path_factory.mktemp(name)
        model = MODELS[name].classes()[0](config)
        steps: list[int] = []
        result = model.fit(train, valid, workdir, lambda task, done, total: steps.append(done))
        return Trained(model, result, workdir, steps)

    return make


@pytest.fixture(scope="session")
def config_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(
        yaml.safe_dump({"size": 10, "sigmas": [10, 20, 30], "lam": 1e-10, "symmetries": True})
    )
    return path


@pytest.fixture(scope="session")
def run_folder(run, config_file, tmp_path_factory) -> Path:
    """A run folder that the command left: of sGDML on ten frames."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    done = run(
        "baselines", "train", "sgdml", "mini-i", "--subset", "folded", "--config", config_file,
        "-o", folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "sgdml trained on mini-i@1.0.0 folded/train/10" in done.stdout
    return folder
