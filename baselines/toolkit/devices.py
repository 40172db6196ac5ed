"""GPUs, as the package that a model calculates with sees them."""

from __future__ import annotations

from typing import Any, Literal

from teadata.errors import UsageError

Framework = Literal["torch", "jax", "tensorflow"]


def check_device(device: str, framework: Framework = "torch") -> None:
    """Make sure that a CUDA device is there if it is asked for.

    Raises
    ------
    UsageError
        If it is not.
    """
    if device != "cuda":
        return
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
    """Describe the GPU that a package uses: name and memory; nothing on the CPU."""
    if device != "cuda":
        return {}
    if framework == "jax":
        accelerator = _jax_gpu()
        memory = accelerator.memory_stats() or {}
        # JAX keeps a share of the memory to itself; it knows how much that is.
        return {"gpu": accelerator.device_kind, "gpu_memory": _gib(memory.get("bytes_limit", 0))}
    if framework == "tensorflow":
        import tensorflow as tf

        details = tf.config.experimental.get_device_details(
            tf.config.list_physical_devices("GPU")[0]
        )
        return {"gpu": details.get("device_name", "unknown")}
    import torch

    properties = torch.cuda.get_device_properties(0)
    return {"gpu": properties.name, "gpu_memory": _gib(properties.total_memory)}


def _gib(size: int) -> str:
    return f"{size / 2**30:.0f} GiB"


def peak_gpu_memory_mib(device: str, framework: Framework = "torch") -> float | None:
    """Measure the peak memory of a package on the GPU, in MiB; None on the CPU."""
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

    return round(float(torch.cuda.max_memory_reserved()) / 2**20, 1)


def _jax_gpu() -> Any:
    import jax

    return jax.devices("cuda")[0]
