"""Reference files: labelled frames that predictions are compared with, instead of a dataset's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict, TypeGuard, Unpack

import numpy as np

from teadata.arrays import IN_MEMORY, ArrayFile, SeekableFile, StoredArray, open_arrays
from teadata.arrays.cells import other_form
from teadata.arrays.images import ImageFile
from teadata.arrays.systems import SystemImages, by_system
from teadata.elements import formula
from teadata.errors import unknown_name
from teadata.frames import Frames
from teadata.locations import Location, location
from teadata.lookup import Consecutive, Integers, follow
from teadata.stored_frames import AnyFrames, StoredFrames
from teadata.typing import Array, Ints
from teadata.units import UnitSystem
from teaeval.engines import slices
from teaeval.predictions import sidecar
from teaeval.predictions.fields import ARRAYS, kept, names_of, read_arrays, scaled
from teaeval.predictions.findings import Finding, PredictionError
from teaeval.predictions.numeric import convert_numbers
from teaeval.predictions.stale_units import StaleUnits
from teaeval.predictions.stated import CANONICAL, TEXTS, UNITS, check_units, combine, sayings

LABELS = {
    "energy": ("REF_energy", "ref_energy", "dft_energy", "DFT_energy"),
    "forces": ("force", "REF_forces", "ref_forces", "dft_forces", "DFT_forces"),
}
"""Further names of labels."""

NAMES = {name: (*aliases, *LABELS.get(name, ())) for name, aliases in ARRAYS.items()} | {
    "energy": ("energy", "energies", "E", *LABELS["energy"]),
    "forces": ("forces", "F", *LABELS["forces"]),
    "trajectory": ("trajectory", "trajectories"),
    "cell": ("cell",),
    "pbc": ("pbc",),
}
"""Names under which each array of a reference is found: no model's prediction among them."""

FLAGS = {"energy": "--reference-energy-key", "forces": "--reference-forces-key"}
"""The option that names an array of a reference."""

UNIT_FLAGS = {name: (f"--reference-{flag[2:]}", what) for name, (flag, what) in UNITS.items()}
"""The option that says a unit of a reference, and what it takes."""


class ReferenceDeclarations(TypedDict, total=False):
    """What can be said of a reference that the file does not state; None is the same as nothing."""

    energy_unit: str | None
    length_unit: str | None
    force_unit: str | None
    energy_key: str | None
    forces_key: str | None


@dataclass(frozen=True, eq=False)
class Reference:
    """Labelled frames of a file, in kcal/mol and Å.

    Parameters
    ----------
    path
        The file.
    systems
        Its frames, those with the same atoms in the same order together.  Their ids are the
        file's where ``identified``, else their places in the file.
    identified
        Whether the file states ids of its frames.
    energy_unit, length_unit, force_unit
        The units it is in.
    energy_key, forces_key
        Its names of the arrays.
    digest
        Gives the SHA-256 of the file, once it is computed.
    options
        What the caller said, since the file does not.
    """

    path: Location
    systems: list[AnyFrames]
    identified: bool
    energy_unit: str
    length_unit: str
    force_unit: str
    energy_key: str
    forces_key: str
    digest: Callable[[], str]
    options: Mapping[str, str]

    def __len__(self) -> int:
        return sum(len(frames) for frames in self.systems)

    def __repr__(self) -> str:
        return f"Reference({self.path.name}: {len(self)} frames of {', '.join(self.formulas)})"

    @property
    def formulas(self) -> list[str]:
        """Its compositions, in the order of the file."""
        return list(dict.fromkeys(formula(frames.numbers) for frames in self.systems))

    @property
    def labels(self) -> list[str]:
        """What each system is named: its formula, and a number where several have it."""
        each = [formula(frames.numbers) for frames in self.systems]
        counts, seen = Counter(each), Counter[str]()
        names = []
        for name in each:
            seen[name] += 1
            names.append(f"{name}/{seen[name]}" if counts[name] > 1 else name)
        return names


def read_reference(
    path: Location | str, *, in_memory: int = IN_MEMORY, **declared: Unpack[ReferenceDeclarations]
) -> Reference:
    """Read a file of labelled frames to compare predictions with, and convert it.

    Parameters
    ----------
    path
        A file in a format that predictions are read from; its images may have different atoms.
    in_memory
        Forces and positions of more bytes than this stay in a file that is HDF5 or Zarr.
    **declared
        What the file does not state itself: ``energy_unit``, ``length_unit``, ``force_unit`` where
        it is not energy per length, and its names of the arrays, ``energy_key`` and
        ``forces_key``.  Those that are not given are taken from the file beside it, if there is
        one: ``own.xyz.yaml`` of ``own.xyz``.

    Raises
    ------
    UsageError
        If the file's suffix is of no known format.
    DataError
        If the file is damaged, or holds the same id twice.
    PredictionError
        If fields are missing, undeclared, contradictory or of the wrong type; it carries
        every finding.
    """
    path = location(path, "the path or the address of a reference file")
    known = ReferenceDeclarations.__annotations__
    if strange := set(declared) - set(known):
        raise unknown_name("declaration", min(strange), known)
    file = open_arrays(path)
    fields: dict[str, Any] = {n: file.stated(TEXTS[n], CANONICAL.get(n)) for n in UNITS}
    given: Any = declared
    both, origins = sidecar.joined(path, given)
    given = {name: value for name, value in both.items() if name in known}
    whose = {name: origin for name, origin in origins.items() if name in known}
    said = sayings(file, fields, given, {})
    parts: list[ArrayFile] = [file]
    if isinstance(file, ImageFile):
        parts = list(by_system(file, kept(NAMES, said)))
    digest = file.hashing()
    read = [_read(part, said, in_memory) for part in parts]
    problems = _units(file, fields, said, read[0][1], whose)
    for _, _, wrong in read:
        problems += [item for item in wrong if item not in problems]
    if problems:
        raise PredictionError(str(path), problems)
    names, stated, found = read[0][1], UnitSystem.stated(fields), [item[0] for item in read]
    return Reference(
        path=path,
        systems=_systems(file, parts, found, stated),
        identified=_identified(found),
        energy_unit=stated.energy,
        length_unit=stated.length,
        force_unit=stated.force,
        energy_key=names["energy"],
        forces_key=names["forces"],
        digest=digest,
        options=said,
    )


def _identified(found: Sequence[dict[str, Any]]) -> bool:
    """Whether all parts of a file have ids of their frames."""
    return all("frame_id" in arrays for arrays in found)


def _systems(
    file: ArrayFile, parts: list[ArrayFile], found: list[dict[str, Any]], stated: UnitSystem
) -> list[AnyFrames]:
    """The frames of each system, converted and checked."""
    identified = _identified(found)
    systems = [
        _frames(part, stated, arrays, label, identified=identified)
        for part, arrays, label in zip(parts, found, _trajectories(file, found), strict=True)
    ]
    if not any(map(len, systems)):
        raise file.error("holds no frames: what should have written them wrote none")
    _check(file, systems)
    return systems


def _units(
    file: ArrayFile,
    fields: dict[str, Any],
    said: Mapping[str, str],
    names: Mapping[str, str],
    whose: Mapping[str, str],
) -> list[Finding]:
    """Find the units, in place; those that the file states of other labels do not count."""
    stale = StaleUnits.of(file, names, fields)
    fields |= dict.fromkeys(stale.stated)
    conventions = {**file.conventions, **dict.fromkeys(stale.stated)}
    undeclared = combine(fields, said, conventions, UNIT_FLAGS, whose=whose)
    why = "; the file states {} since it was exported, but its labels were written anew since then"
    for name, unit in stale.stated.items():
        undeclared = [
            replace(item, found=item.found + why.format(unit)) if item.code.endswith(name) else item
            for item in undeclared
        ]
    return undeclared + check_units(fields, UNIT_FLAGS)


def _read(
    file: ArrayFile, said: Mapping[str, str], in_memory: int
) -> tuple[dict[str, Any], dict[str, str], list[Finding]]:
    """The arrays under our names, their names in the file, and what is wrong with them."""
    names, problems = names_of(file, {n: said.get(f"{n}_key") for n in FLAGS}, NAMES, FLAGS)
    needed = {
        "positions": "the geometries that were computed",
        "numbers": "the atomic numbers, in the order of the atoms",
    }
    problems += [
        Finding.error(
            f"missing-{name}",
            expected=f"an array under one of {', '.join(NAMES[name])}",
            found=f"arrays {', '.join(sorted(file.names))}",
            remedy=f"save {what}, as {name!r}",
        )
        for name, what in needed.items()
        if name not in names and not (name == "numbers" and name in file.attributes)
    ]
    beside = {name: names.pop(name) for name in ("trajectory", "cell", "pbc") if name in names}
    found = read_arrays(file, names, in_memory)
    forces = found.get("forces")
    found |= {
        name: StoredArray.of(file, key)
        if isinstance(forces, StoredArray) and name == "cell" and _of_each(file, key, len(forces))
        else file.whole(key)
        for name, key in beside.items()
    }
    if "numbers" in found and found["numbers"].ndim == 2:
        found["numbers"] = _of_all(file, found["numbers"])
    problems += convert_numbers(found)
    return found, names, problems or _shapes(found)


def _of_each(file: ArrayFile, key: str, count: int) -> TypeGuard[SeekableFile]:
    """Whether an array of a file that rows are read from is a cell of each of `count` frames."""
    if not isinstance(file, SeekableFile):
        return False
    return file.shape(key) == (count, 3, 3) and file.dtype(key).kind in "iuf"


def _of_all(file: ArrayFile, numbers: Array) -> Array:
    """The one row of atomic numbers (N, A) that are the same for all frames."""
    if (numbers != numbers[:1]).any():
        raise file.error(
            "its frames have different atoms, in one array; write them as extended XYZ, where each "
            "frame has its own"
        )
    first: Array = numbers[0]
    return first


def _periodic(file: ArrayFile, stated: Array, count: int) -> Array:
    """(3,) flags of the directions that are periodic: one, three, or three of each frame alike."""
    shapes = (), (1,), (3,), (1, 3), (count, 3)
    if stated.shape not in shapes or not np.isin(stated, (0, 1)).all():
        raise file.error(
            "pbc: expected a flag, true or false, for each of three directions, or three for each "
            f"of {count} frames; found {stated.dtype} of shape {stated.shape}"
        )
    flags = np.atleast_2d(stated)
    differ = np.flatnonzero((flags != flags[:1]).any(1))
    if len(differ):
        raise file.error(
            f"frames 0 and {differ[0]} differ in pbc; a reference has the same for all its frames: "
            "write those of each kind into a file of their own"
        )
    of_all: Array = np.broadcast_to(flags[0] != 0, 3)
    return of_all


def _shapes(found: Mapping[str, Any]) -> list[Finding]:
    """Report arrays whose shapes do not make frames."""
    count, atoms = len(found["positions"]), len(found["numbers"])
    expected = {"energy": (count,), "forces": (count, atoms, 3), "positions": (count, atoms, 3)}
    if "frame_id" in found:
        expected["frame_id"] = (count,)
    if "cell" in found and found["cell"].shape not in ((3, 3), (1, 3, 3)):  # one for all frames
        expected["cell"] = (count, 3, 3)
    return [
        Finding.error(
            f"shape-of-{name}",
            expected=f"shape {shape} for {count} frames of {atoms} atoms",
            found=f"shape {found[name].shape}",
            remedy=(name == "cell" and other_form(name, found[name], count))
            or f"save {name} with a row for each frame",
        )
        for name, shape in expected.items()
        if found[name].shape != shape
    ]


def _trajectories(file: ArrayFile, parts: list[dict[str, Any]]) -> list[Ints | None]:
    """Which trajectory each frame of each system is of, as numbers; None if that is not stated."""
    if not all("trajectory" in part for part in parts):
        return [None] * len(parts)
    stated: list[Array] = [part["trajectory"] for part in parts]
    for labels, part in zip(stated, parts, strict=True):
        if labels.shape != part["energy"].shape:
            raise file.error(
                f"expected one trajectory for each of {len(part['energy'])} frames, found shape "
                f"{labels.shape}"
            )
    # As texts only once each: those of all frames would take much memory.
    kinds = [np.unique(each if each.dtype.kind in "iu" else each.astype(str)) for each in stated]
    texts = np.unique(np.concatenate([kind.astype(str) for kind in kinds]))
    return [
        np.searchsorted(texts, kind.astype(str))[np.searchsorted(kind, each.astype(kind.dtype))]
        for kind, each in zip(kinds, stated, strict=True)
    ]


def _frames(
    file: ArrayFile,
    stated: UnitSystem,
    found: Mapping[str, Any],
    trajectories: Ints | None,
    *,
    identified: bool,
) -> AnyFrames:
    """The frames of a system in kcal/mol and Å, in memory or in their file."""
    factors = stated.factors
    count = len(found["energy"])
    places = file.places if isinstance(file, SystemImages) else Consecutive(0, count)
    cell = found.get("cell")
    if cell is not None:
        cell = scaled(cell, factors["cell"])
    if cell is not None and not isinstance(cell, StoredArray):  # one for all frames, or for each
        cell = np.broadcast_to(cell, (count, 3, 3))
    values: dict[str, Any] = {
        "numbers": found["numbers"],
        "positions": scaled(found["positions"], factors["positions"]),
        "energies": scaled(found["energy"], factors["energies"]),
        "forces": scaled(found["forces"], factors["forces"]),
        "cell": cell,
        "pbc": _periodic(file, found["pbc"], count) if "pbc" in found else (cell is not None,) * 3,
        "ids": found["frame_id"] if identified else places,
        "trajectories": trajectories,
    }
    if any(isinstance(values[name], StoredArray) for name in ("positions", "forces")):
        return StoredFrames(**values)
    return Frames(**values | {"ids": values["ids"][:]})


def _check(file: ArrayFile, systems: list[AnyFrames]) -> None:
    """Refuse ids that are there twice, and energies that are no numbers."""
    twice = _repeated([frames.ids for frames in systems])
    if len(twice):
        raise file.error(
            f"{len(twice)} frame ids are there more than once, the first is {twice[0]}; a "
            "reference has each frame once: keep one of each"
        )
    for frames in systems:
        parts = slices(len(frames), 1)
        bad = [part.start + np.flatnonzero(~np.isfinite(frames.energies[part])) for part in parts]
        rows = np.concatenate([np.empty(0, np.int64), *bad])
        if len(rows):
            raise file.error(
                f"the reference energy of {len(rows)} frames is NaN or infinite, the first in "
                f"frame {frames.ids[rows[:1]][0]}; leave those frames out"
            )


def _repeated(ids: Sequence[Integers]) -> Ints:
    """The ids that are there more than once, ascending."""
    if len(ids) == 1 and follow(ids[0]):
        return np.empty(0, np.int64)
    every = np.concatenate([some[:] for some in ids])
    every.sort()
    return np.unique(every[1:][every[1:] == every[:-1]])
