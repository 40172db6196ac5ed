"""The command that goes on after an error, complete, to be copied."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from teadata.errors import TeaError
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


def of_error(error: TeaError) -> str:
    """The command that goes on after an error of the one that was given; empty if unknown."""
    if not isinstance(error, PredictionError):
        return ""
    return of_findings(error.source, error.findings, given())


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
        missing = _as_likely(file, missing, command)
        whole = [*command, *(part for pair in missing for part in pair)]
        return f"to go on, with what is true of your file:\n  {_joined(whole)}"
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


def _declared(command: Sequence[str]) -> Iterator[str]:
    """The declarations among the options of a command."""
    flags = {option(name) for name in (*NAMES, *REFERENCE_NAMES)}
    for n, part in enumerate(command):
        if part in flags and n + 1 < len(command):
            yield from command[n : n + 2]
        elif part.partition("=")[0] in flags:
            yield part


def _joined(command: Sequence[str]) -> str:
    return " ".join(part if part.isalpha() else shlex.quote(part) for part in command)
