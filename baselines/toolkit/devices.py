"""GPUs, as the package that a model calculates with sees them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

from baselines.toolkit.log_lines import without_log_lines
from teadata.errors import UsageError

Framework = Literal["torch", "jax", "tensorflow"]

Outcome = TypeVar("Outcome")

SHARED: dict[Framework, dict[str, str]] = {
    "torch": {},
    # by default JAX takes three quarters of a GPU for each process, and TensorFlow nearly all
    "jax": {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
    "tensorflow": {
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "TF_CPP_MIN_LOG_LEVEL": "2",  # errors only, not what the CPU could do
    },
}
"""Variables of the environment that a package reads when it is loaded or first used."""

HIDDEN = {
    "CUDA_VISIBLE_DEVICES": "",
    "JAX_PLATFORMS": "cpu",
    "TF_CPP_MIN_LOG_LEVEL": "3",  # that it finds no GPU is an error to TensorFlow
}
"""Variables with which no package finds a GPU, or complains of it."""

ATOMS_AT_ONCE = 4096
"""Atoms that a GPU is given at once to predict, if the batch of the settings is smaller."""


def prepare(framework: Framework) -> None:
    """Let a package take the memory of a GPU as it needs it, so that processes can share one.

    To be called before the package is first used; a variable that the user has set stays.
    """
    for name, value in SHARED[framework].items():
        os.environ.setdefault(name, value)


def hide_gpus(device: str) -> None:
    """Hide the GPUs from this process and those it starts, if it is to use the CPU only.

    JAX and TensorFlow would set up every GPU they find, whatever they calculate on.  For
    commands, which do one thing: what is hidden once stays hidden.
    """
    if device == "cpu":
        for name, value in HIDDEN.items():
            os.environ.setdefault(name, value)


def check_device(device: str, framework: Framework = "torch") -> None:
    """Make sure that a CUDA device is there if it is asked for.

    Raises
    ------
    UsageError
        If it is not.
    """
    if device != "cuda":
        return
    prepare(framework)
    if framework == "jax":
        import jax

        try:
            jax.devices("cuda")
        except RuntimeError:
            raise UsageError(
                f"device 'cuda': JAX {jax.__version__} finds no CUDA device here; use --device "
                "cpu, or install jax[cuda12] on a machine with a GPU"
            ) from None
        return
    if framework == "tensorflow":
        with without_log_lines():
            import tensorflow as tf

        if not tf.config.list_physical_devices("GPU"):
            raise UsageError(
                f"device 'cuda': TensorFlow {tf.__version__} finds no CUDA device here; use "
                "--device cpu, or install tensorflow[and-cuda] on a machine with a GPU"
            )
        return
    import torch

    if not torch.cuda.is_available():
        raise UsageError(
            f"device 'cuda': PyTorch {torch.__version__} finds no CUDA device here; use "
            "--device cpu, or install a CUDA build of PyTorch on a machine with a GPU"
        )


def gpu(device: str, framework: Framework = "torch") -> dict[str, str]:
    """Describe the GPU that a package uses: name, memory, CUDA and driver; nothing on the CPU."""
    if device != "cuda":
        return {}
    if framework == "jax":
        accelerator = _jax_gpu()
        # what JAX may take; it knows no other size
        limit = (accelerator.memory_stats() or {}).get("bytes_limit", 0)
        found = {"gpu": accelerator.device_kind, "gpu_memory": _gib(limit)}
        # "PJRT C API\ncuda 12090", or the like
        cuda = " ".join(str(accelerator.client.platform_version).split())
    elif framework == "tensorflow":
        import tensorflow as tf

        details = tf.config.experimental.get_device_details(
            tf.config.list_physical_devices("GPU")[0]
        )
        found = {"gpu": details.get("device_name", "unknown")}
        cuda = str(tf.sysconfig.get_build_info().get("cuda_version", ""))
    else:
        import torch

        properties = torch.cuda.get_device_properties(0)
        found = {"gpu": properties.name, "gpu_memory": _gib(properties.total_memory)}
        cuda = torch.version.cuda or ""
    versions = {"cuda": cuda, "gpu_driver": driver_version()}
    return found | {name: version for name, version in versions.items() if version}


def driver_version() -> str:
    """Version of NVIDIA's kernel module; empty where there is none."""
    path = Path("/sys/module/nvidia/version")
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def _gib(size: int) -> str:
    return f"{size / 2**30:.0f} GiB"


def reset_peak_gpu_memory(device: str, framework: Framework = "torch") -> None:
    """Measure torch's peak memory from here on; of the others it is that of the whole process."""
    if device != "cuda" or framework != "torch":
        return
    import torch

    # it refuses to forget what has not begun
    torch.cuda.init()  # type: ignore[no-untyped-call]
    torch.cuda.reset_peak_memory_stats()


def peak_gpu_memory_mib(device: str, framework: Framework = "torch") -> float | None:
    """Measure the peak memory of arrays on the GPU, in MiB; None on the CPU.

    What a package holds ready beside them is not counted.
    """
    if device != "cuda":
        return None
    if framework == "jax":
        return round(
            float((_jax_gpu().memory_stats() or {}).get("peak_bytes_in_use", 0)) / 2**20, 1
        )
    if framework == "tensorflow":
        import tensorflow as tf

        return round(float(tf.config.experimental.get_memory_info("GPU:0")["peak"]) / 2**20, 1)
    import torch

    return round(float(torch.cuda.max_memory_allocated()) / 2**20, 1)


def _jax_gpu() -> Any:
    import jax

    return jax.devices("cuda")[0]


def frames_at_once(device: str, least: int, atoms: int) -> int:
    """Choose how many frames to predict at once: `least`, and on a GPU what keeps it busy."""
    return least if device == "cpu" else max(least, ATOMS_AT_ONCE // atoms)


def in_batches(
    evaluate: Callable[[slice], Outcome], count: int, most: int, least: int
) -> Iterator[tuple[slice, Outcome]]:
    """Evaluate `count` frames in batches, smaller ones where the memory of a GPU is too short.

    Parameters
    ----------
    evaluate
        Evaluates the frames of a slice.
    count
        Frames in all.
    most
        Frames of a batch at first; halved where the memory does not suffice.
    least
        Frames of a batch for which it has to suffice: then the error is raised.

    Yields
    ------
    tuple
        The slice of a batch, and its outcome.
    """
    start = 0
    while start < count:
        part = slice(start, min(start + most, count))
        try:
            outcome = evaluate(part)
        except Exception as error:
            if most <= least or not _out_of_memory(error):
                raise
            most = max(least, most // 2)
            continue
        yield part, outcome
        start = part.stop


def _out_of_memory(error: Exception) -> bool:
    """Whether a package says that the memory of a GPU does not suffice: each has its own error."""
    said = f"{type(error).__name__} {error}"
    return any(
        sign in said for sign in ("OutOfMemoryError", "RESOURCE_EXHAUSTED", "ResourceExhausted")
    )
