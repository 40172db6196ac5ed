"""How fast every model predicts: one frame, and many at once."""

from __future__ import annotations

from typing import Any

from baselines import registry
from baselines.runs.speed import bench
from benchmarks.gpu.pieces import Context, Found
from benchmarks.gpu.settings import settings, trained

SHORT: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "mace": ("paper-i", {"size": 20, "max_num_epochs": 1}, {}),
    "so3krates": ("paper-i", {"size": 20, "steps": 20, "eval_every": 20}, {}),
    "physnet": (
        "paper-i",
        {"size": 80, "steps": 20, "eval_every": 20, "batch_size": 20},
        {"jit_compile": False},
    ),
    "fchl": (
        "paper-i",
        {
            "size": 20, "sigmas": [2.72], "lambdas": [1e-5], "search_size": None,
            "solver": "cholesky",
        },
        {},
    ),
    "sgdml": ("paper-i", {"size": 200, "sigmas": [20]}, {}),
    "gap": ("quick", {"size": 20}, {}),
}  # fmt: skip
"""Configuration, its changes that make the training short, and more of them for the CPU."""

FEW = 8
"""Frames to train on where the piece is tried."""


def speed(context: Context, model: str) -> Found:
    """Train the published network for a moment, and time its predictions.

    SOAP/GAP has no code for a GPU, and is timed on the CPU.
    """
    name, changes, more = SHORT[model]
    if context.smoke:
        changes = changes | more | {"size": FEW}
    device = context.device if context.device in registry.entry(model).devices else "cpu"
    subset = "complete" if model == "physnet" else "folded"
    run, record = trained(context, model, settings(context, model, name, **changes), subset, device)
    found = bench(run, device, seconds=context.few(0.2, 3.0))
    return Found(
        f"{found.one_us_per_atom:.1f} µs/atom of one frame, {found.many_us_per_atom:.2f} of "
        f"{found.many_frames} at once, {found.calculator_us_per_atom:.1f} by the calculator "
        f"({device}, {name}, {record.plan.train.split('/')[-1]} frames)",
        found.model_dump(mode="json"),
    )
