"""Whether a CUDA device is there, as each framework sees it."""

from __future__ import annotations

import pytest

from baselines.toolkit.devices import check_device, gpu, peak_gpu_memory_mib
from teadata.errors import UsageError


@pytest.mark.parametrize(
    ("framework", "title"), [("torch", "PyTorch"), ("jax", "JAX"), ("tensorflow", "TensorFlow")]
)
def test_a_cuda_device_is_there_or_an_error_says_that_it_is_not(framework, title):
    said = ""
    try:
        check_device("cuda", framework)
    except UsageError as error:
        said = str(error)
    if said:
        assert f"device 'cuda': {title} " in said
        assert "finds no CUDA device here; use --device cpu" in said
    else:
        assert gpu("cuda", framework)["gpu"]


def test_the_cpu_needs_nothing():
    check_device("cpu")
    assert gpu("cpu") == {}
    assert peak_gpu_memory_mib("cpu") is None
