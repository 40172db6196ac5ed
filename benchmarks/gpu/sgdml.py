"""sGDML: both solvers."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import teadata
from benchmarks.gpu.pieces import Context, Found
from benchmarks.gpu.settings import settings


def solvers(context: Context) -> Found:
    """Train at one σ with each solver; how far the two models' forces are apart."""
    from baselines.sgdml import SGDML

    data = teadata.load("mini-i")
    size = context.few(8, 120)
    train, valid = (data.split(f"folded/{role}/1000")[:size] for role in ("train", "valid"))
    numbers: dict[str, Any] = {}
    forces = []
    for solver in ("analytic", "iterative"):
        config = settings(
            context, "sgdml", "paper-i", size=size, sigmas=[20], solver=solver, tolerance=1e-4
        )
        folder = context.folder / solver
        folder.mkdir(exist_ok=True)
        for name in ("sigmas.json", SGDML.model_file):  # what was there before would be kept
            (folder / name).unlink(missing_ok=True)
        model = SGDML(config, 0, context.device)
        start = time.perf_counter()
        result = model.fit(train, valid, folder)
        numbers[solver] = {
            "seconds": time.perf_counter() - start,
            "force_mae": result.valid["force_mae"],
        }
        forces.append(model.predict(valid).forces)
    numbers["apart"] = float(np.abs(forces[1] - forces[0]).max())
    said = ", ".join(
        f"{solver} {numbers[solver]['seconds']:.1f} s (force MAE "
        f"{numbers[solver]['force_mae']:.2f} kcal/mol/Å)"
        for solver in ("analytic", "iterative")
    )
    return Found(f"{size} frames: {said}", numbers)
