"""Prepare the structures of a report, positions and errors, for the page's script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from teadata.typing import Floats
from teaeval.plots.error_summary import ErrorSummary, named
from teaeval.plots.molecule import ELEMENTS, OTHER, view

DECIMALS = 3
"""Decimals of positions (Å) and errors (kcal/mol/Å) on the page."""


def structures(summaries: Sequence[ErrorSummary], frames: int) -> list[dict[str, Any]]:
    """Collect for each prediction its worst frames and the MAE of each atom, for the viewer.

    Parameters
    ----------
    summaries
        The predictions.
    frames
        Frames of each, those with the largest errors of a force component, worst first.
    """
    made = []
    for name, c in named(list(summaries)):
        rows = c.worst(frames)
        shown, errors = c.frames(rows), c.errors(rows)
        made.append(
            {
                "name": name,
                "where": c.where,
                "symbols": shown.symbols,
                "colours": [ELEMENTS.get(int(z), OTHER) for z in c.numbers],
                "mae": _short(c.by_atom),
                "frames": [_frame(shown[i : i + 1], errors[i]) for i in range(len(rows))],
            }
        )
    return made


def _frame(frame: Any, error: Floats) -> dict[str, Any]:
    """One frame, turned as in the figures, and its errors (A, 3) turned with it."""
    seen = view(frame)
    turn = seen.turn
    return {
        "id": int(frame.ids[0]),
        "xyz": _short(seen.xyz),
        "bonds": seen.bonds.tolist(),
        "cell": None if seen.edges is None else _short(seen.edges),
        "largest": _short(np.abs(error).max(axis=1)),
        "vector": _short(error @ turn.T),
    }


def _short(values: Floats) -> Any:
    return np.round(values, DECIMALS).tolist()
