"""Whether a CUDA device is there, as each framework sees it, and how its memory is shared."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from baselines.toolkit.devices import (
    check_device,
    frames_at_once,
    gpu,
    in_batches,
    peak_gpu_memory_mib,
)
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


LOADED = """
import json, os
from baselines.so3krates.session import load as load_jax
from baselines.toolkit.devices import hide_gpus, prepare
load_jax()
prepare("tensorflow")
hide_gpus("cuda")
before = dict(os.environ)
hide_gpus("cpu")
import jax
after, used = dict(os.environ), jax.default_backend()
os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "true"  # as a user may have said
load_jax.cache_clear()
load_jax()
print(json.dumps([before, after, used, dict(os.environ)]))
"""


def test_processes_share_the_memory_of_a_gpu_and_the_cpu_leaves_it_alone():
    pytest.importorskip("flax")
    ours = ("XLA_PYTHON_CLIENT_PREALLOCATE", "TF_FORCE_GPU_ALLOW_GROWTH", "JAX_PLATFORMS")
    clean = {name: value for name, value in os.environ.items() if name not in ours}

    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, env=clean,
        timeout=120,
    )  # fmt: skip
    before, after, used, chosen = json.loads(done.stdout)
    assert before["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    assert before["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert "JAX_PLATFORMS" not in before
    assert (after["JAX_PLATFORMS"], after["CUDA_VISIBLE_DEVICES"], used) == ("cpu", "", "cpu")
    assert chosen["XLA_PYTHON_CLIENT_PREALLOCATE"] == "true"


def test_a_gpu_is_given_more_frames_at_once():
    assert frames_at_once("cpu", 10, 42) == 10
    assert frames_at_once("cuda", 10, 42) == 97
    assert frames_at_once("cuda", 10, 5000) == 10


def test_batches_become_smaller_where_the_memory_does_not_suffice():
    class OutOfMemoryError(RuntimeError):
        """As torch has one, and JAX and TensorFlow have theirs."""

    asked: list[int] = []

    def evaluate(part: slice) -> int:
        asked.append(part.stop - part.start)
        if asked[-1] > room:
            raise OutOfMemoryError("CUDA out of memory")
        return part.start

    room = 7
    parts = [(part.start, part.stop) for part, _ in in_batches(evaluate, 17, 24, 5)]
    assert parts == [(0, 6), (6, 12), (12, 17)]
    assert asked == [17, 12, 6, 6, 5]
    room = 4
    with pytest.raises(OutOfMemoryError):
        list(in_batches(evaluate, 17, 24, 5))


def test_another_error_is_not_taken_for_a_lack_of_memory():
    calls: list[slice] = []

    def evaluate(part: slice) -> None:
        calls.append(part)
        raise ValueError("no such element")

    with pytest.raises(ValueError, match="no such element"):
        list(in_batches(evaluate, 8, 4, 1))
    assert len(calls) == 1
