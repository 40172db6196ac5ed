"""Examine a prediction against a reference file: every system of the file, and all together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from teadata.dataset import Dataset
from teadata.elements import formula
from teadata.errors import DataError, UsageError, expect
from teadata.stored_frames import AnyFrames
from teadata.typing import Ints
from teaeval.checks import identity, scale
from teaeval.checks.fixes import apply
from teaeval.checks.sample import FEWEST, few_frames, pooled
from teaeval.checks.structure import none_left
from teaeval.engines import Engine, Threads
from teaeval.metrics.uncertainty import block_length
from teaeval.predictions.declaring import FileDeclarations
from teaeval.predictions.findings import Finding, PredictionError
from teaeval.predictions.places import Places
from teaeval.predictions.prediction import Prediction
from teaeval.predictions.reading import AnyFile, read_predictions
from teaeval.predictions.reference import UNIT_FLAGS, Reference, read_reference
from teaeval.scores.examine import (
    AnyPrediction,
    Checked,
    Examined,
    any_scored,
    check_unsaid,
    checked,
    failures_allowed,
)
from teaeval.scores.pairing import check_no_copy, paired

EXAMINED_AGAINST = "what examine_against gives of a prediction and a reference"
"""What is asked for where a prediction would not do."""


@dataclass(frozen=True, eq=False)
class Against:
    """A prediction that passed its checks against a reference.

    Parameters
    ----------
    prediction
        What was predicted for the first system: it says who predicted.
    reference
        What it was compared with.
    parts
        The comparison of each system of the reference, in its order.
    findings
        The warnings of the checks.
    fixes, fixed
        The fixes that were asked for, and a line for each that was made.
    allow_failed
        Whether frames without a prediction were let pass.
    left_out
        What needs a dataset, and so was not computed.
    """

    prediction: Prediction
    reference: Reference
    parts: list[Examined]
    findings: list[Finding]
    fixes: list[str]
    fixed: list[str]
    allow_failed: bool
    left_out: list[str]

    def by_formula(self) -> dict[str, list[Examined]]:
        """The parts of each composition: those that differ in the order of atoms together."""
        groups: dict[str, list[Examined]] = {}
        for part in self.parts:
            groups.setdefault(formula(part.test.numbers), []).append(part)
        return groups


def check_one_of_both(dataset: Dataset | str | None, declared: FileDeclarations) -> None:
    """Refuse a dataset, or what belongs to one, beside a reference.

    Raises
    ------
    UsageError
        If there is one.
    """
    if dataset is not None:
        name = dataset.card.full_id if isinstance(dataset, Dataset) else dataset
        raise UsageError(
            f"a dataset ({name}) and a reference: a prediction is compared with one of them; "
            "leave the other out"
        )
    for name in ("subset", "train"):
        if (value := declared.get(name)) is not None:
            raise UsageError(
                f"{name} {value!r} and a reference: {name} belongs to a dataset; leave it out"
            )


def opened_parts(
    prediction: AnyPrediction,
    declared: FileDeclarations | None = None,
    defaults: FileDeclarations | None = None,
) -> list[Prediction]:
    """A prediction of each system, read if it is a file, of which something may be said.

    Raises
    ------
    UsageError
        If it is something else, or is no file and something is said of one.
    PredictionError
        If the file says too little.
    """
    if isinstance(prediction, AnyFile):
        return read_predictions(
            prediction, defaults={**(defaults or {}), "dataset": None}, **(declared or {})
        )
    check_unsaid(declared)
    if isinstance(prediction, Prediction):
        return [prediction]
    expect(prediction, Sequence, "a prediction, some of one file, or the path of the file")
    parts = [part for part in prediction if isinstance(part, Prediction)]
    if not parts or len(parts) < len(prediction):
        raise UsageError(
            "expected a prediction, some of one file, or the path of the file, found "
            f"{type(prediction).__name__}"
        )
    return parts


def opened_reference(reference: Reference | AnyFile) -> Reference:
    """A reference, read if it is a file.

    Raises
    ------
    UsageError
        If it is something else.
    PredictionError
        If the file says too little.
    """
    if isinstance(reference, Reference):
        return reference
    if not isinstance(reference, AnyFile):
        raise UsageError(
            f"expected a reference or the path of its file, found {type(reference).__name__}"
        )
    return read_reference(reference)


def examine_against(
    prediction: AnyPrediction,
    reference: Reference | AnyFile,
    *,
    fixes: Collection[str] = (),
    allow_failed: bool = False,
    by_frame: bool = False,
    details: bool = False,
    engine: Engine | None = None,
    **declared: Unpack[FileDeclarations],
) -> Against:
    """Check a prediction and compare it with a reference.

    As :func:`teaeval.scores.examine.examine` does with the test set of a dataset.

    Raises
    ------
    PredictionError
        If a check finds an error; it carries every finding.
    UsageError
        If both are one file, or there is no such fix.
    DataError
        If labels of the reference are no numbers.
    """
    predictions, reference = opened_parts(prediction, declared), opened_reference(reference)
    engine = engine or Threads()
    pairs, findings = paired(predictions, reference)
    results, found = _checked(pairs, reference, by_frame=by_frame, details=details, engine=engine)
    check_no_copy(predictions[0], reference)
    pairs, fixed = _fixed(pairs, results, found, fixes)
    if fixed:
        results, found = _checked(
            pairs, reference, by_frame=by_frame, details=details, engine=engine
        )
    findings = findings + found
    if allow_failed:
        findings = failures_allowed(findings, results)
    source = predictions[0].source.get("path", "prediction")
    parts = [
        Examined(
            prediction=predicted,
            dataset=None,
            test=test,
            places=result.places,
            findings=result.findings,
            compared=result.compared,
            fixes=sorted(fixes),
            fixed=fixed,
            allow_failed=allow_failed,
        )
        for (predicted, test), result in zip(pairs, results, strict=True)
        if result.compared is not None
    ]
    if len(parts) < len(pairs) or any(item.severity == "error" for item in findings):
        raise PredictionError(source, findings)
    return Against(
        prediction=replace(predictions[0], dataset="", subset="", train=None),
        reference=reference,
        parts=parts,
        findings=findings,
        fixes=sorted(fixes),
        fixed=fixed,
        allow_failed=allow_failed,
        left_out=_left_out(predictions[0], details=details),
    )


def check_reference(
    prediction: AnyPrediction, reference: Reference | AnyFile, engine: Engine | None = None
) -> list[Finding]:
    """Check a prediction against a reference: everything that is wrong.

    Raises
    ------
    UsageError
        If both are one file.
    PredictionError
        If a file says too little.
    """
    return check_parts(opened_parts(prediction), reference, engine)[1]


def check_parts(
    predictions: list[Prediction], reference: Reference | AnyFile, engine: Engine | None
) -> tuple[Ints, list[Finding]]:
    """The row of its system for each predicted frame, −1 for none; and everything that is wrong."""
    reference = opened_reference(reference)
    pairs, findings = paired(predictions, reference)
    results, found = _checked(
        pairs, reference, by_frame=True, details=False, engine=engine or Threads()
    )
    check_no_copy(predictions[0], reference)
    return np.concatenate([result.places.rows for result in results]), findings + found


def _left_out(prediction: Prediction, *, details: bool) -> list[str]:
    """Say what needs a dataset."""
    said = ["errors of groups of atoms, published numbers, tasks: they belong to datasets"]
    if details:
        said.append("novelty, the distance to the training set: it needs a dataset's splits")
    stated = [getattr(prediction, n) for n in ("dataset", "subset") if getattr(prediction, n)]
    if stated:
        said.append(
            f"the prediction states {' '.join(stated)}, which was not looked at: the reference is"
        )
    if prediction.train:
        said.append(f"trained on {prediction.train}: it is a split of a dataset")
    return said


def _checked(
    pairs: Sequence[tuple[Prediction, AnyFrames]],
    reference: Reference,
    *,
    by_frame: bool,
    details: bool,
    engine: Engine,
) -> tuple[list[Checked], list[Finding]]:
    """Check each system, and what can only be told of all together."""
    results, findings = [], []
    several = len(pairs) > 1
    for label, (prediction, test) in zip(reference.labels, pairs, strict=True):
        block = 1 if by_frame else block_length(None, test, len(reference))
        if len(prediction.energies):
            result = checked(prediction, test, None, engine, block=block, details=details)
        else:
            result = _missing(prediction, test, engine, block=block, details=details)
        _check_labels(result, test, reference)
        results.append(result)
        name = f"{label}: " if several else ""
        findings += [replace(item, found=name + item.found) for item in result.findings]
    if not any_scored(results):
        findings = none_left(findings)
    return results, [_of_either(item) for item in findings + _together(pairs, results)]


def _of_either(finding: Finding) -> Finding:
    """A finding about a unit; what is wrong may be what was declared of the reference."""
    if not finding.code.startswith(("unit-of-energy", "unit-of-forces", "scale-of-")):
        return finding
    energy, forces = UNIT_FLAGS["energy_unit"][0], UNIT_FLAGS["force_unit"][0]
    flags = f"{energy} or {forces}" if finding.code.endswith("-of-forces") else energy
    return replace(
        finding,
        remedy=f"first make sure of the unit of the reference, {flags}: another one there looks "
        f"the same. If that is right, {finding.remedy}",
    )


def _missing(
    prediction: Prediction, test: AnyFrames, engine: Engine, *, block: int, details: bool
) -> Checked:
    """What is to be said of a system without a prediction."""
    from teaeval.checks.structure import coverage
    from teaeval.metrics.one_pass import frame_errors_of

    nothing = replace(
        prediction, energies=np.full(1, np.nan), forces=np.full((1, test.n_atoms, 3), np.nan)
    )
    nowhere = Places.of(np.full(1, -1), len(test))
    compared = frame_errors_of(nothing, test, nowhere, {}, engine, block=block, details=details)
    places = Places.of(np.empty(0, np.int64), len(test))
    return Checked(places, coverage(prediction, test, places, None), compared)


def _check_labels(result: Checked, test: AnyFrames, reference: Reference) -> None:
    """Refuse reference forces that are no numbers, which leave frames without errors."""
    if result.compared is None:
        return
    failed = np.flatnonzero(~result.compared.scored)
    for part in np.array_split(failed, 1 + len(failed) // 1024):
        bad = part[~np.isfinite(test.forces[part]).all(axis=(1, 2))]
        if len(bad):
            raise DataError(
                f"{reference.path}: the reference forces of frame {test.ids[bad[0]]} are NaN or "
                "infinite; leave such frames out of both files"
            )


def _together(
    pairs: Sequence[tuple[Prediction, AnyFrames]], results: Sequence[Checked]
) -> list[Finding]:
    """Findings about all systems: units where each has few frames, and errors that are all 0."""
    samples = []
    for (_, test), result in zip(pairs, results, strict=True):
        if result.compared is None:
            return []
        if result.few is not None:
            samples.append((result.few, test.numbers))
    count = sum(len(sample) for sample, _ in samples)
    findings = []
    if not samples:
        return []
    sample, numbers = pooled(samples)
    if len(samples) == len(pairs):
        findings += identity.diagnose(sample)
    if count >= FEWEST:
        findings += scale.diagnose(sample, pairs[0][0].source, numbers)[0]
    else:
        findings += scale.of_few(sample, pairs[0][0].source)
        if len(samples) == len(pairs):
            findings.append(few_frames(sample, count))
    return findings


OF_ONE_SYSTEM = ("permuted-atoms",)
"""Findings that are mended for one system alone; others are of the file, and so of all."""


def _fixed(
    pairs: list[tuple[Prediction, AnyFrames]],
    results: Sequence[Checked],
    findings: Sequence[Finding],
    fixes: Collection[str],
) -> tuple[list[tuple[Prediction, AnyFrames]], list[str]]:
    """Mend what is wanted; units and signs of all systems alike, since they are of one file."""
    of_file: dict[tuple[str, object], Finding] = {}
    for item in findings:
        if item.severity == "error" and item.code not in OF_ONE_SYSTEM:
            of_file.setdefault((item.code, item.evidence.get("unit")), item)
    codes = [code for code, _ in of_file]
    if (twice := [code for code in codes if codes.count(code) > 1]) and fixes:
        raise UsageError(
            f"{twice[0]} is another for some systems than for others; no fix mends that: "
            "correct the file"
        )
    mended, notes = [], []
    for (prediction, test), result in zip(pairs, results, strict=True):
        own = [item for item in result.findings if item.code in OF_ONE_SYSTEM]
        shared = [_of_atoms(item, test.n_atoms) for item in of_file.values()]
        prediction, made = apply(prediction, [*shared, *own], fixes)
        mended.append((prediction, test))
        notes += [note for note in made if note not in notes]
    return mended, notes


def _of_atoms(finding: Finding, atoms: int) -> Finding:
    """A finding about energies per atom of a file, for a system of so many atoms."""
    if finding.code != "energy-per-atom":
        return finding
    return replace(finding, evidence={**finding.evidence, "atoms": atoms})
