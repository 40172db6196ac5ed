"""Lines for logs, bars for terminals."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress as Bars

from teadata import remote
from teadata.remote.progress import Bar, Lines, shown


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1500, "1.5 kB"),
        (2_000_000, "2.0 MB"),
        (3 * 10**9, "3.0 GB"),
        (4 * 10**15, "4000.0 TB"),
    ],
)
def test_sizes(count, text):
    assert remote.size_text(count) == text


def test_lines_are_few(monkeypatch):
    stream = io.StringIO()
    lines = Lines(stream)
    lines.start("a", 1000, 100)
    for _ in range(9):
        lines.advance(100)
    lines.message("done")
    expected = "a: 100 bytes of 1.0 kB (10 %)\na: 1.0 kB of 1.0 kB (100 %)\ndone\n"
    assert stream.getvalue() == expected


def test_a_file_of_no_bytes_has_no_share():
    stream = io.StringIO()
    Lines(stream).start("a", 0, 0)
    assert stream.getvalue() == "a: 0 bytes of 0 bytes\n"


def test_bars_start_again_and_show_names_as_they_are():
    console = Console(file=io.StringIO(), width=80)
    with Bars(console=console) as bars:
        bar = Bar(bars)
        bar.start("a", 100, 60)
        bar.advance(20)
        bar.start("a", 100, 0)
        bar.advance(30)
        bar.message("[red]a")
        (task,) = bars.tasks
        assert (task.completed, task.total) == (30, 100)
    assert "[red]a" in console.file.getvalue()


def test_without_a_terminal_there_are_lines(capsys):
    with shown() as progress:
        progress.message("waiting")
    assert capsys.readouterr().err == "waiting\n"
