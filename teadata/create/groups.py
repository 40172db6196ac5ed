"""Groups of atoms that are scored by themselves: listed by the user, or found from bonds."""

from __future__ import annotations

import re
from collections.abc import Sequence

from teadata.errors import UsageError
from teadata.frames import Frames
from teadata.ingest.molecules import groups as found_by_bonds

GROUP = r"[A-Za-z][A-Za-z0-9_-]*"
"""What the name of a group looks like."""


def parse(texts: Sequence[str], frame: Frames) -> dict[str, list[list[int]]]:
    """The groups of atoms that the user names.

    Parameters
    ----------
    texts
        ``mol=98-113`` or ``mol=0-8,12`` are the atoms of one molecule, from 0; the same name again
        adds another molecule.  ``water=H2O`` are all molecules of that formula.
    frame
        A frame, whose bonds say what the molecules are.

    Raises
    ------
    UsageError
        If a text is none of these, names atoms that do not exist, or twice, or is an element.
    DataError
        If no molecule has the formula.
    """
    groups: dict[str, list[list[int]]] = {}
    for given in texts:
        name, equals, members = (part.strip() for part in given.partition("="))
        if not equals or not members or not re.fullmatch(GROUP, name):
            raise UsageError(
                f"--group {given}: expected NAME=ATOMS, e.g. mol=98-113 (atoms from 0), or "
                "NAME=FORMULA, e.g. water=H2O"
            )
        if members[0].isalpha():
            groups.setdefault(name, []).extend(found_by_bonds(frame, {name: members})[name])
        else:
            groups.setdefault(name, []).append(_atoms(given, members, frame.n_atoms))
    if elements := sorted(groups.keys() & set(frame.symbols)):
        raise UsageError(
            f"--group {elements[0]}=…: scores have a row for the element {elements[0]} already; "
            f"choose another name, e.g. {elements[0]}-atoms"
        )
    for name, molecules in groups.items():
        members_of = [atom for molecule in molecules for atom in molecule]
        if len(set(members_of)) < len(members_of):
            raise UsageError(f"--group {name}=…: names an atom twice")
    return groups


def _atoms(given: str, members: str, n_atoms: int) -> list[int]:
    atoms: list[int] = []
    for part in members.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})\s*(?:[-–]\s*(\d{1,9})\s*)?", part)
        if match is None:
            raise UsageError(f"--group {given}: expected atoms such as 0-8,12, found {part!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < n_atoms:
            raise UsageError(
                f"--group {given}: expected atoms from 0 to {n_atoms - 1}, found {part.strip()}"
            )
        atoms += range(first, last + 1)
    return atoms
