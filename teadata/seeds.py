"""Seeds: one range for all that is random, whoever draws."""

from __future__ import annotations

from teadata.errors import UsageError

LARGEST_SEED = 2**31 - 2
"""QUIP, in Fortran, takes a seed and 1 as a 32-bit number; sGDML and NumPy take twice as many."""


def check_seed(seed: object) -> int:
    """Return a seed that every model and generator takes.

    Raises
    ------
    UsageError
        If it is none.
    """
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise UsageError(f"seed: expected a whole number, found {seed!r:.60}")
    number = int(seed.__index__())
    if not 0 <= number <= LARGEST_SEED:
        raise UsageError(f"seed: expected a number from 0 to {LARGEST_SEED}, found {number}")
    return number
