"""What is put off while modules are imported, garbage, and packages that are left out."""

from __future__ import annotations

import gc
import importlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from teadata.loading import loaded, loading, without

COMMAND = """
import gc
from teadata import console

app = console.new_app("A command.")

@app.command()
def work() -> None:
    print(gc.isenabled(), gc.get_freeze_count() > 1000)

console.run(app)
"""


def test_it_is_looked_for_again_afterwards():
    with loading():
        assert not gc.isenabled()
        with loading():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_is_looked_for_again_after_an_error():
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled()


def test_nothing_is_put_aside_where_nothing_was_put_off():
    before = gc.get_freeze_count()
    loaded()
    assert gc.get_freeze_count() == before


def test_whoever_wants_no_garbage_looked_for_is_left_alone():
    gc.disable()
    try:
        with loading():
            loaded()
        loaded()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_package_is_left_out_of_one_thread_alone(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with ThreadPoolExecutor(1) as other, without("colorsys"):
        with pytest.raises(ImportError, match="colorsys"):
            importlib.import_module("colorsys")
        found = other.submit(importlib.import_module, "colorsys").result(timeout=60)
    assert importlib.import_module("colorsys") is found


def test_a_command_begins_with_it_on_and_passes_over_what_was_imported():
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "work"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["True", "True"]
