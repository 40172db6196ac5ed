"""TensorFlow as the package loads it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_threads_are_those_of_the_run():
    """TensorFlow does not look at OMP_NUM_THREADS itself; and it says nothing of the processor."""
    code = (
        "from baselines.physnet import session; session.load(); import tensorflow as tf;"
        "t = tf.config.threading; tf.constant(1);"
        "print(t.get_intra_op_parallelism_threads(), t.get_inter_op_parallelism_threads())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.stdout.strip() == "1 1"
    assert done.stderr == ""
