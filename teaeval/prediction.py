"""Prediction files: energies and forces for one test set.

Required in a file: ``energy`` (N,), ``forces`` (N, A, 3), ``dataset``, ``subset``,
``energy_unit``, ``length_unit``, and the frames they are for, as ``frame_id`` (N,) or
``positions`` (N, A, 3).  What a file does not say, the caller must; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teadata import DatasetCard, catalog, units
from teadata.errors import UsageError
from teadata.formats import npz
from teadata.provenance import replacing, sha256
from teaeval.findings import Finding, PredictionError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ALIASES = {
    "energy": ("energy", "energies", "E", "MACE_energy"),
    "forces": ("forces", "F", "MACE_forces"),
    "frame_id": ("frame_id", "frame_ids"),
    "positions": ("positions", "R"),
    "numbers": ("numbers", "z", "atomic_numbers"),
    "dataset": ("dataset",),
    "subset": ("subset",),
    "energy_unit": ("energy_unit", "e_unit"),
    "length_unit": ("length_unit", "r_unit"),
    "model": ("model",),
    "train": ("train",),
    "record": ("record",),
}
"""Names under which each field is found: ours, then sGDML's and MACE's."""

DECLARATIONS = {
    "dataset": ("--dataset", "the dataset id, e.g. mini-i"),
    "subset": ("--subset", "the test set's subset, e.g. folded"),
    "energy_unit": ("--energy-unit", f"one of {', '.join(units.ENERGY_UNITS)}"),
    "length_unit": ("--length-unit", f"one of {', '.join(units.LENGTH_UNITS)}"),
}
"""What must be declared: the option that does it, and what it takes."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted energies and forces of one test set.

    Parameters
    ----------
    dataset
        Dataset id, with or without a version.
    subset
        Subset whose test set was predicted.
    energies
        (N,) in kcal/mol.
    forces
        (N, A, 3) in kcal/mol/Å.
    frame_ids
        (N,) ids of the frames; None if `positions` identify them.
    positions
        (N, A, 3) in Å, or None.
    numbers
        (A,) atomic numbers in the order of the forces, or None if not stated.
    model, train, record
        Who predicted: the model's name, the split it was trained on
        (``<subset>/train/<size>``), the SHA-256 of its training record.
    source
        What is known of the file: its path, sha256 and the units it was in.
    """

    dataset: str
    subset: str
    energies: Floats
    forces: Floats
    frame_ids: Ints | None = None
    positions: Floats | None = None
    numbers: Ints | None = None
    model: str | None = None
    train: str | None = None
    record: str | None = None
    source: Mapping[str, str] = field(default_factory=dict)


def _collect(arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], list[Finding]]:
    """The file's arrays under our names, and which are there twice or not at all."""
    found: dict[str, Any] = {}
    problems = []
    for name, aliases in ALIASES.items():
        present = [alias for alias in aliases if alias in arrays]
        if len(present) == 1:
            found[name] = arrays[present[0]]
        elif present:
            problems.append(
                Finding.error(
                    "ambiguous-field",
                    expected=f"one array for {name}",
                    found=" and ".join(present),
                    remedy=f"keep only {name}",
                )
            )
        elif name in ("energy", "forces"):
            problems.append(
                Finding.error(
                    f"missing-{name}",
                    expected=f"an array under one of {', '.join(aliases)}",
                    found=f"arrays {', '.join(sorted(arrays)) or '(none)'}",
                    remedy=f"save the predicted {name} under {name!r}",
                )
            )
    if not {"frame_id", "positions"} & found.keys():
        problems.append(
            Finding.error(
                "unidentified-frames",
                expected="frame_id (N,) or positions (N, A, 3)",
                found="neither",
                remedy="save the ids of the test frames (Frames.ids) as frame_id",
            )
        )
    for name in ("model", "train", "record"):
        found[name] = npz.text(found[name]) if name in found else None
    return found, problems


def _declare(found: dict[str, Any], declared: Mapping[str, str | None]) -> list[Finding]:
    """Settle what the file and the caller declare; say what is missing or contradictory."""
    problems = []
    for name, (option, meaning) in DECLARATIONS.items():
        stated = npz.text(found[name]) if name in found else None
        given = declared.get(name)
        if stated is None and given is None:
            problems.append(
                Finding.error(
                    f"undeclared-{name}",
                    expected=f"the file, or the option {option}, states {meaning}",
                    found="neither does",
                    remedy=f"add a field {name!r} to the file, or pass {option}",
                )
            )
        elif stated is not None and given is not None and stated != given:
            problems.append(
                Finding.error(
                    f"contradicting-{name}",
                    expected=f"the file and {option} to agree",
                    found=f"the file states {stated!r}, {option} {given!r}",
                    remedy=f"leave {option} out, or correct the file",
                )
            )
        found[name] = stated if given is None else given
    return problems


def _numeric(found: dict[str, Any]) -> list[Finding]:
    """Turn the numeric fields into arrays of the right type; say which cannot be."""
    problems = []
    kinds = {
        "energy": np.float64,
        "forces": np.float64,
        "positions": np.float64,
        "frame_id": np.int64,
        "numbers": np.int64,
    }
    for name, dtype in kinds.items():
        if name not in found:
            continue
        value = found[name]
        numeric = value.dtype.kind in ("iuf" if dtype is np.float64 else "iu")
        if dtype is np.int64 and value.dtype.kind == "f":
            numeric = bool((value == np.round(value)).all())
        if not numeric:
            problems.append(
                Finding.error(
                    f"type-of-{name}",
                    expected="real numbers" if dtype is np.float64 else "integers",
                    found=f"values of type {value.dtype}",
                    remedy=f"save {name} as a plain array of numbers",
                )
            )
            continue
        found[name] = value.astype(dtype)
    if "energy" in found and found["energy"].ndim == 2 and found["energy"].shape[1] == 1:
        found["energy"] = found["energy"][:, 0]
    return problems


def _names(found: dict[str, Any]) -> list[Finding]:
    """Findings about names that stand for nothing: dataset, subset, units."""
    problems = []
    card: DatasetCard | None = None
    for name in DECLARATIONS:
        value = found[name]
        if value is None:
            continue
        try:
            if name == "dataset":
                card = catalog.card(value)
            elif name == "subset" and card is not None:
                card.check_subset(value)
            elif name == "energy_unit":
                units.energy_unit(value)
            elif name == "length_unit":
                units.length_unit(value)
        except UsageError as error:
            problems.append(
                Finding.error(
                    f"unknown-{name}",
                    expected=DECLARATIONS[name][1],
                    found=str(error),
                    remedy=f"correct the field {name!r} or the option {DECLARATIONS[name][0]}",
                )
            )
    return problems


def read_prediction(
    path: Path | str,
    *,
    dataset: str | None = None,
    subset: str | None = None,
    energy_unit: str | None = None,
    length_unit: str | None = None,
) -> Prediction:
    """Read a prediction file and convert it to kcal/mol and Å.

    Parameters
    ----------
    path
        An npz file.
    dataset, subset, energy_unit, length_unit
        What the file does not state itself.  Stating something else than the file is an
        error.

    Raises
    ------
    DataError
        If the file is unreadable, truncated, no npz, or holds pickled objects.
    PredictionError
        If fields are missing, undeclared, contradictory or of the wrong type; it carries
        every finding.
    """
    path = Path(path)
    declared = {
        "dataset": dataset,
        "subset": subset,
        "energy_unit": energy_unit,
        "length_unit": length_unit,
    }
    found, problems = _collect(npz.load_arrays(path))
    problems = _declare(found, declared) + problems + _numeric(found) + _names(found)
    if problems:
        raise PredictionError(str(path), problems)
    energy = units.energy_factor(found["energy_unit"])
    length = units.length_factor(found["length_unit"])
    return Prediction(
        dataset=found["dataset"],
        subset=found["subset"],
        energies=np.asarray(found["energy"] * energy),  # NumPy makes a 0-d product a scalar
        forces=np.asarray(found["forces"] * (energy / length)),
        frame_ids=found.get("frame_id"),
        positions=found["positions"] * length if "positions" in found else None,
        numbers=found.get("numbers"),
        model=found["model"],
        train=found["train"],
        record=found["record"],
        source={
            "path": str(path),
            "sha256": sha256(path),
            "energy_unit": units.energy_unit(found["energy_unit"]),
            "length_unit": units.length_unit(found["length_unit"]),
        },
    )


def write_prediction(path: Path | str, prediction: Prediction) -> None:
    """Write a prediction as npz, in kcal/mol and Å, in one step.

    Raises
    ------
    DataError
        If the file cannot be written.
    """
    path = Path(path)
    arrays: dict[str, Any] = {
        "energy": prediction.energies,
        "forces": prediction.forces,
        "frame_id": prediction.frame_ids,
        "positions": prediction.positions,
        "numbers": prediction.numbers,
        "dataset": prediction.dataset,
        "subset": prediction.subset,
        "energy_unit": "kcal/mol",
        "length_unit": "Å",
        "model": prediction.model,
        "train": prediction.train,
        "record": prediction.record,
    }
    with replacing(path) as partial, open(partial, "wb") as stream:
        np.savez_compressed(stream, **{k: v for k, v in arrays.items() if v is not None})
