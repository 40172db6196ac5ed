"""Loaded into the worker of a campaign's local cluster: Ctrl-C is for the campaign's process."""

from __future__ import annotations

import signal


def dask_setup(worker: object) -> None:
    """Leave Ctrl-C to the process that started this worker, which ends it in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
