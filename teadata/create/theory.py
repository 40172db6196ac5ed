"""The level of theory of a new dataset: what the user says, else what all its files state."""

from __future__ import annotations

from collections.abc import Sequence

from teadata.card import UNKNOWN
from teadata.create.reading import few
from teadata.create.stock import System, Taken
from teadata.errors import IncompleteError


def settle(
    system: System, taken: Sequence[Taken], said: str | None
) -> tuple[str | None, list[str]]:
    """Tell the level of theory of a system's labels, and what is to be known of it.

    Parameters
    ----------
    system
        Frames, with what the files state of them.
    taken
        The files.
    said
        What the user says; it counts for all frames.

    Returns
    -------
    theory : str or None
        None where not every file states one.
    notes : list of str
        Where it is from.

    Raises
    ------
    IncompleteError
        If the files state several.
    """
    if said is not None:
        return said, []
    files: dict[str, list[str]] = {}
    for number, stated in sorted(system.theories.items()):
        item = taken[number]
        known = {"" if theory and _is_stale(item) else theory for theory in stated}
        for theory in sorted(known):
            files.setdefault(theory, []).append(item.label)
    silent = files.pop("", [])
    if not files:
        return None, []
    if len(files) > 1:
        several = few([f"{theory} ({few(labels)})" for theory, labels in files.items()])
        raise IncompleteError(
            f"the labels of one dataset are of one level of theory, and the files state {several}; "
            "name files of one, or say with --theory what is true of all",
            ["--theory", next(iter(files))],
        )
    ((theory, labels),) = files.items()
    if silent:
        return None, [
            f"{few(labels)} states the level of theory {theory}, not so all of {few(silent)}; "
            f"the card says {UNKNOWN}, if you do not say --theory"
        ]
    return theory, [f"the level of theory is {theory}, as stated in {few(labels)}"]


def _is_stale(item: Taken) -> bool:
    """Whether other labels were put in the place of those that the level was stated of."""
    names = item.reader.told.names
    return item.reader.opened.labels_kept(names["energies"], names["forces"]) is False
