"""PhysNet: its training step, by XLA and without."""

from __future__ import annotations

import time
from typing import Any

import teadata
from baselines.toolkit.devices import peak_gpu_memory_mib
from benchmarks.gpu.pieces import Context, Found
from benchmarks.gpu.settings import settings
from teadata.typing import no_progress


def step(context: Context) -> Found:
    """Time the step of the published batch of 73 frames."""
    data = teadata.load("mini-i")
    train, valid = (
        data.split(f"complete/{role}/100")[: context.few(8, 100)] for role in ("train", "valid")
    )
    numbers: dict[str, Any] = {}
    for name, compiled in (("XLA", True), ("without XLA", False)):
        count = context.few(2, 100)
        config = settings(
            context, "physnet", "paper-i", size=len(train), steps=10 * count, eval_every=count,
            jit_compile=compiled,
        )  # fmt: skip
        numbers[name] = _step(context, config, train, valid)
    batch = numbers["XLA"]["batch"]
    said = ", ".join(f"{name} {each['ms']:.1f} ms" for name, each in numbers.items())
    return Found(f"a batch of {batch}: {said}", numbers)


def _step(context: Context, config: Any, train: Any, valid: Any) -> dict[str, Any]:
    from baselines.physnet import session as backend

    with backend.session(context.device):
        from baselines.physnet.training import Training

        training = Training(config, 0, train, valid)
        training._advance(no_progress)
        before, start = training.step, time.perf_counter()
        training._advance(no_progress)  # which waits for the losses at its end
        seconds = time.perf_counter() - start
        return {
            "ms": 1e3 * seconds / (training.step - before),
            "batch": config.batch_size,
            "peak_mib": peak_gpu_memory_mib(context.device, "tensorflow"),
        }
