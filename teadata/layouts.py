"""Published layouts of arrays that state no units, and the units that such data are in.

They are what a command that is to be copied offers; nothing is converted by them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """Names of arrays that files of one origin have, and the units of their values."""

    origin: str
    names: frozenset[str]
    energy_unit: str
    length_unit: str


LAYOUTS = (
    Layout("MD17 and MD22", frozenset(("R", "E", "F", "z")), "kcal/mol", "Å"),
    Layout(
        "rMD17",
        frozenset(("coords", "energies", "forces", "nuclear_charges")),
        "kcal/mol",
        "Å",
    ),
)
"""Layouts of npz files, as in ``docs/own-data.md``."""


def layout_of(names: Iterable[str]) -> Layout | None:
    """The layout that arrays with these names are in; None if it is none that is known."""
    there = frozenset(names)
    return next((layout for layout in LAYOUTS if layout.names <= there), None)
