"""Verify that a score belongs to its prediction, by scoring it again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from teadata.errors import UsageError
from teaeval.predictions.declaring import Declarations
from teaeval.predictions.prediction import Prediction
from teaeval.predictions.reading import read_prediction, read_predictions
from teaeval.predictions.reference import read_reference
from teaeval.scores.record import Score
from teaeval.scores.scoring import score

TOLERANCE = 1e-12
"""Largest relative difference of two numbers that count as equal."""

PASSING = ("created", "software", "versions", "simulations")
"""Fields that may differ: time, software, and simulations, which are not of the prediction."""


def verify(stated: Score, file: Path, reference: Path | None = None) -> list[str]:
    """Recompute a score from its prediction file, with its options; a line for each difference.

    Parameters
    ----------
    stated
        The score.
    file
        The prediction file.
    reference
        The reference file, of a score against one.

    Raises
    ------
    UsageError
        If a score against a reference is given none, or another score one.
    TeaError
        If the prediction or the dataset cannot be read, or the prediction not be scored.
    """
    options: Any = dict(stated.options)
    prediction: Prediction | list[Prediction]
    labels = None
    if stated.reference is None:
        if reference is not None:
            raise UsageError(f"the score is of {stated.data.title}; leave --reference out")
        prediction = read_of_version(file, options, stated.of_dataset("verifications").name)
    else:
        if reference is None:
            raise UsageError(
                f"the score is against {stated.data.title}; give that file with --reference"
            )
        said: Any = stated.reference.options
        labels = read_reference(reference, **said)
        prediction = read_predictions(file, **options)
    draws = stated.bootstrap
    computed = score(
        prediction,
        replicates=draws.replicates if draws else 0,
        seed=draws.seed if draws else 0,
        fixes=stated.fixes,
        with_details=stated.details is not None,
        allow_failed=stated.allow_failed,
        reference=labels,
    )
    return list(differences("", stated.model_dump(), computed.model_dump()))


def read_of_version(file: Path, said: Declarations, dataset: str) -> Prediction:
    """Read a prediction that is of a version of its dataset, whatever the newest is now.

    Parameters
    ----------
    file
        The prediction file.
    said
        What is said of it.  The prediction's options are these, without the version.
    dataset
        Its dataset at the version.
    """
    of_version: Declarations = {**said, "dataset": dataset}
    prediction = read_prediction(file, **of_version)
    options = dict(prediction.options)
    del options["dataset"]
    if (stated := said.get("dataset")) is not None:
        options["dataset"] = stated
    return replace(prediction, options=options)


def differences(where: str, stated: Any, computed: Any) -> Iterator[str]:
    """Say where two records differ, a line for each number or text, with its place."""
    if isinstance(stated, dict) and isinstance(computed, dict):
        for key in stated:
            if where or key not in PASSING:
                yield from differences(
                    f"{where}.{key}" if where else key, stated[key], computed.get(key)
                )
    elif isinstance(stated, list | tuple) and isinstance(computed, list | tuple):
        if len(stated) != len(computed):
            yield f"{where}: stated {len(stated)} entries, found {len(computed)}"
            return
        for i, (a, b) in enumerate(zip(stated, computed, strict=True)):
            name = a.get("quantity", i) if isinstance(a, dict) else i
            yield from differences(f"{where}[{name}]", a, b)
    elif isinstance(stated, float) and isinstance(computed, float):
        if not math.isclose(stated, computed, rel_tol=TOLERANCE, abs_tol=0.0):
            yield f"{where}: stated {stated!r}, found {computed!r}"
    elif stated != computed:
        yield f"{where}: stated {stated!r}, found {computed!r}"
