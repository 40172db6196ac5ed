"""TensorFlow as it is used here: quiet, with as many threads as the run is given."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from baselines.toolkit.devices import prepare
from baselines.toolkit.log_lines import without_log_lines
from teadata.errors import MissingExtraError

PACKAGES = {"tensorflow": "tensorflow", "vesin": "vesin"}


@functools.cache
def load() -> None:
    """Import the backend, and give it as many threads as ``OMP_NUM_THREADS`` says.

    TensorFlow does not look at that variable.  Where it runs already, it stays as it is.

    Raises
    ------
    MissingExtraError
        If a package is not installed.
    """
    prepare("tensorflow")
    for module, package in PACKAGES.items():
        try:
            with without_log_lines():
                importlib.import_module(module)
        except ImportError:
            raise MissingExtraError(package, "physnet", "PhysNet") from None
    import tensorflow as tf

    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdigit() and int(threads) > 0:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(int(threads))
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError:  # something has been calculated before
            return


@contextmanager
def session(device: str) -> Iterator[Any]:
    """Calculate on a device without rounding to tf32; yields TensorFlow.

    Raises
    ------
    MissingExtraError
        If a package is not installed.
    """
    load()
    import tensorflow as tf

    rounds = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        with tf.device("/GPU:0" if device == "cuda" else "/CPU:0"):
            yield tf
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(rounds)
