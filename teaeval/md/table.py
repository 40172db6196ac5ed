"""Simulations as tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teadata import console
from teadata.output.text import inline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from teaeval.md.observed import Separation
    from teaeval.md.outcome import Outcome
    from teaeval.md.plan import Plan
    from teaeval.md.record import Simulations

COLUMNS = ("replica", "frame", "status", "ps", "stable ps", "K", "ns/day", "why")
RIGHT = ("replica", "frame", "ps", "stable ps", "K", "ns/day")


def _row(
    i: int,
    frame: int,
    status: str,
    time: float,
    stable: float,
    temperature: float | None,
    speed: float,
    why: str | None,
) -> tuple[str, ...]:
    warm = "–" if temperature is None else f"{temperature:.0f}"
    return (
        str(i),
        str(frame),
        status,
        f"{time:.2f}",
        f"{stable:.3f}",
        warm,
        f"{speed:.3g}",
        why or "",
    )


def print_outcomes(plan: Plan, outcomes: Sequence[Outcome]) -> None:
    """Print the outcome of each replica."""
    rows = [
        _row(
            i,
            replica.frame,
            outcome.status,
            outcome.time,
            outcome.stable_time,
            outcome.temperature,
            outcome.ns_per_day,
            outcome.failure.message if outcome.failure else None,
        )
        for i, (replica, outcome) in enumerate(zip(plan.replicas, outcomes, strict=True))
    ]
    title = f"{plan.name} on {plan.dataset} {plan.subset}"
    console.print_table(COLUMNS, rows, title=title, right=RIGHT)


def rows_of(record: Simulations) -> list[tuple[str, ...]]:
    """The cells of a record's table, under :data:`COLUMNS`."""
    return [
        _row(
            i,
            replica.frame,
            replica.status,
            replica.time,
            replica.stable_time,
            replica.temperature,
            replica.ns_per_day,
            replica.failure.message if replica.failure else None,
        )
        for i, replica in enumerate(record.replicas)
    ]


def lines_of(record: Simulations) -> list[str]:
    """The lines below a record's table."""
    by = "" if record.engine == "ase" else f", by {record.engine} {record.engine_version}"
    lines = [
        f"{record.conditions}{by}; {record.failed} of {len(record.replicas)} replicas unstable; "
        f"{record.stable_time:.2f} of {record.time:.2f} ps stable",
        _lasting(record),
    ]
    lines += [
        f"{item.what}: {item.place}, in {len(item.replicas)} of {len(record.replicas)} replicas, "
        f"first after {min(item.times):.3g} ps"
        for item in record.broken
    ]
    lines += [text for text in (record.unwatched, record.emptied) if text is not None]
    if (rg := record.gyration) is not None:
        error = "" if rg.error is None else f" ± {rg.error:.3f}"
        kelvin = rg.reference_temperature
        warm = " of a temperature that is not stated" if kelvin is None else f" at {kelvin:g} K"
        lines += [
            f"radius of gyration: {rg.mean:.3f}{error} Å ({rg.frames} frames after "
            f"{record.discard:g} ps), reference{warm} {rg.reference_mean:.3f} Å "
            f"({rg.reference_frames} frames)",
            f"distance of the distributions: Hellinger {_distance(rg.hellinger)}, Wasserstein "
            f"{_distance(rg.wasserstein)} Å",
        ]
        if kelvin is not None and kelvin != record.settings.temperature:
            lines.append(
                f"the reference is of {kelvin:g} K, the simulations of "
                f"{record.settings.temperature:g} K: the distance is of that difference too"
            )
    lines += [
        f"replica {i}: energy drift {d.slope:.3g} ± {d.error:.2g} kcal/mol/atom/ns over "
        f"{d.time:.2f} ps, residual {d.residual:.2g} kcal/mol/atom"
        for i, d in enumerate(replica.drift for replica in record.replicas)
        if d is not None
    ]
    unfitted = [str(i) for i, one in enumerate(record.replicas) if one.drift is None]
    if record.settings.thermostat == "none" and unfitted:
        lines.append(
            f"replica {', '.join(unfitted)}: no energy drift, of too few frames; simulate for "
            "longer, or with a shorter --interval"
        )
    return lines


def _lasting(record: Simulations) -> str:
    """Which share of the replicas lasts for how long, with its interval."""
    curve = record.survival
    share, low, high = curve.at(curve.followed)
    text = (
        f"survival: {share:.0%} of the replicas last {curve.followed:.4g} ps (Kaplan–Meier, 95 % "
        f"{low:.0%} to {high:.0%})"
    )
    return text if curve.median is None else f"{text}; half have failed after {curve.median:.3g} ps"


def _distance(apart: Separation) -> str:
    """A distance with its interval, and what halves of the reference are apart."""
    parts = []
    if apart.low is not None and apart.high is not None:
        parts.append(f"{apart.low:.3f} to {apart.high:.3f}")
    if apart.halves is not None and apart.halves_most is not None:
        parts.append(f"halves of the reference {apart.halves:.3f}, at most {apart.halves_most:.3f}")
    return f"{apart.value:.3f}" + (f" ({'; '.join(parts)})" if parts else "")


def print_simulations(record: Simulations) -> None:
    """Print a record: its table, and the lines below it."""
    title = f"{record.name} on {record.dataset} {record.subset}"
    console.print_table(COLUMNS, rows_of(record), title=title, right=RIGHT)
    for line in lines_of(record):
        console.say(inline(line))
