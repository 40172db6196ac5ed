"""TensorFlow's log lines, and what else is written to standard error."""

from __future__ import annotations

import os

from baselines.toolkit.log_lines import without_log_lines


def test_log_lines_of_tensorflow_are_dropped_and_nothing_else(capfd, monkeypatch):
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
