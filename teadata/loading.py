"""What is put off, or left out, while modules are imported: garbage, and packages nobody asked for.

Imports make many objects and hardly any garbage, and looking for it takes a fifth of their time.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from typing import Any

_STATE = {"put off": False}


@contextmanager
def loading() -> Iterator[None]:
    """Look for no garbage until :func:`loaded` is called, or this ends."""
    wanted = gc.isenabled()
    if wanted:
        gc.disable()
        _STATE["put off"] = True
    try:
        yield
    finally:
        if wanted:
            loaded()


def loaded() -> None:
    """Look for garbage again, if :func:`loading` put that off, but not among what there is."""
    if _STATE["put off"]:
        _STATE["put off"] = False
        gc.freeze()
        gc.enable()


@contextmanager
def without(package: str) -> Iterator[None]:
    """Let imports of a package fail in this thread, unless it is loaded; others find it as ever."""
    absent = _Absent(package)
    sys.meta_path.insert(0, absent)
    try:
        yield
    finally:
        sys.meta_path.remove(absent)


class _Absent(MetaPathFinder):
    """Says that there is no such package, to the thread in which this was made."""

    def __init__(self, package: str) -> None:
        self.package, self.thread = package, threading.get_ident()

    def find_spec(self, name: str, *_: Any) -> None:
        if name == self.package and threading.get_ident() == self.thread:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
