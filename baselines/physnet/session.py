"""TensorFlow as it is used here: quiet, with as many threads as the run is given."""

from __future__ import annotations

import functools
import importlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from baselines.toolkit.devices import prepare
from teadata.errors import MissingExtraError

PACKAGES = {"tensorflow": "tensorflow", "vesin": "vesin"}


LOG_LINE = re.compile(rb"(I\d{4} |WARNING: All log messages before absl::InitializeLog).*\n?")
"""What TensorFlow says of itself before it looks at ``TF_CPP_MIN_LOG_LEVEL``."""


@contextmanager
def without_log_lines() -> Iterator[None]:
    """Drop such lines from standard error, and write all others when this ends.

    Someone who has set ``TF_CPP_MIN_LOG_LEVEL`` to 0 wants to read them.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "0") == "0":
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            said.seek(0)
            for line in said:
                if not LOG_LINE.fullmatch(line):
                    os.write(2, line)


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
