"""Examine a prediction: run every check, and compare it with its test set frame by frame."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from teadata import Dataset, Frames, catalog
from teadata.errors import UsageError
from teadata.stored_frames import AnyFrames
from teadata.typing import Ints
from teaeval.checks import (
    energies,
    geometry,
    identity,
    order,
    repeats,
    scale,
    structure,
    uneven,
)
from teaeval.checks.fixes import apply
from teaeval.checks.sample import FEWEST, Sample, draw, few_frames
from teaeval.engines import Engine, Threads
from teaeval.metrics.one_pass import Compared, frame_errors_of
from teaeval.metrics.uncertainty import block_length
from teaeval.predictions.declaring import FileDeclarations, check_known
from teaeval.predictions.findings import Finding, PredictionError
from teaeval.predictions.places import Places
from teaeval.predictions.prediction import Prediction
from teaeval.predictions.reading import AnyFile, read_prediction

AnyPrediction = Prediction | Sequence[Prediction] | AnyFile
"""A prediction, one for each system of a file, or the file."""

EXAMINED = "what teaeval.examine gives of a prediction"
"""What is asked for where a prediction would not do."""


@dataclass(frozen=True, eq=False)
class Examined:
    """A prediction that passed its checks, and its errors; scores, tables and figures start here.

    Parameters
    ----------
    prediction
        What was predicted, after the fixes that were asked for.
    dataset, test
        The dataset, None for a reference file; and the test set of N frames.
    places
        Which frame of the test set each predicted frame is.
    findings
        The warnings of the checks.
    compared
        Its errors, in the order of the test set.
    fixes, fixed
        The fixes that were asked for, and a line for each that was made.
    allow_failed
        Whether frames without a prediction were let pass.
    """

    prediction: Prediction
    dataset: Dataset | None
    test: AnyFrames
    places: Places
    findings: list[Finding]
    compared: Compared
    fixes: list[str]
    fixed: list[str]
    allow_failed: bool


def opened(
    prediction: AnyPrediction,
    dataset: Dataset | str | None,
    declared: FileDeclarations | None = None,
    defaults: FileDeclarations | None = None,
) -> Prediction:
    """A prediction, read if it is a file, which may leave its dataset to the caller.

    Parameters
    ----------
    prediction
        What was predicted, or its file.
    dataset
        The dataset to compare with, or its id.
    declared, defaults
        What is said of the file, and what where it says nothing itself.

    Raises
    ------
    UsageError
        If it is something else, or is no file and something is said of one.
    PredictionError
        If the file says too little.
    """
    if isinstance(prediction, Prediction):
        check_unsaid(declared)
        return prediction
    if not isinstance(prediction, AnyFile):
        advice = (
            "one is made of arrays: teaeval.Prediction(dataset, subset, energies, forces, ids)"
            if isinstance(prediction, Frames | Mapping)
            else "predictions of several systems are compared with a reference"
        )
        raise UsageError(
            "expected a prediction or the path of its file, found "
            f"{type(prediction).__name__}; {advice}"
        )
    name = dataset.card.full_id if isinstance(dataset, Dataset) else dataset
    return read_prediction(
        prediction, defaults={**(defaults or {}), "dataset": name}, **(declared or {})
    )


def check_unsaid(declared: FileDeclarations | None) -> None:
    """Refuse what is said of a file, where none is read.

    Raises
    ------
    UsageError
        If there is something.
    """
    if not declared:
        return
    check_known(declared)
    raise UsageError(
        f"{', '.join(declared)}: that is said of a file, and this is a prediction already, which "
        "has all of it; leave it out"
    )


def loaded(prediction: Prediction, dataset: Dataset | str | None) -> Dataset:
    """The dataset of a prediction: the given one, or the one that the prediction names.

    Raises
    ------
    UsageError
        If there is no such dataset, or what is given is neither a dataset nor an id.
    """
    if isinstance(dataset, Dataset):
        return dataset
    if not isinstance(dataset, str | None):
        raise UsageError(f"expected a dataset or its id, found {type(dataset).__name__}")
    return catalog.load(dataset or prediction.dataset)


def check_against(
    prediction: Prediction | AnyFile,
    test: AnyFrames,
    dataset: Dataset,
    engine: Engine | None = None,
) -> tuple[Ints, list[Finding]]:
    """:func:`teaeval.check` against a test set that is loaded already."""
    prediction = opened(prediction, dataset)
    result = checked(prediction, test, dataset, engine or Threads())
    return result.places.rows, result.findings


def examine(
    prediction: AnyPrediction,
    dataset: Dataset | str | None = None,
    *,
    fixes: Collection[str] = (),
    allow_failed: bool = False,
    by_frame: bool = False,
    details: bool = False,
    engine: Engine | None = None,
    **declared: Unpack[FileDeclarations],
) -> Examined:
    """Check a prediction and compare it with its test set, in one pass over its forces.

    A prediction that was mended is checked and compared again.

    Parameters
    ----------
    prediction
        What was predicted, or its file.
    dataset
        The dataset to compare with, or its id; by default the one the prediction names.
    fixes
        What to mend if a check finds it wrong: names of :data:`teaeval.checks.fixes.FIXES`.
    allow_failed
        Whether frames that are missing or not finite are left out, instead of being an error.
    by_frame
        Whether the errors are kept for every frame, also where the bootstrap draws blocks.
    details
        Whether to collect what :mod:`teaeval.scores.details` reports.
    engine
        What works on pieces of the prediction; by default this machine's cores.
    **declared
        What the file does not state itself, as :func:`teaeval.read_prediction` takes it.

    Raises
    ------
    PredictionError
        If a check finds an error; it carries every finding.
    UsageError
        If there is no such dataset, subset or fix, or it is no prediction of one test set.
    """
    prediction = opened(prediction, dataset, declared)
    dataset = loaded(prediction, dataset)
    engine = engine or Threads()
    test = dataset.test_set(prediction.subset)
    # The bootstrap draws whole blocks, so that their frames need not be told apart.
    block = 1 if by_frame else block_length(dataset, test)
    result = checked(prediction, test, dataset, engine, block=block, details=details)
    prediction, fixed = apply(prediction, result.findings, fixes)
    if fixed:
        result = checked(prediction, test, dataset, engine, block=block, details=details)
    findings = failures_allowed(result.findings, [result]) if allow_failed else result.findings
    if result.compared is None or any(item.severity == "error" for item in findings):
        raise PredictionError(prediction.source.get("path", "prediction"), findings)
    return Examined(
        prediction=prediction,
        dataset=dataset,
        test=test,
        places=result.places,
        findings=findings,
        compared=result.compared,
        fixes=sorted(fixes),
        fixed=fixed,
        allow_failed=allow_failed,
    )


@dataclass(frozen=True, eq=False)
class Checked:
    """What all checks say.

    ``places`` say which frame of the test set each predicted frame is; ``compared`` is None where
    shapes forbid to compare.  ``few`` are the frames that could be looked at, if they are too few
    for diagnoses.
    """

    places: Places
    findings: list[Finding]
    compared: Compared | None
    few: Sample | None = None


def failures_allowed(findings: list[Finding], parts: Sequence[Checked]) -> list[Finding]:
    """The findings, with failed frames as warnings unless every frame of every part failed."""
    if not any_scored(parts):
        return findings
    return [
        replace(item, severity="warning") if item.code in structure.FAILED else item
        for item in findings
    ]


def any_scored(parts: Sequence[Checked]) -> bool:
    """Whether some frame of some part can be scored."""
    return any(part.compared is not None and part.compared.scored.any() for part in parts)


def checked(
    prediction: Prediction,
    test: AnyFrames,
    dataset: Dataset | None,
    engine: Engine,
    *,
    block: int = 1,
    details: bool = False,
) -> Checked:
    """Run all checks, and compare the values while reading them.

    Parameters
    ----------
    prediction, test
        What was predicted, and what it is compared with.
    dataset
        The dataset of the test set; None for frames of a reference file.
    engine
        What works on pieces of it.
    block
        Consecutive frames whose errors are merged.
    details
        Whether to collect what :mod:`teaeval.scores.details` reports.
    """
    known = list(prediction.findings)
    findings = structure.shapes(prediction, test.n_atoms)
    if findings:
        nowhere = np.full(math.prod(prediction.energies.shape), -1)
        return Checked(Places.of(nowhere, len(test)), known + findings, None)
    places, findings = structure.places(prediction, test, engine)
    findings += structure.coverage(prediction, test, places, dataset)
    groups = {} if dataset is None else dataset.card.groups
    compared = frame_errors_of(
        prediction, test, places, groups, engine, block=block, details=details
    )
    suspects = places.sources(np.flatnonzero(~compared.scored))
    findings += structure.finite(prediction, suspects[suspects >= 0], places.unused)
    findings = geometry.explain(prediction, test, places, findings)
    findings += repeats.diagnose(prediction, test, places, compared)
    compared = compared.checked()
    sample = draw(prediction, test, places)
    few = None
    if sample is not None and len(sample) >= FEWEST:
        findings += _diagnoses(sample, prediction, test, findings)
    elif sample is not None:
        few = sample
        if dataset is not None:  # of systems of a reference, those of all are looked at together
            findings += [*identity.diagnose(sample), *scale.of_few(sample, prediction.source)]
            findings.append(few_frames(sample, len(sample)))
    if dataset is not None and not compared.scored.any():  # of a reference, other systems may be
        findings = structure.none_left(findings)
    return Checked(places, known + findings, compared, few)


def _diagnoses(
    sample: Sample, prediction: Prediction, test: AnyFrames, findings: list[Finding]
) -> list[Finding]:
    """Findings about the values themselves, compared with the reference.

    Each diagnosis that finds something passes its sample on mended, so that a second fault
    shows behind the first.
    """
    diagnosed = identity.diagnose(sample)
    item, sample = uneven.uneven_forces(sample)
    if item is not None:
        diagnosed.append(item)
    for diagnose in (
        order.reshaped_forces,
        order.shuffled_frames,
        order.permuted_atoms,
        order.rotated_forces,
    ):
        item, sample = diagnose(sample, test)
        if item is not None:
            diagnosed.append(item)
    known = {item.code for item in findings}
    shuffled = any(item.code == "shuffled-frames" for item in diagnosed)
    diagnosed = [item for item in diagnosed if item.code not in known]
    scales, sample = scale.diagnose(sample, prediction.source, test.numbers)
    found = diagnosed + scales + energies.diagnose(sample)
    # Frames were put in the order of their forces, whatever that of the energies.
    return [item for item in found if not (shuffled and item.code == "energies-apart")]
