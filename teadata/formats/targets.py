"""What programs that train on frames read: their formats, units and names.

Every one of them was tried: see docs/formats.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from teadata import formats
from teadata.arrays import suffix_of
from teadata.errors import UsageError, unknown_name
from teadata.formats.layout import NOTHING, converted
from teadata.frames import Frames
from teadata.units import ASE, INSIDE, UnitSystem


@dataclass(frozen=True)
class Target:
    """A program, and how frames are written for it.

    Parameters
    ----------
    title
        Name of the program.
    suffixes
        Suffixes of its files, the usual one first; none for a folder.
    note
        What its user has to know.
    options
        Options of the writer.
    """

    title: str
    suffixes: tuple[str, ...] = (".xyz", ".extxyz")
    note: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


TARGETS = {
    "ase": Target("ASE", (".xyz", ".extxyz", ".xyz.gz", ".extxyz.gz")),
    "mace": Target(
        "MACE",
        note="No isolated atoms are in it, because the dataset has none: pass --E0s=average to "
        "mace_run_train, or the energies of your own atoms. Its keys are MACE's defaults, "
        "REF_energy and REF_forces.",
        options={"prefix": "REF_"},
    ),
    "nequip": Target("NequIP"),
    "deepmd": Target("DeePMD-kit", (), note="README.txt in it states the units."),
}
"""The programs that frames can be written for; all of them take eV and Å."""


def target(name: str) -> Target:
    """Look up a program.

    Raises
    ------
    UsageError
        If frames are not written for it.
    """
    if name not in TARGETS:
        raise unknown_name("program", name, TARGETS)
    return TARGETS[name]


def check(name: str, path: Path, units: UnitSystem | None, format_name: str | None) -> None:
    """Refuse a path, units or a format that a program does not read.

    Raises
    ------
    UsageError
        If it does not.
    """
    known = target(name)
    if units is not None and units != ASE:
        raise UsageError(
            f"{known.title} takes eV and Å, found {units.energy} and {units.length}: leave the "
            f"units out, or --for {name}"
        )
    if format_name is not None:
        raise UsageError(f"--for {name} says the format; leave --format {format_name} out")
    suffix = suffix_of(path)
    if known.suffixes and suffix not in known.suffixes:
        raise UsageError(
            f"{path}: {known.title} reads extended XYZ, expected a name that ends on "
            f"{' or '.join(known.suffixes)}"
        )
    if not known.suffixes and suffix in formats.SUFFIXES:
        raise UsageError(
            f"{path}: {known.title} reads a folder of arrays, expected a name without {suffix}"
        )


def write(
    path: Path,
    frames: Frames,
    name: str,
    *,
    title: str = "frames",
    theory: str = "unknown",
    texts: Mapping[str, str] = NOTHING,
) -> None:
    """Write frames for a program, in eV and Å.

    Parameters
    ----------
    path
        File or folder to write.
    frames
        What to write, in kcal/mol and Å.
    name
        One of :data:`TARGETS`.
    title, theory, texts
        Name of the data, level of theory, and what else the file is to state.

    Raises
    ------
    UsageError
        If the program does not read such a path.
    DataError
        If its format cannot hold these frames, or the file cannot be written.
    """
    check(name, path, None, None)
    known = target(name)
    writer: Callable[..., None]
    if known.suffixes:
        from teadata.formats.extxyz import write as writer
    else:
        from teadata.formats.deepmd import write as writer
    writer(
        path,
        converted(frames, ASE),
        name=title,
        theory=theory,
        units=ASE,
        texts=texts,
        **known.options,
    )


def misread(path: Path, format_name: str | None, units: UnitSystem = INSIDE) -> str:
    """What readers of a file will take its numbers for, if they do not ask; empty if they do."""
    if (format_name or formats.format_of(path)) != "extxyz" or units == ASE:
        return ""
    return (
        f"{path} is in {units.energy} and {units.length}, as its energy_unit and length_unit say, "
        "but ASE and the programs that read through it take every extended XYZ for eV and Å; "
        "for those write it with --for ase, mace or nequip, or in eV and Å"
    )
