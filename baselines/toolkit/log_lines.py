"""TensorFlow's log lines, kept away from what a command says."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

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
