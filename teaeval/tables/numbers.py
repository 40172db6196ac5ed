"""Format numbers as text."""

from __future__ import annotations

from collections.abc import Iterable

OFFSET = "†"
"""Mark of errors of energies that are mostly a constant."""

OFFSET_NOTE = f"{OFFSET}: errors that are mostly a constant offset of the energies (energy-offset)"
"""What the mark says."""

SYSTEMS_NOTE = "; of several systems, to the lowest of its own"
"""Behind what energies are relative to, where a reference has several compositions."""


def offset_mark(quantity: str, warnings: Iterable[str]) -> str:
    """The mark of a quantity that the warnings say a constant offset spoils; else nothing."""
    spoilt = quantity == "E" and any("[energy-offset]" in text for text in warnings)
    return OFFSET if spoilt else ""


def of_labels(warnings: Iterable[str]) -> bool:
    """Whether a score's warnings say that the reference itself is in place of a prediction."""
    return any("[reference-itself]" in text for text in warnings)


def significant(value: float | None) -> str:
    """Format with three significant digits, as in the published tables; a dash for None."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    text = f"{value:.3g}"
    if "e" in text:
        return f"{float(text):.0f}" if 1 <= abs(value) < 1e6 else text
    digits = len(text.lstrip("-0.").replace(".", ""))
    if "." not in text and digits < 3:
        text += "."
    return text + "0" * max(0, 3 - digits) if "." in text else text


def span(limits: tuple[float, float] | None) -> str:
    """Format an interval; a dash for None."""
    return "–" if limits is None else " to ".join(map(significant, limits))
