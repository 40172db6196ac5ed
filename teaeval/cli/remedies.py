"""The command that goes on after an error, complete, to be copied."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from teadata.arrays import open_arrays
from teadata.errors import TeaError
from teadata.layouts import layout_of
from teadata.output import command_line
from teaeval.predictions.declaring import NAMES, REFERENCE_NAMES, option
from teaeval.predictions.findings import Finding, PredictionError

EXAMPLES = {
    "dataset": "mini-i",
    "subset": "folded",
    "energy_unit": "eV",
    "length_unit": "Å",
    "reference_energy_unit": "eV",
    "reference_length_unit": "Å",
}
"""What a command that is to be copied has in place of what only the caller knows."""

UNITS = {
    "energy_unit": "energy_unit",
    "length_unit": "length_unit",
    "reference_energy_unit": "energy_unit",
    "reference_length_unit": "length_unit",
}
"""Declarations that the layout of a file suggests, and what each is called there."""

KEYS = {
    "missing-energy": "energy_key",
    "missing-forces": "forces_key",
    "missing-reference-energy": "reference_energy_key",
    "missing-reference-forces": "reference_forces_key",
}
"""Findings that an option mends which names an array of the file."""


def given() -> list[str]:
    """The command that was given to this process."""
    return [Path(sys.argv[0]).name, *sys.argv[1:]]


def told(error: TeaError) -> str:
    """An error as the command that was given prints it, with the one that goes on, if known."""
    if not isinstance(error, PredictionError):
        return error.told()
    further = of_findings(error.source, error.findings, given())
    return f"{error.told(options_of(given()))}\n{further}".rstrip("\n")


def options_of(command: Sequence[str]) -> frozenset[str]:
    """The options that a command has: its program's name first, then the words that name it."""
    from teaeval.cli import app

    words = list(command[1:])
    found: Any = typer.main.get_command(command_line.narrowed(app, words))
    while words and (below := getattr(found, "commands", {}).get(words.pop(0))) is not None:
        found = below
    return frozenset(name for parameter in found.params for name in parameter.opts)


def of_findings(file: str, findings: Sequence[Finding], command: Sequence[str]) -> str:
    """The command that goes on after findings about a file.

    Parameters
    ----------
    file
        The prediction file.
    findings
        What is wrong with it.
    command
        The command that was given, its name first.
    """
    missing = list(_missing(findings))
    if missing:
        missing, why = _as_its_layout(file, _as_likely(file, missing, command))
        lines = _going_on(file, [part for pair in missing for part in pair], command)
        return "\n  ".join(
            [f"to go on, with what is true of your file{why}:", *lines] if lines else []
        )
    remedies = " ".join(item.remedy for item in findings if item.severity == "error")
    fixes = set(re.findall(r"--fix ([\w-]+)", remedies))
    forces = re.findall(rf"{option('force_unit')} ([^\s)]+)", remedies)[:1]
    if not fixes and not forces:
        return ""
    told = "to go on"
    if ("units" in fixes or forces) and any(word.startswith("--reference") for word in command):
        told += ", if the unit of the reference is right"
    elif forces:
        told += ", if it is true of your file"
    if forces:  # that is the unit, and needs no fix
        fixes.discard("units")
    whole = ["teaeval", "score", file, *_declared(command)]
    whole += [part for unit in forces for part in (option("force_unit"), unit)]
    whole += [part for name in sorted(fixes) for part in ("--fix", name)]
    return f"{told}:\n  {_joined(whole)}"


def _going_on(file: str, said: list[str], command: Sequence[str]) -> list[str]:
    """The command with what it lacks, or what declares that before it is repeated."""
    if options_of(command).issuperset(said[::2]):
        return [_joined([*command, *said])]
    if any(flag in said for flag in map(option, REFERENCE_NAMES)):
        return []  # no command writes what is beside a reference
    known = _declared(command, NAMES)
    return [
        _joined(["teaeval", "declare", file, "-o", f"{file}.yaml", *known, *said]),
        _joined(command),
    ]


def _missing(findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    """Options that say what the file does not, with an example of each."""
    for item in findings:
        name = item.code.removeprefix("undeclared-")
        if name in EXAMPLES:
            yield option(name), EXAMPLES[name]
        elif item.code in KEYS:
            yield option(KEYS[item.code]), "NAME"


def _as_likely(
    file: str, missing: list[tuple[str, str]], command: Sequence[str]
) -> list[tuple[str, str]]:
    """The options with the dataset and subset whose frames are such as the file's, if known."""
    if option("subset") not in dict(missing):
        return missing
    from teaeval.cli.fitting import likely

    words = list(_declared(command))
    said = dict(zip(words[::2], words[1::2], strict=False)).get(option("dataset"))
    found = likely(file, said)
    values = {} if found is None else dict(zip(("dataset", "subset"), found, strict=True))
    example = {option(name): value for name, value in (EXAMPLES | values).items()}
    return [(flag, example.get(flag, value)) for flag, value in missing]


def _as_its_layout(file: str, missing: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], str]:
    """The options with the units of the layout that a file is in, and why these, if it is known."""
    flags = {option(name): kind for name, kind in UNITS.items()}
    if not {flag for flag, _ in missing} & {*flags}:
        return missing, ""
    try:
        layout = layout_of(open_arrays(Path(file)).names)
    except TeaError:
        layout = None
    if layout is None:
        return missing, ""
    values = {flag: getattr(layout, kind) for flag, kind in flags.items()}
    why = f", whose arrays are named as those of {layout.origin} in {layout.energy_unit} and "
    return [(flag, values.get(flag, value)) for flag, value in missing], why + layout.length_unit


def _declared(
    command: Sequence[str], names: Sequence[str] = (*NAMES, *REFERENCE_NAMES)
) -> Iterator[str]:
    """The declarations among the options of a command."""
    flags = set(map(option, names))
    for n, part in enumerate(command):
        if part in flags and n + 1 < len(command):
            yield from command[n : n + 2]
        elif part.partition("=")[0] in flags:
            yield part


def _joined(command: Sequence[str]) -> str:
    return " ".join(part if part.isalpha() else shlex.quote(part) for part in command)
