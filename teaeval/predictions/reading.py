"""Read prediction files: npz, HDF5, Zarr, parquet, extended XYZ, ASE's formats.

Required in a file: ``energy`` (N,), ``forces`` (N, A, 3), ``dataset``, ``subset``,
``energy_unit``, ``length_unit``, and the frames they are for, as ``frame_id`` (N,) or
``positions`` (N, A, 3).  What a file does not say, the caller must; nothing is guessed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from teadata import DatasetCard, catalog, units
from teadata.arrays import IN_MEMORY, ArrayFile, SeekableFile, StoredArray, open_arrays
from teadata.arrays.images import ImageFile
from teadata.errors import UsageError, unknown_name
from teadata.provenance import hashing
from teadata.typing import Array
from teaeval.predictions.declaring import NAMES, Declarations, check_train, option
from teaeval.predictions.findings import Finding, PredictionError
from teaeval.predictions.numeric import convert_numbers, listed_numbers
from teaeval.predictions.prediction import Prediction
from teaeval.predictions.stale_units import StaleUnits

ARRAYS = {
    "energy": ("energy", "energies", "E", "MACE_energy"),
    "forces": ("forces", "F", "MACE_forces"),
    "frame_id": ("frame_id", "frame_ids", "ids"),
    "positions": ("positions", "R", "pos", "coords"),
    "numbers": ("numbers", "z", "atomic_numbers", "nuclear_charges"),
}
"""Names under which each array is found: ours, then sGDML's, MACE's and rMD17's."""

TEXTS = {
    "dataset": ("dataset",),
    "subset": ("subset",),
    "energy_unit": ("energy_unit", "e_unit"),
    "length_unit": ("length_unit", "r_unit"),
    "model": ("model",),
    "train": ("train",),
    "record": ("record",),
}
"""Names under which each text is found, as an attribute of the file or an array."""

DECLARATIONS = {
    "dataset": ("--dataset", "the dataset id, e.g. mini-i"),
    "subset": ("--subset", "the test set's subset, e.g. folded"),
    "energy_unit": ("--energy-unit", f"one of {', '.join(units.ENERGY_UNITS)}"),
    "length_unit": ("--length-unit", f"one of {', '.join(units.LENGTH_UNITS)}"),
}
"""What a file or the caller must declare: the option for it, and what it takes."""

TRAINED = "a split of the dataset, <subset>/train/<size>"
"""What a training set is given as."""

CANONICAL: dict[str, Callable[[str], str]] = {
    "dataset": lambda name: catalog.card(name).full_id,
    "energy_unit": units.energy_unit,
    "length_unit": units.length_unit,
}
"""What gives the one spelling of a declaration that has several."""

KEYS = {"energy": "--energy-key", "forces": "--forces-key"}
"""The option that names an array of the file."""

ROWS = 4096
"""Number of frames read at a time."""


def _names_of(file: ArrayFile, keys: Mapping[str, str | None]) -> tuple[dict[str, str], list[Any]]:
    """Find the file's name of each array; report names that are missing or ambiguous."""
    known: dict[str, str] = {}
    problems = []
    there = ", ".join(sorted(file.names)) or "(none)"
    for name, aliases in ARRAYS.items():
        if (key := keys.get(name)) is not None:
            aliases = (key,)
        present = _of_one_meaning(file, name, [a for a in aliases if a in file.names])
        if len(present) == 1:
            known[name] = present[0]
        elif present:
            option = f", or say which with {KEYS[name]}" if name in KEYS else ""
            problems.append(
                Finding.error(
                    "ambiguous-field",
                    expected=f"one array for {name}",
                    found=" and ".join(present),
                    remedy=f"keep only {present[0]}{option}",
                )
            )
        elif name in KEYS:
            problems.append(
                Finding.error(
                    f"missing-{name}",
                    expected=f"an array under one of {', '.join(aliases)}",
                    found=f"arrays {there}",
                    remedy=f"save the predicted {name} under {name!r}, or name its array with "
                    f"{KEYS[name]}",
                )
            )
    if not {"frame_id", "positions"} & known.keys():
        problems.append(
            Finding.error(
                "unidentified-frames",
                expected="frame_id (N,) or positions (N, A, 3)",
                found="neither",
                remedy="save the ids of the test frames (Frames.ids) as frame_id",
            )
        )
    return known, problems


def _of_one_meaning(file: ArrayFile, name: str, present: list[str]) -> list[str]:
    """The arrays that contradict each other, or the first of those that are the same.

    Energies of each atom, as ASE has them beside the energy, are not another energy.
    """
    if len(present) < 2:
        return present
    if name == "energy":
        whole = [key for key in present if math.prod(file.shape(key)[1:]) == 1]
        present = whole or present
    if any(_large(file, key, IN_MEMORY) for key in present):
        return present
    first = file.whole(present[0])
    others = [key for key in present[1:] if not _equal(file.whole(key), first)]
    return [present[0], *others]


def _equal(one: Array, other: Array) -> bool:
    """Whether two arrays hold the same numbers, NaN in the same places."""
    if one.shape != other.shape or {one.dtype.kind, other.dtype.kind} - set("iuf"):
        return False
    return bool(((one == other) | (np.isnan(one) & np.isnan(other))).all())


def _large(file: ArrayFile, key: str, in_memory: int) -> bool:
    """Whether an array is plain numbers of frames and atoms, of more bytes than `in_memory`."""
    if not isinstance(file, SeekableFile):
        return False
    shape = file.shape(key)
    plain = len(shape) == 3 and file.dtype(key).kind in "iuf"
    return plain and math.prod(shape) * np.dtype(np.float64).itemsize > in_memory


def _arrays(file: ArrayFile, names: Mapping[str, str], in_memory: int) -> dict[str, Any]:
    """Read the arrays under our names, those with a row per frame in one pass if possible.

    Forces and positions of more bytes than `in_memory` stay in the file.
    """
    loaded: dict[str, Any] = {
        name: StoredArray.of(file, names[name])
        for name in ("forces", "positions")
        if name in names and isinstance(file, SeekableFile) and _large(file, names[name], in_memory)
    }
    rows = {name: key for name, key in names.items() if name not in {"numbers", *loaded}}
    if _aligned(file, list(rows.values())):
        pieces = list(file.pieces(list(rows.values()), ROWS))
        loaded |= {name: np.concatenate([p.pop(key) for p in pieces]) for name, key in rows.items()}
    else:
        loaded |= {name: file.whole(key) for name, key in rows.items()}
    if "numbers" in names:
        loaded["numbers"] = file.whole(names["numbers"])
    elif "numbers" in file.attributes:  # parquet, as teadata writes it
        loaded["numbers"] = listed_numbers(file)
    for name in {"forces", "positions"} & loaded.keys():
        array = loaded[name]
        if isinstance(array, StoredArray):
            continue
        if file.flat and array.ndim == 2 and array.shape[1] % 3 == 0:
            loaded[name] = array.reshape(len(array), -1, 3)
    return loaded


def _aligned(file: ArrayFile, names: Sequence[str]) -> bool:
    """Whether arrays are plain numbers with the same number of rows."""
    if isinstance(file, ImageFile):  # by construction; to ask for a shape reads the file
        return True
    shapes = [file.shape(name) for name in names]
    plain = all(file.dtype(name).kind in "iuf" for name in names)
    return plain and all(shapes) and len({shape[0] for shape in shapes}) == 1 and shapes[0][0] > 0


def _declare(
    fields: dict[str, Any],
    declared: Mapping[str, str | None],
    conventions: Mapping[str, str | None],
) -> list[Finding]:
    """Combine what the file and the caller declare; report what is missing or contradictory.

    Where neither does, the format's convention holds, if it has one; a dataset of one subset
    leaves no choice.
    """
    problems = []
    for name, (flag, meaning) in DECLARATIONS.items():
        stated = fields.get(name)
        given = declared.get(name)
        if stated is None and given is None:
            stated = conventions.get(name) or (_only_subset(fields) if name == "subset" else None)
        if stated is None and given is None:
            problems.append(
                Finding.error(
                    f"undeclared-{name}",
                    expected=f"the file, or the option {flag}, states {meaning}",
                    found="neither does",
                    remedy=f"add a field {name!r} to the file, or pass {flag}",
                )
            )
        elif stated is not None and given is not None and not _agree(name, stated, given):
            problems.append(_contradiction(name, flag, stated, given))
        fields[name] = stated if given is None else given
    fields["model"] = declared.get("model", fields["model"])
    stated, given = fields["train"], declared.get("train")
    if stated is not None and given is not None and stated != given:
        problems.append(_contradiction("train", "--train", stated, given))
    fields["train"] = stated if given is None else given
    return problems


def _only_subset(fields: Mapping[str, Any]) -> str | None:
    """The subset of a dataset that has one only; None of any other."""
    try:
        (subset,) = catalog.card(fields["dataset"] or "").subsets
    except (UsageError, ValueError):
        return None
    return subset


def _contradiction(name: str, option: str, stated: str, given: str) -> Finding:
    return Finding.error(
        f"contradicting-{name}",
        expected=f"the file and {option} to agree",
        found=f"the file states {stated!r}, {option} {given!r}",
        remedy=f"leave {option} out, or correct the file",
    )


def _agree(name: str, one: str, other: str) -> bool:
    """Whether two declarations mean the same, as Ang and Å do."""
    canonical = CANONICAL.get(name)
    if one == other or canonical is None:
        return one == other
    try:
        return canonical(one) == canonical(other)
    except UsageError:
        return False


def _names(fields: dict[str, Any]) -> list[Finding]:
    """Report unknown names of dataset, subset and units."""
    problems = []
    card: DatasetCard | None = None
    for name in (*DECLARATIONS, "train"):
        value = fields[name]
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
            elif name == "train" and card is not None:
                check_train(card, value)
        except UsageError as error:
            expected = TRAINED if name == "train" else DECLARATIONS[name][1]
            problems.append(
                Finding.error(
                    f"unknown-{name}",
                    expected=expected,
                    found=str(error),
                    remedy=f"correct the field {name!r} or the option {option(name)}",
                )
            )
    return problems


def read_prediction(
    path: Path | str,
    *,
    in_memory: int = IN_MEMORY,
    defaults: Declarations | None = None,
    **declared: Unpack[Declarations],
) -> Prediction:
    """Read a prediction file and convert it to kcal/mol and Å.

    Parameters
    ----------
    path
        A file in a format of :func:`teadata.arrays.open_arrays`.
    in_memory
        Forces and positions of more bytes than this stay in a file that is HDF5 or Zarr, and are
        read in pieces.
    defaults
        What is taken where the file says nothing, such as the units of those of several files
        that state none.
    **declared
        What the file does not state itself, see
        :class:`~teaeval.predictions.declaring.Declarations`.  Stating something else than the
        file is an error; only ``model`` may be another name than the file's.

    Raises
    ------
    UsageError
        If the file's suffix is of no known format.
    DataError
        If the file is unreadable, truncated, or holds pickled objects.
    PredictionError
        If fields are missing, undeclared, contradictory or of the wrong type; it carries
        every finding.
    """
    path = Path(path)
    if strange := ({*declared, *(defaults or {})} - {*NAMES}):
        raise unknown_name("declaration", min(strange), NAMES)
    if path.suffix.lower() == ".json" and path.is_file():
        raise UsageError(
            f"{path}: is JSON, as scores are, and no prediction file; `teaeval table` shows scores"
        )
    file = open_arrays(path)
    fields: dict[str, Any] = {
        name: file.stated(aliases, CANONICAL.get(name)) for name, aliases in TEXTS.items()
    }
    said = _said(file, fields, declared, defaults or {})
    keys = {name: said.get(f"{name}_key") for name in KEYS}
    names, problems = _names_of(file, keys)
    fields |= _arrays(file, names, in_memory)
    if "energy" in fields and fields["energy"].shape[:1] == (0,):
        raise file.error("holds no frames: what should have written them wrote none")
    stale = StaleUnits.of(file, names, fields)
    if stale.stated:  # as if the file stated no units
        fields |= dict.fromkeys(stale.stated)
        said = _said(file, fields, declared, defaults or {})
    conventions = {**file.conventions, **dict.fromkeys(stale.stated), **stale.conventions}
    undeclared = _declare(fields, said, conventions)
    problems = [stale.explained(item) for item in undeclared] + problems
    problems += convert_numbers(fields) + _names(fields)
    if problems:
        raise PredictionError(str(path), problems)
    return _converted(path, fields, said, hashing(path), stale.warnings(said))


def _said(
    file: ArrayFile, fields: Mapping[str, Any], declared: Declarations, defaults: Declarations
) -> dict[str, str]:
    """What the caller says of this file: what was declared, and the defaults that it needs."""
    given: dict[str, Any] = dict(declared)
    for name, value in defaults.items():
        key = name.endswith("_key")
        if given.get(name) is None and (value in file.names if key else fields[name] is None):
            given[name] = value
    return {name: value for name, value in given.items() if value is not None}


def _scaled(values: Any, factor: float) -> Any:
    """Multiply values, in memory or still in the file, by a factor."""
    # NumPy makes a product of no dimension a scalar
    return values * factor if isinstance(values, StoredArray) else np.asarray(values * factor)


def _converted(
    path: Path,
    fields: Mapping[str, Any],
    options: Mapping[str, str],
    digest: Callable[[], str],
    findings: Sequence[Finding],
) -> Prediction:
    """Make the prediction in kcal/mol and Å from fields in the file's units."""
    energy = units.energy_factor(fields["energy_unit"])
    length = units.length_factor(fields["length_unit"])
    return Prediction(
        dataset=fields["dataset"],
        subset=fields["subset"],
        energies=_scaled(fields["energy"], energy),
        forces=_scaled(fields["forces"], energy / length),
        frame_ids=fields.get("frame_id"),
        positions=_scaled(fields["positions"], length) if "positions" in fields else None,
        numbers=fields.get("numbers"),
        model=fields["model"],
        train=fields["train"],
        record=fields["record"],
        source={
            "path": str(path),
            "energy_unit": units.energy_unit(fields["energy_unit"]),
            "length_unit": units.length_unit(fields["length_unit"]),
        },
        digest=digest,
        options=options,
        findings=tuple(findings),
    )
