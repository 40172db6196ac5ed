"""Predictions: energies and forces for one test set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from teadata.arrays import StoredArray, StoredInts
from teadata.output.display import Shown
from teadata.typing import Array, Floats, Ints
from teaeval.predictions.findings import Finding, PredictionError
from teaeval.predictions.numeric import KINDS, convert_numbers

PREDICTION = "a prediction, as teaeval.read_prediction gives of a file"
"""What is asked for where a file would not do."""

SPELT = {"energies": "energy", "frame_ids": "frame_id"}
"""What fields are called in files, where that is another name."""


@dataclass(frozen=True, eq=False, repr=False)
class Prediction(Shown):
    """Predicted energies and forces of one test set.

    Energies, forces, ids and positions are arrays in memory, or stay in their file where they are
    large: they are indexed and computed with as arrays are, and ``energies[:]`` reads all.  It can
    be pickled, and then reads the same file.

    Parameters
    ----------
    dataset
        Dataset id, with or without a version.
    subset
        Subset whose test set was predicted.
    energies
        (N,) in kcal/mol; numbers of any type are converted to double precision.
    forces
        (N, A, 3) in kcal/mol/Å.
    frame_ids
        (N,) ids of the frames; None if `positions` identify them.
    positions
        (N, A, 3) in Å, or None.
    numbers
        (A,) atomic numbers in the order of the forces, or None if not stated.
    cell
        (N, 3, 3) cell vectors as rows, in Å, for viewers; no score needs them.
    model, train, record
        Who predicted: the model's name, the split it was trained on
        (``<subset>/train/<size>``), the SHA-256 of its training record.
    source
        What is known of the file: its path and the units it was in.
    digest
        Gives the SHA-256 of the file, once it is computed; None without a file.
    options
        What the caller had to say, since the file does not.
    findings
        Warnings of what was read: they are kept in the score.

    Raises
    ------
    PredictionError
        If energies, forces, ids, positions, numbers or cells are no numbers.
    """

    dataset: str
    subset: str
    energies: Floats | StoredArray
    forces: Floats | StoredArray
    frame_ids: Ints | StoredInts | None = None
    positions: Floats | StoredArray | None = None
    numbers: Ints | None = None
    cell: Floats | None = None
    model: str | None = None
    train: str | None = None
    record: str | None = None
    source: Mapping[str, str] = field(default_factory=dict)
    digest: Callable[[], str] | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        fields: dict[str, Any] = {}
        for name in ("energies", "forces", "frame_ids", "positions", "numbers", "cell"):
            value, spelt = getattr(self, name), SPELT.get(name, name)
            optional = value is None and name not in ("energies", "forces")
            if not optional and not _is_converted(value, KINDS[spelt]):
                fields[spelt] = self._array(name, value)
        problems = convert_numbers(fields)
        if problems:
            raise PredictionError(self.name or "prediction", problems)
        names = {spelt: name for name, spelt in SPELT.items()}
        for spelt, array in fields.items():
            object.__setattr__(self, names.get(spelt, spelt), array)

    @property
    def name(self) -> str | None:
        """The model, or the path of the file if it names none; None without either."""
        return self.model or self.source.get("path")

    def __getstate__(self) -> dict[str, Any]:
        state = vars(self).copy()
        if self.digest is not None:  # a thread may be computing it still
            state["digest"] = partial(str, self.digest())
        return state

    def _fields(self) -> dict[str, object]:
        return {
            "dataset": self.dataset,
            "subset": self.subset,
            "frames": self.energies.shape[0] if self.energies.ndim else None,
            "atoms": self.forces.shape[1] if len(self.forces.shape) == 3 else None,
            "model": self.model,
            "train": self.train,
            "file": self.source.get("path"),
        }

    def _array(self, name: str, value: object) -> Array:
        """Make an array of a list, or of another library's array; what is masked is NaN."""
        try:
            if hasattr(value, "detach"):  # a tensor, which may need a gradient, or be on a GPU
                return np.asarray(value.detach().cpu())
            if isinstance(value, np.ma.MaskedArray) and value.mask.any():
                return np.ma.filled(value.astype(np.float64), np.nan)
            return np.asarray(value)
        except (ValueError, TypeError, RuntimeError) as error:
            problem = Finding.error(
                f"type-of-{name}",
                expected="an array of numbers",
                found=f"a {type(value).__name__} that NumPy makes no array of ({error})",
                remedy=f"give {name} as a NumPy array",
            )
            raise PredictionError(self.name or "prediction", [problem]) from None


def _is_converted(value: object, dtype: DTypeLike) -> bool:
    """Whether a value is an array of this type already.

    With others, such as networks' single precision, every sum would be of their own precision.
    """
    if isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray):
        return bool(value.dtype == dtype)
    return isinstance(value, StoredArray | StoredInts)
