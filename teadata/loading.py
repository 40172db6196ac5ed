"""When Python looks for garbage: not while modules are imported.

Imports make many objects and hardly any garbage, and looking for it takes a fifth of their time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Look for no garbage until :func:`loaded` is called, or this ends."""
    wanted = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if wanted:
            loaded()


def loaded() -> None:
    """Look for garbage again, if that was put off, but not among the objects that there are."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
