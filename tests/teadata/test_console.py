"""How a command takes its options, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from teadata import console

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


@dataclass(frozen=True)
class Place:
    """Where something is."""

    town: Annotated[str, typer.Option(help="Name of the town.")]
    street: Annotated[str | None, typer.Option("--street", "-s")] = None


def visit(name: Annotated[str, typer.Argument()], *, times: int = 1, place: Place) -> None:
    typer.echo(f"{name} {times} {place}")


def test_options_come_in_groups():
    app = console.new_app("Visits.")
    app.command()(console.grouped(visit))
    runner = CliRunner(env={"COLUMNS": "200"})
    done = runner.invoke(app, ["visit", "Ada", "--town", "Bern", "-s", "Aarstrasse"])
    assert done.stdout == "Ada 1 Place(town='Bern', street='Aarstrasse')\n"
    done = runner.invoke(app, ["visit", "Ada", "--town", "Bern", "--times", "2"])
    assert done.stdout == "Ada 2 Place(town='Bern', street=None)\n"
    done = runner.invoke(app, ["visit", "Ada"])
    assert done.exit_code == 2
    assert "Missing option '--town'" in done.stderr
    options = runner.invoke(app, ["visit", "--help"]).stdout
    assert options.index("--times") < options.index("--town") < options.index("--street")
    assert "Name of the town." in options


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
