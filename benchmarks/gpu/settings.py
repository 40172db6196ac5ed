"""Settings of the models: the published ones with some changes, or tiny ones for the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from baselines import config, registry
from baselines.runs import folder as runs
from baselines.runs.record import TrainingRecord
from benchmarks.gpu.pieces import Context

TINY: dict[str, dict[str, Any]] = {
    "mace": {
        "num_channels": 4, "max_L": 0, "max_ell": 1, "correlation": 2, "r_max": 3.5,
        "radial_MLP": [8],
    },
    "sgdml": {"symmetries": False},
    "gap": {"sparse_two_body": 8, "sparse_soap": 20, "n_max": 3, "l_max": 2},
    "fchl": {"npcas": 32, "nstacks": 4, "rcut": 4.0, "acut": 4.0},
    "so3krates": {
        "features": 8, "layers": 1, "degrees": [1, 2], "heads": 2, "r_cut": 2.5, "n_rbf": 4,
        "buckets": 1,
    },
    "physnet": {
        "features": 8, "n_rbf": 6, "modules": 1, "residual_atomic": 1, "residual_interaction": 1,
        "residual_output": 1, "r_cut": 3.0, "batch_size": 4,
    },
}  # fmt: skip
"""What makes a model small enough for a CPU to try whether a piece works."""


def settings(context: Context, model: str, name: str, **changes: Any) -> Any:
    """Read a shipped configuration, with some changes, and tiny where the piece is tried."""
    _, kind = registry.entry(model).classes()
    values = config.read(kind, model, name).model_dump(mode="json") | changes
    return config.parse(kind, values | (TINY[model] if context.smoke else {}), model)


def trained(
    context: Context, model: str, chosen: Any, subset: str = "folded", device: str | None = None
) -> tuple[Path, TrainingRecord]:
    """Train a model on mini-i in the piece's folder: the run folder, and its record."""
    from teadata import catalog

    file = context.folder / f"{model}.yaml"
    file.write_text(config.to_yaml(chosen), encoding="utf-8")
    folder = context.folder / f"run-{model}"
    data = catalog.load("mini-i")
    plan = runs.make_plan(
        model, data, subset, config_name=str(file), device=device or context.device
    )
    return folder, runs.train(plan, folder)
