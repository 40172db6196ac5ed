"""How a command takes its options, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from teadata import console
from teadata.catalog import data_root
from teadata.output import pace

# An object whose end takes longer than the test waits before it interrupts.
FORGETFUL = """
import time
import typer
from teadata import console
from teadata.output import pace

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


SAYING = """
import sys
from pathlib import Path
from typing import Annotated, Optional
import typer
from teadata import console
from teadata.output import pace

app = console.new_app("A command.")

@app.command()
def say(text: str) -> None:
    console.print_table(["\\u03c3"], [[text]], title=text)
    console.print_fields({"name": text})
    console.print_json({"\\u03c3": text})
    console.say(text)

@app.command()
def much() -> None:
    for n in range(100000):
        console.say("line after line")

@app.command()
def deep() -> None:
    def down(): down()
    down()

@app.command()
def read(
    source: Path,
    output: Annotated[Optional[list[Path]], typer.Option("--output", "-o")] = None,
) -> None:
    print(source.read_text(), output)

console.run(app)
"""


def run(*arguments, shell: str = 'exec "$@"', **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the application above; `shell` says where its output goes."""
    command = ["bash", "-c", shell, "bash", sys.executable, "-c", SAYING, *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env=os.environ | variables,
    )


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1:strict"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_an_encoding_that_lacks_letters(variables):
    done = run("say", "a name", **variables)
    assert done.returncode == 0, done.stderr
    assert "\\u03c3" in done.stdout
    document = done.stdout[done.stdout.index("{") : done.stdout.rindex("}") + 1]
    assert json.loads(document) == {"σ": "a name"}


def test_no_name_reaches_the_terminal_raw():
    done = run("say", "\x1b]0;owned\x07\x1b[2J\u202e[red]x[/red][/b]")
    assert done.returncode == 0, done.stderr
    assert done.stdout.isprintable() or not set(done.stdout) & set("\x1b\x07\u202e")
    assert "[red]x[/red][/b]" in done.stdout


def test_who_reads_only_the_beginning_ends_it_quietly():
    done = run("much", shell='"$@" | head -n 1')
    assert (done.stdout, done.stderr) == ("line after line\n", "")


@pytest.mark.parametrize("command", [["much"], ["say", "x"]])
def test_a_full_disk_behind_the_output(command):
    done = run(*command, shell='exec "$@" > /dev/full')
    assert done.returncode == 1
    assert done.stderr == "error: No space left on device\n"


def test_an_output_that_is_closed():
    done = run("say", "x", shell='exec "$@" >&-')
    assert "Traceback" not in done.stderr


def test_what_is_nested_too_deeply():
    assert run("deep").stderr == "error: something that was read is nested too deeply\n"


def test_an_error_of_the_system_is_one_line(tmp_path):
    done = run("read", tmp_path / "two\nlines")
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path}/two\\u000alines: No such file or directory\n"


def test_outputs_never_replace_an_input(tmp_path):
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "link").symlink_to("mine")
    for output in ("mine", "link", "./mine", "../" + tmp_path.name + "/mine"):
        done = run("read", tmp_path / "mine", "-o", tmp_path / "other", "-o", tmp_path / output)
        assert done.returncode == 2
        assert "which is read here, and is not replaced" in done.stderr
    assert run("read", tmp_path / "mine", "-o", tmp_path / "other").returncode == 0


@pytest.mark.parametrize("option", [["-o", ""], ["--output="]])
def test_an_output_has_a_name(tmp_path, option):
    done = run("read", tmp_path, *option)
    assert done.returncode == 2
    assert done.stderr == "error: --output: expected a name, found nothing\n"


def test_outputs_never_replace_data(tmp_path):
    data = data_root() / "cards" / "mini-i.yaml"
    done = run("read", tmp_path, "-o", data)
    assert done.returncode == 2
    assert "belongs to the datasets" in done.stderr


WORKING = """
import os, signal, time
import typer
from teadata import console
from teadata.output import pace

app = console.new_app("A command.")

@app.command("work", renamed={"--processes": "--jobs"})
def work(jobs: int = 1, interrupted: bool = False) -> None:
    pace.PACE = 0.0
    with console.keeping("run has the frames so far; the same command goes on"):
        with console.progress_bar() as progress:
            progress("frames", 0, 40)
            time.sleep(0.1)
            progress("frames", 10, 40)
        if interrupted:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
    console.say(f"{jobs} at a time")

@app.command("other")
def other() -> None:
    pass

console.run(app)
"""


def working(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WORKING, *arguments], capture_output=True, text=True, check=False
    )


def test_a_command_without_anything_shows_its_help():
    done = working()
    assert done.returncode == 0
    assert "Commands:" in done.stdout


def test_an_option_that_was_renamed_is_taken_with_a_word():
    done = working("work", "--processes", "3")
    assert done.returncode == 0
    assert done.stdout == "3 at a time\n"
    assert "warning: --processes is called --jobs now" in done.stderr


def test_ctrl_c_ends_with_what_is_kept():
    done = working("work", "--interrupted")
    assert done.returncode == 130
    lines = done.stderr.splitlines()
    assert lines[-1] == "interrupted: run has the frames so far; the same command goes on"


BARS = """
import typer
from teadata import console
from teadata.errors import UsageError

app = console.new_app("A command.")

@app.command("work")
def work(fails: bool = False) -> None:
    with console.progress_bar() as progress:
        for n in range(4):
            progress("frames", n, 4)
            if fails and n == 2:
                raise UsageError("no frame 2")

@app.command("other")
def other() -> None:
    pass

console.run(app)
"""


@pytest.mark.parametrize(("arguments", "last"), [((), "4/4"), (("--fails",), "2/4")])
def test_a_bar_ends_where_the_work_ended(arguments, last):
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", BARS, "work", *arguments], stderr=theirs, close_fds=True,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    ) as process:  # fmt: skip
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # the end of a terminal
            while piece := os.read(ours, 4096):
                seen += piece
    os.close(ours)
    assert process.returncode == (2 if arguments else 0)
    assert re.findall(rb"\d/4", seen)[-1] == last.encode()


def test_long_work_says_how_far_it_is_where_there_is_no_terminal():
    said: list[str] = []
    lines = pace.Lines(said.append, pace=0.02)
    for done in range(11):
        time.sleep(0.01)
        lines("frames", done, 100)
    assert 1 <= len(said) <= 10
    assert all(line.startswith("frames: ") and " of 100 after " in line for line in said)
    assert "left" in said[-1]
    assert pace.duration(3900) == "1 h 05 min"
    assert pace.left("frames: 2 of 9 after 5 s, about 1 h 05 min left") == 3900
    assert pace.left("frames: 2 of 9 after 5 s") is None
    short: list[str] = []
    pace.Lines(short.append)("frames", 1, 2)
    assert short == []


def test_time_is_counted_through_a_stage_whatever_it_is_called(monkeypatch):
    said: list[str] = []
    lines = pace.Lines(said.append)
    start = time.monotonic()
    for second, (description, done) in enumerate(
        [("epoch 1", 10), ("epoch 1, MAE 2.1", 20), ("epoch 2, MAE 1.9", 30), ("second fit", 0),
         ("second fit", 10)]
    ):  # fmt: skip
        monkeypatch.setattr(time, "monotonic", lambda now=start + 40.0 * second: now)
        lines(description, done, 50)
    assert said == [
        "epoch 1, MAE 2.1: 20 of 50 after 40 s, about 2 min 00 s left",
        "epoch 2, MAE 1.9: 30 of 50 after 1 min 20 s, about 1 min 20 s left",
        "second fit: 0 of 50 after 0 s",
        "second fit: 10 of 50 after 40 s, about 2 min 40 s left",
    ]
