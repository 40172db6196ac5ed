"""Charge and multiplicity that files state: frames of two of them are of two systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from teadata.typing import Array, Ints

STATES = {
    "charge": (("charge", "total_charge", "system_charge", "tot_charge"), (0,)),
    "multiplicity": (("multiplicity", "spin_multiplicity"), (1,)),
    "spin": (("spin",), (0, 1)),
}
"""What a state is called in files, and the values that are not said: those of most molecules."""

NAMES = tuple(name for names, _ in STATES.values() for name in names)
"""Names that state charge or multiplicity."""

EXACT = 1e-3
"""A value that is no nearer to a whole number is computed from a density, and no statement."""


def state_of(stated: Mapping[str, Any]) -> str:
    """The state in words, ``charge 1, multiplicity 2``; empty for that of most molecules.

    Parameters
    ----------
    stated
        What is stated of a frame, by name; other names are passed over.
    """
    said = []
    for kind, (names, usual) in STATES.items():
        values = [value for name in names if (value := _whole(stated.get(name))) is not None]
        if values and values[0] not in usual:
            said.append(f"{kind} {values[0]}")
    return ", ".join(said)


def states_of(stated: Mapping[str, Array]) -> tuple[list[str], Ints]:
    """The different states of frames, and the place of each frame's among them, (N,).

    Parameters
    ----------
    stated
        Values (N,) by name.
    """
    values, which = np.unique(np.stack(list(stated.values())), axis=1, return_inverse=True)
    words = [state_of(dict(zip(stated, column, strict=True))) for column in values.T]
    names = list(dict.fromkeys(words))
    places = np.array([names.index(word) for word in words], np.int64)
    return names, places[which.reshape(-1)]


def _whole(value: Any) -> int | None:
    """A value that is a whole number, or the text of one; None for anything else."""
    try:
        number = float(np.asarray(value).reshape(-1)[0]) if np.size(value) == 1 else np.nan
    except (TypeError, ValueError):
        return None
    return round(number) if np.isfinite(number) and abs(number - round(number)) < EXACT else None
