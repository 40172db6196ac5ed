"""MACE: epochs of the published settings, and simulations in batch."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import teadata
from baselines.toolkit.devices import peak_gpu_memory_mib, reset_peak_gpu_memory
from benchmarks.gpu.pieces import Context, Found
from benchmarks.gpu.settings import settings, trained
from teadata.typing import no_progress

PUBLISHED_SECONDS = {"30 min": 1800, "32 h": 115_200}

SHARE = 0.8
"""Of the limit, after which no new epoch begins."""


def _frames(context: Context) -> tuple[Any, Any]:
    data = teadata.load("mini-i")
    train = data.split(f"folded/train/{context.few(10, 1000)}")
    return train, data.split("folded/valid")[: context.few(5, 1000)]


def epoch(context: Context, kernels: bool = True) -> Found:
    """Time the second epoch, which has no compilation in it, and measure its memory."""
    if not kernels:  # before mace-torch looks for it
        sys.modules["cuequivariance_torch"] = None  # type: ignore[assignment]
    from baselines.mace import backend
    from baselines.mace.training import Steps, Training

    train, valid = _frames(context)
    config = settings(context, "mace", "paper-i", size=len(train))
    with backend.backend(config, context.device):
        training = Training(config, 0, context.device, train, valid)
        steps = Steps(no_progress, 0, context.folder / "train.log")
        first = training.epoch(steps)["seconds"]
        reset_peak_gpu_memory(context.device)
        seconds = training.epoch(steps)["seconds"]
        peak = peak_gpu_memory_mib(context.device)
    used = "with cuEquivariance" if training.accelerated else "without cuEquivariance"
    if kernels and not training.accelerated and not context.smoke:
        raise RuntimeError(
            "cuEquivariance's kernels are not installed: cuequivariance-torch and "
            "cuequivariance-ops-torch-cu12 or -cu13"
        )
    fit = ", ".join(
        f"{name} are {whole / seconds:.0f}" for name, whole in PUBLISHED_SECONDS.items()
    )
    memory = "" if peak is None else f", {peak / 1024:.1f} GiB"
    most = config.max_num_epochs
    return Found(
        f"{seconds:.2f} s an epoch of {len(train)} frames and {len(valid)} validated, {used}"
        f"{memory}; {most} epochs would take {most * seconds / 3600:.1f} h, {fit} epochs",
        {
            "seconds": seconds, "first_seconds": first, "peak_mib": peak,
            "accelerated": training.accelerated, "frames": len(train), "dtype": config.dtype,
        },
    )  # fmt: skip


def epochs(context: Context) -> Found:
    """Train `paper-i` until the time is nearly up, from where the piece was before."""
    from baselines.mace import backend
    from baselines.mace.training import CHECKPOINT_FILE, Training
    from baselines.toolkit.torch_files import write

    end = time.perf_counter() + SHARE * context.seconds
    train, valid = _frames(context)
    config = settings(context, "mace", "paper-i", size=len(train))
    with backend.backend(config, context.device, context.folder / "train.log"):
        training = Training(config, 0, context.device, train, valid)
        most = context.few(3, config.max_num_epochs)
        with contextlib.closing(training.run(context.folder, no_progress)) as running:
            for _ in running:
                if time.perf_counter() > end or len(training.curve) >= most:
                    break
        write(context.folder / CHECKPOINT_FILE, training.state())
    best = training.curve[training.best["epoch"] - 1]
    spent = sum(entry["seconds"] for entry in training.curve)
    return Found(
        f"{len(training.curve)} epochs in {spent / 60:.1f} min; the best, {best['epoch']:.0f}: "
        f"force MAE {best['force_mae']:.3f} kcal/mol/Å on {len(valid)} validation frames",
        {"epochs": len(training.curve), "seconds": spent, "best": best},
    )


def simulations(context: Context) -> Found:
    """Time a step of 1, 16 and 64 simulations that are evaluated together.

    Of a model that has hardly been trained, from the first step that is told of to the last.
    """
    from teaeval.md import replicas
    from teaeval.md.settings import Settings

    config = settings(
        context, "mace", "paper-i", size=10, max_num_epochs=context.few(1, 20), batch_size=5
    )
    run, _ = trained(context, "mace", config)
    data = teadata.load("mini-i")
    length = context.few(6, 200)
    chosen = Settings(steps=length, interval=length, checkpoint=length, monitors=())
    numbers: dict[str, Any] = {}
    for count in context.few((1, 2), (1, 16, 64)):
        plan = replicas.make_plan(
            data, "folded", chosen, count, model=run, device=context.device, together=True
        )
        told: list[tuple[int, float]] = []
        with tempfile.TemporaryDirectory(dir=context.folder) as folder:
            replicas.run(
                plan,
                Path(folder),
                progress=lambda _, done, __, told=told: told.append((done, time.perf_counter())),
            )
        (first, began), (last, ended) = told[0], told[-1]
        numbers[str(count)] = {"ms": 1e3 * (ended - began) / (last - first)}
    said = ", ".join(f"{count}: {each['ms']:.1f} ms" for count, each in numbers.items())
    return Found(f"a step of all replicas: {said}", numbers)
