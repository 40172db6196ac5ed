"""TensorFlow as the package loads it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def test_log_lines_of_tensorflow_are_dropped_and_nothing_else(capfd, monkeypatch):
    from baselines.physnet.session import without_log_lines

    lines = (
        "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
        "I0000 00:00:1796012677.261802   11603 port.cc:153] oneDNN custom operations are on.\n"
    )
    for level, expected in (
        ("3", "IO error\nE0000 broken"),
        ("0", f"{lines}IO error\nE0000 broken"),
    ):
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)
        with without_log_lines():
            os.write(2, f"{lines}IO error\nE0000 broken".encode())
        assert capfd.readouterr().err == expected


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
