"""Read prediction files: npz, HDF5, Zarr, parquet, extended XYZ, ASE's formats.

Required in a file: ``energy`` (N,), ``forces`` (N, A, 3), ``dataset``, ``subset``,
``energy_unit``, ``length_unit``, and the frames they are for, as ``frame_id`` (N,) or
``positions`` (N, A, 3).  What a file does not say, the caller must; nothing is guessed.  Forces
are in energy unit per length unit, unless ``force_unit`` says another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from teadata import units
from teadata.arrays import IN_MEMORY, ArrayFile, open_arrays
from teadata.arrays.images import ImageFile
from teadata.arrays.systems import by_system
from teadata.errors import UsageError
from teadata.locations import Location, RemoteFile, location
from teaeval.predictions import sidecar
from teaeval.predictions.declaring import Declarations, check_known
from teaeval.predictions.fields import (
    ARRAYS,
    KEYS,
    kept,
    names_of,
    read_arrays,
    scaled,
    unidentified,
)
from teaeval.predictions.findings import Finding, PredictionError
from teaeval.predictions.numeric import convert_numbers
from teaeval.predictions.prediction import Prediction
from teaeval.predictions.stale_units import StaleUnits
from teaeval.predictions.stated import (
    CANONICAL,
    TEXTS,
    UNITS,
    check_names,
    check_units,
    combine,
    combine_authors,
    sayings,
)

AnyFile = Location | str
"""A file of this machine, or its address on an object store."""


def read_prediction(
    path: AnyFile,
    *,
    in_memory: int = IN_MEMORY,
    defaults: Declarations | None = None,
    **declared: Unpack[Declarations],
) -> Prediction:
    """Read a prediction file and convert it to kcal/mol and Å.

    Parameters
    ----------
    path
        A file in a format of :func:`teadata.arrays.open_arrays`, of this machine or an object
        store: ``s3://bucket/file.zarr``.
    in_memory
        Forces and positions of more bytes than this stay in a file that is HDF5 or Zarr, and are
        read in pieces.
    defaults
        What is taken where the file says nothing, such as the units of those of several files
        that state none.
    **declared
        What the file does not state itself, see
        :class:`~teaeval.predictions.declaring.Declarations`.  Stating something else than the
        file is an error; only ``model`` may be another name than the file's.  It goes before what
        ``<file>.yaml`` beside the file says, which is taken in the same way.

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
    path = location(path, "the path or the address of a prediction file")
    declared, whose = sidecar.joined(path, declared)
    file, fields, said = _opened(path, defaults, declared)
    found, names, problems = _read(file, said, in_memory)
    fields |= found
    if "energy" in fields and fields["energy"].shape[:1] == (0,):
        raise file.error("holds no frames: what should have written them wrote none")
    stale = StaleUnits.of(file, names, fields)
    said = _without(stale, fields, file, (defaults, declared), said)
    undeclared = combine(fields, said, _conventions(stale, file), whose=whose)
    problems = [stale.explained(item) for item in undeclared] + problems
    problems += combine_authors(fields, said, whose)
    problems += convert_numbers(fields) + check_names(fields)
    if problems:
        raise PredictionError(str(path), problems)
    return _converted(
        path, fields, names, said, digest=file.hashing(), findings=stale.warnings(said)
    )


def read_predictions(
    path: AnyFile,
    *,
    in_memory: int = IN_MEMORY,
    defaults: Declarations | None = None,
    **declared: Unpack[Declarations],
) -> list[Prediction]:
    """Read a prediction file for a comparison with another file: a prediction of each system.

    As :func:`read_prediction`, but the images of a file may have different atoms, and dataset
    and subset need not be known.
    """
    path = location(path, "the path or the address of a prediction file")
    declared, whose = sidecar.joined(path, declared)
    file, fields, said = _opened(path, defaults, declared)
    parts: list[ArrayFile] = [file]
    if isinstance(file, ImageFile):
        parts = list(by_system(file, kept(ARRAYS, said)))
    digest, read = file.hashing(), [_read(part, said, in_memory) for part in parts]
    stale = StaleUnits.of(file, read[0][1], fields)
    said = _without(stale, fields, file, (defaults, declared), said)
    undeclared = combine(fields, said, _conventions(stale, file), UNITS, whose=whose)
    problems = [stale.explained(item) for item in undeclared] + combine_authors(fields, said, whose)
    problems += check_units(fields, UNITS)
    fields |= {name: fields[name] or "" for name in ("dataset", "subset")}
    systems = []
    for found, names, wrong in read:
        if "energy" in found and found["energy"].shape[:1] == (0,):
            raise file.error("holds no frames: what should have written them wrote none")
        systems.append((fields | found, names))
        wrong = wrong + convert_numbers(systems[-1][0])
        problems += [item for item in wrong if item not in problems]
    if problems:
        raise PredictionError(str(path), problems)
    findings = stale.warnings(said)
    return [
        _converted(path, each, names, said, digest=digest, findings=findings)
        for each, names in systems
    ]


def _without(
    stale: StaleUnits,
    fields: dict[str, Any],
    file: ArrayFile,
    declarations: tuple[Declarations | None, Declarations],
    said: dict[str, str],
) -> dict[str, str]:
    """Forget units that the file states of other labels; give what the caller says then."""
    if not stale.stated:
        return said
    fields |= dict.fromkeys(stale.stated)
    return sayings(file, fields, declarations[1], declarations[0] or {})


def _conventions(stale: StaleUnits, file: ArrayFile) -> dict[str, str | None]:
    """What holds of units that neither the file nor the caller says."""
    return {**file.conventions, **dict.fromkeys(stale.stated), **stale.conventions}


def _opened(
    path: Location, defaults: Declarations | None, declared: Declarations
) -> tuple[ArrayFile, dict[str, Any], dict[str, str]]:
    """The file, what it states as text, and what the caller says of it."""
    check_known([*declared, *(defaults or {})])
    if path.suffix.lower() == ".json" and (isinstance(path, RemoteFile) or path.is_file()):
        raise UsageError(
            f"{path}: is JSON, as scores are, and no prediction file; `teaeval table` shows scores"
        )
    file = open_arrays(path)
    fields: dict[str, Any] = {
        name: file.stated(aliases, CANONICAL.get(name)) for name, aliases in TEXTS.items()
    }
    return file, fields, sayings(file, fields, declared, defaults or {})


def _read(
    file: ArrayFile, said: Mapping[str, str], in_memory: int
) -> tuple[dict[str, Any], dict[str, str], list[Finding]]:
    """The arrays under our names, their names in the file, and what is wrong with those."""
    names, problems = names_of(file, {name: said.get(f"{name}_key") for name in KEYS})
    return read_arrays(file, names, in_memory), names, problems + unidentified(names)


def _converted(
    path: Location,
    fields: Mapping[str, Any],
    names: Mapping[str, str],
    options: Mapping[str, str],
    *,
    digest: Callable[[], str],
    findings: Sequence[Finding],
) -> Prediction:
    """Make the prediction in kcal/mol and Å from fields in the file's units."""
    stated = units.UnitSystem.stated(fields)
    factors = stated.factors
    declared = {} if fields["force_unit"] is None else {"force_unit": stated.force}
    return Prediction(
        dataset=fields["dataset"],
        subset=fields["subset"],
        energies=scaled(fields["energy"], factors["energies"]),
        forces=scaled(fields["forces"], factors["forces"]),
        frame_ids=fields.get("frame_id"),
        positions=scaled(fields["positions"], factors["positions"])
        if "positions" in fields
        else None,
        numbers=fields.get("numbers"),
        model=fields["model"],
        train=fields["train"],
        record=fields["record"],
        source={
            "path": str(path),
            "energy_unit": stated.energy,
            "length_unit": stated.length,
            **declared,
            "energy_key": names["energy"],
            "forces_key": names["forces"],
        },
        digest=digest,
        options=options,
        findings=tuple(findings),
    )
