"""FCHL19*: what a prediction and the parts of a training cost."""

from __future__ import annotations

from typing import Any

import numpy as np

import teadata
from baselines.runs.speed import repeated
from benchmarks.gpu.pieces import Context, Found
from benchmarks.gpu.settings import settings


def parts(context: Context) -> Found:
    """Time predictions in batches, rows, their part of A, and the eigenvalues of A.

    The coefficients are random: nothing here depends on them.
    """
    import torch

    from baselines.fchl.regression import NormalEquations
    from baselines.fchl.training import Problem

    data = teadata.load("mini-i")
    train = data.split("folded/train/100")[: context.few(4, 100)]
    test = data.split("folded/test")
    config = settings(context, "fchl", "paper-i", size=len(train))
    problem = Problem.of(config, 0, context.device, train)
    features = problem.features(config.sigmas[1])
    coefficients = torch.from_numpy(np.random.default_rng(0).normal(size=(config.features, 1)))
    coefficients = coefficients.to(context.device)
    seconds = context.few(0.2, 5.0)

    def waited(work: Any) -> Any:
        def call() -> None:
            work()
            if context.device == "cuda":
                torch.cuda.synchronize()

        return call

    numbers: dict[str, Any] = {"features": config.features, "us_per_atom": {}}
    for batch in context.few((1, 4), (1, 8, 64, 512)):
        frames = test[:batch]
        taken = repeated(
            waited(lambda frames=frames: features.predict(frames, coefficients)), seconds
        )
        numbers["us_per_atom"][str(batch)] = 1e6 * taken / (batch * frames.n_atoms)
    for batch in context.few((2,), (8, 64)):
        frames = train[:batch]
        taken = repeated(waited(lambda frames=frames: features.rows(frames)), seconds)
        numbers[f"rows_{batch}_ms_per_frame"] = 1e3 * taken / batch
    _, force = features.rows(train[:2])
    equations = NormalEquations(config.features, context.device)
    targets = torch.zeros(force.shape[0] * 3, dtype=torch.float64, device=context.device)
    taken = repeated(waited(lambda: equations.add(force.flatten(0, 1), targets)), seconds)
    numbers["add_ms_per_frame"] = 1e3 * taken / 2
    matrix = equations._matrix + torch.eye(
        config.features, dtype=torch.float64, device=context.device
    )
    taken = repeated(waited(lambda: torch.linalg.eigh(matrix)), 0.0)
    numbers["eigh_seconds"] = taken
    speeds = ", ".join(
        f"{value:.2f} µs/atom of {batch}" for batch, value in numbers["us_per_atom"].items()
    )
    rows = min(value for name, value in numbers.items() if name.startswith("rows_"))
    return Found(
        f"{speeds} at once; rows {rows:.1f}, A {numbers['add_ms_per_frame']:.1f} ms a frame; "
        f"eigenvalues of {config.features} in {taken:.1f} s",
        numbers,
    )
