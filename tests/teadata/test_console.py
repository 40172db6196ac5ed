"""How a command ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

# An object whose end takes longer than the test waits before it interrupts.
FORGETFUL = """
import time
import typer
from teadata import console

class Slow:
    def __del__(self):
        print("finalising", flush=True)
        time.sleep(60)

app = console.new_app("A command.")

@app.command()
def work() -> None:
    slow = Slow()
    del slow
    print("going on", flush=True)
    time.sleep(60)

console.run(app)
"""


def test_an_interrupt_that_python_forgets_ends_the_command_all_the_same():
    with subprocess.Popen(
        [sys.executable, "-c", FORGETFUL, "work"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "finalising\n"
        time.sleep(0.2)  # it prints before it sleeps
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert output == "going on\n"
    assert process.returncode not in (0, None)
    assert "Traceback" not in errors
