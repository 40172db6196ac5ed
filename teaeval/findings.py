"""Findings: what is wrong with a prediction, and the error that carries them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from teadata.errors import TeaError


@dataclass(frozen=True)
class Finding:
    """One problem of a prediction file.

    Parameters
    ----------
    severity
        An ``"error"`` stops the scoring, a ``"warning"`` is kept in the score.
    code
        Short name of the problem.
    expected, found, remedy
        What should be there, what is, and how to mend it.
    """

    severity: Literal["error", "warning"]
    code: str
    expected: str
    found: str
    remedy: str

    @classmethod
    def error(cls, code: str, *, expected: str, found: str, remedy: str) -> Finding:
        """A finding that stops the scoring."""
        return cls("error", code, expected, found, remedy)

    def __str__(self) -> str:
        return (
            f"[{self.code}] expected {self.expected}; found {self.found}. To mend it: {self.remedy}"
        )


class PredictionError(TeaError):
    """A prediction cannot be scored; ``findings`` says everything that is wrong with it."""

    def __init__(self, source: str, findings: list[Finding]) -> None:
        self.source = source
        self.findings = findings
        count = f"{len(findings)} problem" + "s" * (len(findings) > 1)
        super().__init__(
            "\n".join([f"{source}: {count}, not scored", *(f"  {item}" for item in findings)])
        )
