"""``python -m baselines.campaign.work``: one task, in a process of its own.

What is to be done comes on the standard input, as a line of JSON.  The end of that input means
that the process which started this one has ended, and so does this one.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

from baselines.campaign.ledger import locked, timed
from baselines.campaign.steps import Place, Step
from baselines.runs.record import Plan
from teadata import TeaError, console
from teadata.remote.download import FULL
from teadata.schema import StrictModel

GRACE = 5.0
"""Seconds that a task may take to end in order."""


class Order(StrictModel):
    """What is to be done: the training of a plan, or something with its model.

    Parameters
    ----------
    plan
        The training.
    folder
        Its run folder.
    lock
        Lock file of the task; while another process holds it, this one waits.
    step
        What of it is to be done.
    cores
        Cores to calculate on.
    """

    plan: Plan
    folder: Path
    lock: Path
    step: Step
    cores: int


def carry_out(order: Order) -> None:
    """Do what an order says; what was done before is not done again.

    Raises
    ------
    TeaError
        As the step does.
    """
    with locked(order.lock) as lock:
        if order.step.done(order.folder):
            return  # by another campaign, meanwhile
        with timed(lock), console.progress_bar() as progress:
            order.step.carry_out(Place(order.plan, order.folder, order.cores, progress))


def _first_line() -> bytes:
    """Read a line of the standard input.

    Not through ``sys.stdin``: processes that a model forks close that, and would wait forever for
    the thread that reads it.
    """
    line = b""
    while not line.endswith(b"\n") and (more := os.read(0, 65536)):
        line += more
    return line


def _end_with_parent(alone: threading.Event) -> None:
    """End this process when its input ends: in order, or after a while in any case."""
    while os.read(0, 1):
        pass
    alone.set()
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Do the task of the standard input; a user's mistake is one line and status 1 or 2."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a Dask worker ignores it
    order = Order.model_validate_json(_first_line())
    alone = threading.Event()
    threading.Thread(target=_end_with_parent, args=[alone], daemon=True).start()
    try:
        carry_out(order)
    except TeaError as error:
        console.say(f"error: {error}", err=True)
        sys.exit(error.exit_status)
    except OSError as error:
        if error.errno not in FULL:  # a log on a full disk has no room for more than a line
            traceback.print_exc()
        where = f"{error.filename}: " if error.filename else ""
        console.say(f"error: {where}{error.strerror or error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        console.say("interrupted", err=True)
        sys.exit(console.INTERRUPTED)
    finally:
        if alone.is_set():  # nobody else ends what this process started
            os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
