"""Findings, each a problem of a prediction, and the error that carries all of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from teadata.errors import TeaError
from teaeval.predictions.wording import for_command, for_python

Evidence = float | int | str | tuple[int, ...]
"""One measured number, a name, or a list of indices, behind a finding."""

COLUMNS = ("severity", "code", "expected", "found", "remedy")
"""Headings of the rows that :func:`rows` gives."""


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
    evidence
        The numbers behind it by name, e.g. ``slope`` and ``r2``; docs/checks.md lists them.
    """

    severity: Literal["error", "warning"]
    code: str
    expected: str
    found: str
    remedy: str
    evidence: Mapping[str, Evidence] = field(default_factory=dict, hash=False)

    @classmethod
    def error(
        cls,
        code: str,
        *,
        expected: str,
        found: str,
        remedy: str,
        evidence: Mapping[str, Evidence] | None = None,
    ) -> Finding:
        """Make a finding that stops the scoring."""
        return cls("error", code, expected, found, remedy, evidence or {})

    @classmethod
    def warning(
        cls,
        code: str,
        *,
        expected: str,
        found: str,
        remedy: str,
        evidence: Mapping[str, Evidence] | None = None,
    ) -> Finding:
        """Make a finding that is kept in the score."""
        return cls("warning", code, expected, found, remedy, evidence or {})

    def __str__(self) -> str:
        return (
            f"[{self.code}] expected {self.expected}; found {self.found}. To mend it: {self.remedy}"
        )


def rows(findings: Iterable[Finding]) -> list[tuple[str, ...]]:
    """The cells of a table of findings, under :data:`COLUMNS`."""
    return [tuple(str(getattr(item, name)) for name in COLUMNS) for item in findings]


def as_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as dictionaries for JSON, with their evidence."""
    return [
        {name: getattr(item, name) for name in COLUMNS}
        | {
            "evidence": {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in item.evidence.items()
            }
        }
        for item in findings
    ]


def counted(findings: Iterable[Finding]) -> str:
    """How many errors and warnings there are: ``2 errors, 1 warning``; of none of a kind nothing.

    Empty if there are no findings.
    """
    counts = Counter(item.severity for item in findings)
    return ", ".join(
        f"{counts[kind]} {kind}" + "s" * (counts[kind] > 1)
        for kind in ("error", "warning")
        if kind in counts
    )


def codes(warnings: Iterable[str]) -> str | None:
    """The names of findings that a record keeps as text, each once; None if there are none."""
    coded = ((text, re.search(r"\[([\w-]+)\]", text)) for text in warnings)
    names = dict.fromkeys(found[1] if found else text.partition(":")[0] for text, found in coded)
    return f"[{', '.join(names)}]" if names else None


class PredictionError(TeaError):
    """A prediction cannot be scored; ``findings`` says everything that is wrong with it.

    Its text names arguments of Python; commands print :meth:`told`, with their options.
    """

    def __init__(self, source: str, findings: list[Finding]) -> None:
        self.source = source
        self.findings = findings
        super().__init__(self._text(for_python))

    def told(self, options: Collection[str] | None = None) -> str:
        """The error as a command says it; ``options`` are those that the command has."""
        return self._text(str if options is None else partial(for_command, options=options))

    def _text(self, worded: Callable[[str], str]) -> str:
        lines = (f"  {item.severity}: {worded(str(item))}" for item in self.findings)
        return "\n".join([f"{self.source}: {counted(self.findings)}; not scored", *lines])
