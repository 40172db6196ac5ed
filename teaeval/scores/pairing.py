"""Which prediction is of which system of a reference file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from teadata.elements import formula
from teadata.errors import UsageError
from teadata.stored_frames import AnyFrames
from teadata.typing import Ints
from teaeval.predictions.fields import unidentified
from teaeval.predictions.findings import Finding, PredictionError
from teaeval.predictions.geometries import check_geometries
from teaeval.predictions.prediction import Prediction
from teaeval.predictions.reference import Reference
from teaeval.predictions.wording import SpokenError


def paired(
    predictions: Sequence[Prediction], reference: Reference
) -> tuple[list[tuple[Prediction, AnyFrames]], list[Finding]]:
    """The prediction of each system of a reference, and findings about what has no partner."""
    check_not_itself(predictions[0], reference)
    by_geometry = not reference.identified or any(p.frame_ids is None for p in predictions)
    if by_geometry:
        predictions = [replace(part, frame_ids=None) for part in predictions]
        if any(part.positions is None for part in predictions):
            raise PredictionError(
                predictions[0].source.get("path", "prediction"), [_without_ids(reference)]
            )
        check_geometries(reference)
    left = {_atoms(part.numbers) or f"#{n}": part for n, part in enumerate(predictions)}
    partners = [left.pop(_atoms(test.numbers), None) for test in reference.systems]
    for alike in (_same_formula, _same_count):
        for place, test in enumerate(reference.systems if left else ()):
            if partners[place] is None:
                key = next((key for key, part in left.items() if alike(part, test)), None)
                partners[place] = None if key is None else left.pop(key)
    if len(reference.systems) == 1 and partners[0] is None:
        partners[0] = left.pop(next(iter(left)))
    findings = [_extra(part, reference) for part in left.values()]
    pairs = [
        (_blank(predictions[0], test) if part is None else part, test)
        for part, test in zip(partners, reference.systems, strict=True)
    ]
    return pairs, findings


def _without_ids(reference: Reference) -> Finding:
    """The finding that nothing says which frame is which."""
    if reference.identified:
        return unidentified(())[0]
    return Finding.error(
        "unidentified-frames",
        expected=f"positions (N, A, 3), since {reference.path.name} states no ids of its frames",
        found="none",
        remedy="save the positions beside the prediction, or frame_id in both files",
    )


def _atoms(numbers: Ints | None) -> str:
    """A key of atomic numbers in their order; empty where they are not stated."""
    return "" if numbers is None else " ".join(map(str, numbers.tolist()))


def _same_formula(prediction: Prediction, test: AnyFrames) -> bool:
    return prediction.numbers is not None and (formula(prediction.numbers) == formula(test.numbers))


def _same_count(prediction: Prediction, test: AnyFrames) -> bool:
    """Whether a prediction that does not state its atoms has as many."""
    return prediction.numbers is None and prediction.forces.shape[1:2] == (test.n_atoms,)


def _blank(prediction: Prediction, test: AnyFrames) -> Prediction:
    """A prediction of no frame."""
    return replace(
        prediction,
        energies=np.empty(0),
        forces=np.empty((0, test.n_atoms, 3)),
        frame_ids=np.empty(0, dtype=np.int64),
        positions=None,
        numbers=None,
        cell=None,
    )


def _extra(prediction: Prediction, reference: Reference) -> Finding:
    """The finding about frames of a system that the reference does not have."""
    numbers = prediction.numbers
    what = f"{prediction.forces.shape[1]} atoms" if numbers is None else formula(numbers)
    known = numbers is not None and formula(numbers) in reference.formulas
    return Finding.error(
        "extra-frames",
        expected=f"only frames of the reference, of {', '.join(reference.formulas)}",
        found=f"{len(prediction.energies)} frames of {what}"
        + (" with the atoms in another order" if known else ""),
        remedy="put the atoms of forces and positions in the reference's order"
        if known
        else "leave them out, or give the reference that they are of",
    )


def check_not_itself(prediction: Prediction, reference: Reference) -> None:
    """Refuse to compare an array with itself.

    Raises
    ------
    UsageError
        If prediction and reference are one file, and so are its arrays.
    """
    path = prediction.source.get("path")
    if path is None or not _of_the_same_names(prediction, reference):
        return
    same = path == str(reference.path)
    if not same and isinstance(reference.path, Path):
        same = Path(path).exists() and Path(path).samefile(reference.path)
    if same:
        raise _of_one_file(reference, "is the prediction's file")


def check_no_copy(prediction: Prediction, reference: Reference) -> None:
    """Refuse a prediction that is a copy of the reference.

    It waits for the checksums of both files, so that it is asked once their contents were read.

    Raises
    ------
    UsageError
        If the files have the same content, and the arrays are the same.
    """
    if prediction.digest is None or not _of_the_same_names(prediction, reference):
        return
    if prediction.digest() == reference.digest():
        path = prediction.source.get("path")
        raise _of_one_file(reference, f"has the same content as {path}")


def _of_the_same_names(prediction: Prediction, reference: Reference) -> bool:
    """Whether energies or forces of both are under the same name."""
    arrays = (prediction.source.get("energy_key"), prediction.source.get("forces_key"))
    if arrays == (None, None):
        return False
    return arrays[0] == reference.energy_key or arrays[1] == reference.forces_key


def _of_one_file(reference: Reference, what: str) -> UsageError:
    said = (
        f"{reference.path}: the reference {what}, and every error would be 0; give the file with "
        "the labels. Where one file has both, say which is which: "
    )
    return SpokenError(
        f'{said}energy_key="MACE_energy", forces_key="MACE_forces", reference='
        'teaeval.read_reference(FILE, energy_key="REF_energy", forces_key="REF_forces")',
        f"{said}--energy-key MACE_energy --forces-key MACE_forces --reference-energy-key "
        "REF_energy --reference-forces-key REF_forces",
    )
