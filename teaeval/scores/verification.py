"""Whether a score is what its prediction scores."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from teaeval.predictions.reading import read_prediction
from teaeval.scores.record import Score
from teaeval.scores.scoring import score

TOLERANCE = 1e-12
"""Relative difference of a number that another version of numpy may make."""

PASSING = ("created", "software", "versions", "simulations")
"""Fields that say when and with what a score was computed, and what is not of the prediction."""


def verify(stated: Score, file: Path) -> list[str]:
    """Recompute a score from its prediction file, with its options; a line for each difference.

    Parameters
    ----------
    stated
        The score.
    file
        The prediction file.

    Raises
    ------
    TeaError
        If the prediction or the dataset cannot be read, or the prediction not be scored.
    """
    options: dict[str, Any] = dict(stated.options)
    prediction = read_prediction(file, **options)
    draws = stated.bootstrap
    computed = score(
        prediction,
        replicates=draws.replicates if draws else 0,
        seed=draws.seed if draws else 0,
        fixes=stated.fixes,
        with_details=stated.details is not None,
        allow_failed=stated.allow_failed,
    )
    return list(_differences("", stated.model_dump(), computed.model_dump()))


def _differences(where: str, stated: Any, found: Any) -> Iterator[str]:
    if isinstance(stated, dict) and isinstance(found, dict):
        for key in stated:
            if where or key not in PASSING:
                yield from _differences(f"{where}.{key}" if where else key, stated[key], found[key])
    elif isinstance(stated, list | tuple) and isinstance(found, list | tuple):
        if len(stated) != len(found):
            yield f"{where}: stated {len(stated)} entries, found {len(found)}"
            return
        for i, (a, b) in enumerate(zip(stated, found, strict=True)):
            name = a.get("quantity", i) if isinstance(a, dict) else i
            yield from _differences(f"{where}[{name}]", a, b)
    elif isinstance(stated, float) and isinstance(found, float):
        if not math.isclose(stated, found, rel_tol=TOLERANCE, abs_tol=0.0):
            yield f"{where}: stated {stated!r}, found {found!r}"
    elif stated != found:
        yield f"{where}: stated {stated!r}, found {found!r}"
