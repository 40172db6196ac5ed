"""Whether forces are compared by a compiled loop: by numba, where it is installed and pays.

The digits are the same either way.  To load numba and the loop takes half a second and 140 MB in
each process, so that one comparison is done with NumPy before: a process that compares more goes
on with the loop.
"""

from __future__ import annotations

import importlib.util
import logging
import threading
from collections.abc import Callable
from typing import Any

AFTER = 100_000_000
"""Force components that a process compares with NumPy before it loads the compiled loop."""

Loop = Callable[..., None]


class _Compiled:
    """The compiled loop, loaded once in a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._compared = 0
        self._loaded = False
        self._loop: Loop | None = None

    def get(self) -> Loop | None:
        """The loop; None if numba is missing, broken, or does not pay yet."""
        if self._loaded or self._compared < AFTER:
            return self._loop
        with self._lock:
            if not self._loaded:
                self._loop = _load()
                self._loaded = True
        return self._loop

    def add(self, components: int) -> None:
        """Count what was compared."""
        with self._lock:
            self._compared += components


def _load() -> Loop | None:
    """Compile the loop, or read what an earlier process compiled; None where that fails."""
    if importlib.util.find_spec("numba") is None:
        return None
    try:
        return _compile()
    except Exception as error:  # a numba that does not fit NumPy, or cannot compile here
        logging.getLogger(__name__).warning("forces are compared without numba: %s", error)
        return None


def _compile() -> Loop:
    import numba
    from numba import types

    from teaeval.metrics.force_loop import sum_forces

    def array(kind: Any, axes: int, *, written: bool = False) -> Any:
        return types.Array(kind, axes, "C", readonly=not written)

    real, whole, bits = types.float64, types.int64, types.uint64
    signature = types.void(
        array(real, 2), array(bits, 2), array(real, 2), array(whole, 1), array(whole, 1),
        array(bits, 1), array(bits, 1, written=True), *[array(real, 2, written=True)] * 6,
    )  # fmt: skip
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        loop: Loop = numba.njit(signature, cache=True, **options)(sum_forces)
    except (OSError, RuntimeError):  # no folder to keep it in
        loop = numba.njit(signature, **options)(sum_forces)
    return loop


_compiled = _Compiled()


def force_loop() -> Loop | None:
    """The compiled loop, or None where NumPy is to sum forces."""
    return _compiled.get()


def compared(components: int) -> None:
    """Say that so many force components were compared."""
    _compiled.add(components)
