"""Advice on predictions in the words of who reads it.

Findings name the options of ``teaeval score``, and records keep them so.  Whoever calls a function
reads its arguments instead; a command without these options, and a submission, say where the same
is declared.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from teadata.errors import UsageError
from teaeval.predictions.declaring import NAMES, SPELLED, option

OWN_LABELS = "; or give your own labels with --reference FILE"
"""What is added where a dataset is missing."""

OPTION = re.compile(r"(pass |the option |)--([a-z]+(?:-[a-z]+)*)")
"""An option, and the words before it that belong to it."""

DECLARED = frozenset(map(option, NAMES))
"""The options that declare something of a prediction file."""

OF_A_SUBMISSION = frozenset(NAMES) - {"energy_key", "forces_key", "model"}
"""What a submission says of a prediction, below its file."""


class SpokenError(UsageError):
    """A mistake that Python and commands name differently.

    Parameters
    ----------
    python, command
        What is wrong, with arguments, and with options.
    """

    def __init__(self, python: str, command: str) -> None:
        super().__init__(python)
        self._command = command

    def __reduce__(self) -> tuple[type[SpokenError], tuple[str, str]]:
        return type(self), (str(self), self._command)

    def told(self) -> str:
        """The error as a command prints it."""
        return self._command


def for_python(text: str) -> str:
    """Advice in the words of Python: arguments in place of options."""
    text = text.replace(
        OWN_LABELS, "; or score it against your own labels: teaeval.score(FILE, reference=LABELS)"
    )
    text = re.sub(r"(?:teaeval score )?--fix ([\w-]+)", r'teaeval.score(…, fixes=["\1"])', text)
    text = re.sub(r"(?:teaeval score )?--allow-failed", "teaeval.score(…, allow_failed=True)", text)
    text = re.sub(r"--((?:\w+-)?(?:energy|length|force)-unit) ([^\s,;.)]+)", _with_unit, text)
    text = re.sub(r"--dataset ([\w.-]+@[\w.]+)", r'dataset="\1"', text)
    text = re.sub(r"(pass |the option |)--reference-([\w-]+)", _of_reference, text)
    return OPTION.sub(_argument, text)


def _with_unit(found: re.Match[str]) -> str:
    """An argument with its unit, where what follows an option is one."""
    name = found[1].replace("-", "_")
    own = name.removeprefix("reference_")
    try:
        SPELLED[own](found[2])
    except (KeyError, UsageError):
        return found[0]
    where = " of teaeval.read_reference" if own != name else ""
    return f'{own}="{found[2]}"{where}'


def _of_reference(found: re.Match[str]) -> str:
    name = found[2].replace("-", "_")
    if found[1] == "pass ":
        return f"pass {name} to teaeval.read_reference"
    return f"{'the argument ' if found[1] else ''}{name} of teaeval.read_reference"


def _argument(found: re.Match[str]) -> str:
    name = found[2].replace("-", "_")
    if found[1] == "pass ":
        return f"pass {name}, which teaeval.score and teaeval.read_prediction take"
    return f"{'the argument ' if found[1] else ''}{name}"


def for_command(text: str, options: Collection[str]) -> str:
    """Advice in the words of a command that has these options.

    What it cannot be told is declared by ``teaeval declare``, or in a file beside that of the
    labels.
    """
    if "--reference" not in options:
        text = text.replace(OWN_LABELS, "")

    def said(found: re.Match[str]) -> str:
        name = f"--{found[2]}"
        if name in options:
            return found[0]
        if name in DECLARED:
            return f"{found[0]} {'to' if found[1] == 'pass ' else 'of'} `teaeval declare`"
        if name.startswith("--reference-"):
            line = found[2].removeprefix("reference-").replace("-", "_")
            verb = "write " if found[1] == "pass " else ""
            return f"{verb}the line `{line}: …` of a file beside it, its name and .yaml"
        return found[0]

    return OPTION.sub(said, text)


def for_submission(text: str) -> str:
    """Advice in the words of ``submission.yaml``, which says what a prediction does not."""

    def said(found: re.Match[str]) -> str:
        name = found[2].replace("-", "_")
        if name not in OF_A_SUBMISSION:
            return found[0]
        verb = "write " if found[1] == "pass " else ""
        return f"{verb}the line `{name}: …` below it in submission.yaml"

    return for_command(OPTION.sub(said, text.replace(OWN_LABELS, "")), ())
