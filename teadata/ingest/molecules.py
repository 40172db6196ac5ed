"""Molecules, found by the distances between atoms."""

from __future__ import annotations

from teadata.elements import formula
from teadata.errors import DataError
from teadata.frames import Frames
from teadata.structure.bonds import STRETCH, bonded, connected_atoms


def molecules(frame: Frames) -> list[list[int]]:
    """Atoms of each molecule of one frame, bonds across the cell included, by their first atom."""
    return connected_atoms(bonded(frame))


def groups(frame: Frames, wanted: dict[str, str]) -> dict[str, list[list[int]]]:
    """Find the molecules of each group by their formula.

    Parameters
    ----------
    frame
        One frame.
    wanted
        Hill formula of the molecules of each group.

    Raises
    ------
    DataError
        If a group has no molecule.
    """
    pieces = molecules(frame)
    formulas = [formula(frame.numbers[piece]) for piece in pieces]
    result = {}
    for name, composition in wanted.items():
        result[name] = [
            p for p, known in zip(pieces, formulas, strict=True) if known == composition
        ]
        if not result[name]:
            raise DataError(
                f"expected molecules {composition} for the group {name!r}; bonds shorter than "
                f"{STRETCH} times the covalent radii make {', '.join(sorted(set(formulas)))}; "
                "check units, cell and atom order"
            )
    return result
