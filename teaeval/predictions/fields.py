"""Find the arrays of a file of energies and forces under the names that they have there."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from teadata.arrays import IN_MEMORY, ArrayFile, SeekableFile, StoredArray, StoredInts
from teadata.arrays.images import ImageFile
from teadata.typing import Array
from teaeval.predictions.findings import Finding
from teaeval.predictions.numeric import listed_numbers

ARRAYS = {
    "energy": ("energy", "energies", "E", "MACE_energy"),
    "forces": ("forces", "F", "MACE_forces"),
    "frame_id": ("frame_id", "frame_ids", "ids"),
    "positions": ("positions", "R", "pos", "coords"),
    "numbers": ("numbers", "z", "atomic_numbers", "nuclear_charges"),
}
"""Names under which each array is found: ours, then sGDML's, MACE's and rMD17's."""

Names = Mapping[str, Sequence[str]]
"""Names under which each array is found."""

KEYS = {"energy": "--energy-key", "forces": "--forces-key"}
"""The option that names an array of the file."""

ROWS = 4096
"""Number of frames read at a time."""


def names_of(
    file: ArrayFile,
    keys: Mapping[str, str | None],
    known_names: Names = ARRAYS,
    flags: Mapping[str, str] = KEYS,
) -> tuple[dict[str, str], list[Finding]]:
    """Find the file's name of each array; report names that are missing or ambiguous.

    Parameters
    ----------
    file
        The file.
    keys
        The names that the caller says.
    known_names
        Names under which each array is looked for otherwise.
    flags
        The option by which the caller can say each name.
    """
    known: dict[str, str] = {}
    problems = []
    there = ", ".join(sorted(file.names)) or "(none)"
    for name, aliases in known_names.items():
        if (key := keys.get(name)) is not None:
            aliases = (key,)
        present = _of_one_meaning(file, name, [a for a in aliases if a in file.names])
        if len(present) == 1:
            known[name] = present[0]
        elif present:
            option = f", or say which with {flags[name]}" if name in flags else ""
            problems.append(
                Finding.error(
                    "ambiguous-field",
                    expected=f"one array for {name}",
                    found=" and ".join(present),
                    remedy=f"keep only {present[0]}{option}",
                )
            )
        elif name in flags:
            problems.append(
                Finding.error(
                    "missing-" + flags[name][2:].removesuffix("-key"),
                    expected=f"an array under one of {', '.join(aliases)}",
                    found=f"arrays {there}",
                    remedy=f"save them under {name!r}, or name their array with {flags[name]}",
                )
            )
    return known, problems


def kept(known_names: Names, said: Mapping[str, str]) -> Callable[[str], bool]:
    """Which of a file's arrays are needed: those under known names, or names that were said."""
    wanted = {alias for aliases in known_names.values() for alias in aliases}
    wanted |= {name for key, name in said.items() if key.endswith("_key")}
    return wanted.__contains__


def unidentified(known: Collection[str]) -> list[Finding]:
    """Report frames that nothing says which they are."""
    if {"frame_id", "positions"} & set(known):
        return []
    return [
        Finding.error(
            "unidentified-frames",
            expected="frame_id (N,) or positions (N, A, 3)",
            found="neither",
            remedy="save the ids of the test frames (Frames.ids) as frame_id",
        )
    ]


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


def read_arrays(file: ArrayFile, names: Mapping[str, str], in_memory: int) -> dict[str, Any]:
    """Read the arrays under our names, those with a row per frame in one pass if possible.

    Forces and positions of more bytes than `in_memory` stay in the file, and energies and ids
    beside them: of small molecules there may be so many that they take much memory, too.
    """
    loaded: dict[str, Any] = {
        name: StoredArray.of(file, names[name])
        for name in ("forces", "positions")
        if name in names and isinstance(file, SeekableFile) and _large(file, names[name], in_memory)
    }
    if loaded and isinstance(file, SeekableFile):
        loaded |= _beside(file, names)
    rows = {name: key for name, key in names.items() if name not in {"numbers", *loaded}}
    if not isinstance(file, SeekableFile) and _aligned(file, list(rows.values())):
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


def _beside(file: SeekableFile, names: Mapping[str, str]) -> dict[str, StoredArray | StoredInts]:
    """Energies and ids that stay in the file, where they are numbers that always convert."""
    left: dict[str, StoredArray | StoredInts] = {}
    shapes = {name: file.shape(names[name]) for name in ("energy", "frame_id") if name in names}
    kinds = {name: file.dtype(names[name]) for name in shapes}
    one_each = shapes.get("energy", ())[:1] and shapes["energy"][1:] in ((), (1,))
    if one_each and kinds["energy"].kind in "iuf":
        left["energy"] = StoredArray.of(file, names["energy"], ())
    if "frame_id" in shapes and len(shapes["frame_id"]) == 1 and _exact(kinds["frame_id"]):
        left["frame_id"] = StoredInts.of(file, names["frame_id"])
    return left


def _exact(kind: np.dtype[Any]) -> bool:
    """Whether every value of a type is an integer of 64 bits."""
    return kind.kind in "iu" and np.can_cast(kind, np.int64)


def _aligned(file: ArrayFile, names: Sequence[str]) -> bool:
    """Whether arrays are plain numbers with the same number of rows."""
    if isinstance(file, ImageFile):  # by construction; to ask for a shape reads the file
        return True
    shapes = [file.shape(name) for name in names]
    plain = all(file.dtype(name).kind in "iuf" for name in names)
    return plain and all(shapes) and len({shape[0] for shape in shapes}) == 1 and shapes[0][0] > 0


def scaled(values: Any, factor: float) -> Any:
    """Multiply values, in memory or still in the file, by a factor."""
    # NumPy makes a product of no dimension a scalar
    return values * factor if isinstance(values, StoredArray) else np.asarray(values * factor)
