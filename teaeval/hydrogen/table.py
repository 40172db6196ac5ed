"""The outcome of the benchmark, as tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from teadata import console
from teadata.errors import UsageError
from teadata.output.text import inline
from teadata.output.text import markdown as _md
from teaeval.hydrogen.record import (
    Estimate,
    ModelErrors,
    Record,
    Separation,
    StateResult,
    Transition,
    by_phase,
    pooled,
)

STATE_COLUMNS = (
    "state",
    "P/GPa",
    "reference",
    "difference",
    "D/(Å²/ps)",
    "reference",
    "difference",
    "molecular",
    "reference",
    "difference",
    "pairs apart",
    "by chance",
)

CHECKSUM = re.compile("[0-9a-f]{12}")
"""What a campaign ends the names of its run folders with."""

MODEL_COLUMNS = (
    "model",
    "test frames",
    "F MAE",
    "E MAE",
    "E MAE, molecular",
    "E MAE, atomic",
    "simulated",
    "ΔP/GPa",
    "ΔD/(Å²/ps)",
    "Δ molecular",
    "pairs apart",
)
"""Headings of a comparison; errors in kcal/mol/Å, and in kcal/mol of the cell."""


def _pm(estimate: Estimate | None, digits: int) -> str:
    if estimate is None:
        return "–"
    if estimate.error is None:
        return f"{estimate.value:.{digits}f}"
    return f"{estimate.value:.{digits}f} ± {estimate.error:.{digits}f}"


def _differs(estimate: Estimate | None, digits: int) -> str:
    """Format a difference, with a star where its 95 % interval does not hold zero."""
    if estimate is None:
        return "–"
    star = ""
    if estimate.low is not None and estimate.high is not None:
        star = "*" if not estimate.low <= 0 <= estimate.high else ""
    return f"{estimate.value:+.{digits}f}{star}"


def _chance(apart: Separation) -> str:
    """Format the distance that chance alone makes: mean, and 95 % quantile."""
    if apart.ceiling is None:
        return f"{apart.floor:.3f}"
    return f"{apart.floor:.3f} to {apart.ceiling:.3f}"


def state_row(result: StateResult) -> tuple[str, ...]:
    """The cells of a state point's line."""
    seen, known, apart = result.observed, result.reference, result.deviation
    return (
        result.state,
        _pm(seen.pressure, 0) if seen else "broke",
        _pm(known.pressure, 0),
        _differs(apart.pressure, 0) if apart else "–",
        _pm(seen.diffusion, 2) if seen else "–",
        _pm(known.diffusion, 2),
        _differs(apart.diffusion, 2) if apart else "–",
        _pm(seen.molecular, 2) if seen else "–",
        _pm(known.molecular, 2),
        _differs(apart.molecular, 2) if apart else "–",
        f"{apart.rdf.value:.3f}" if apart else "–",
        _chance(apart.rdf) if apart else "–",
    )


def print_record(record: Record) -> None:
    """Print a record: its state points, and the transition."""
    plan = record.plan
    console.print_table(
        STATE_COLUMNS,
        [state_row(result) for result in record.states],
        title=f"{plan.label}, {plan.dataset}, {plan.protocol.length:g} fs at each state point",
        right=STATE_COLUMNS[1:],
    )
    for result in record.states:
        if result.failure is not None:
            console.say(inline(f"{result.state} broke after {result.time:g} fs: {result.failure}"))
    console.say(
        f"test errors: forces {record.errors.force_mae:.3g} kcal/mol/Å, energy "
        f"{record.errors.energy_mae:.3g} kcal/mol, of {record.errors.frames} frames"
    )
    for phase, errors in by_phase(record.states).items():
        if not errors.frames:
            console.say(f"    where the reference is {phase}: no frames")
            continue
        bias = "" if errors.energy_bias is None else f", on average {errors.energy_bias:+.3g}"
        console.say(
            f"    where the reference is {phase}: forces {errors.force_mae:.3g}, energy "
            f"{errors.energy_mae:.3g}{bias}, of {errors.frames} frames"
        )
    for model, reference in zip(record.transitions, record.reference_transitions, strict=True):
        console.say(inline(f"molecular to atomic at {model.temperature:g} K: {model.verdict}"))
        console.say(inline(f"    reference: {reference.verdict}"))
    for text in _notes(record):
        console.say(inline(text))
    console.say(
        "± is one standard error of blocks; * marks a difference whose 95 % interval does not "
        "contain zero; pairs apart: Hellinger distance of the distributions of pair distances "
        "(g(r) times r²), by chance the same for two such samples of one distribution: the mean, "
        "and what 95 % are below"
    )


def _notes(record: Record) -> list[str]:
    """What simulations and references are too short for, with the state points."""
    found: dict[str, list[str]] = {}
    for result in record.states:
        for whose, seen in (("simulation", result.observed), ("reference", result.reference)):
            for note in seen.notes if seen else ():
                found.setdefault(f"too short, {whose}: {note}", []).append(result.state)
    return [f"{note} ({', '.join(states)})" for note, states in found.items()]


def comparable(records: Sequence[Record]) -> list[Record]:
    """Records that can be laid side by side, each with a label of its own.

    Records of one label, such as those of several seeds in a campaign, get what the names of
    their run folders differ in: ``MACE (seed1)``.

    Raises
    ------
    UsageError
        If there are none, two cannot be told apart, or they differ in data or analysis.
    """
    if not records:
        raise UsageError("no records; expected those that teaeval hydrogen writes")
    _check_same(records)
    labels = [record.plan.label for record in records]
    named = list(records)
    for label in {label for label in labels if labels.count(label) > 1}:
        at = [i for i, other in enumerate(labels) if other == label]
        parts = _own_parts([records[i].plan.model for i in at])
        if len(set(parts)) < len(parts):
            raise UsageError(f"two records are of {label!r}; run one again with another --model")
        for i, part in zip(at, parts, strict=True):
            plan = records[i].plan.model_copy(update={"label": f"{label} ({part})"})
            named[i] = records[i].model_copy(update={"plan": plan})
    return named


def _own_parts(runs: Sequence[str | None]) -> list[str]:
    """What each run folder's name has, between its hyphens, that not all of the others have.

    The checksum at the end of a campaign's folders is left out where the rest suffices.
    """
    names = [Path(run).name.split("-") if run else [] for run in runs]
    shared = set.intersection(*map(set, names))
    own = [[part for part in name if part not in shared] for name in names]
    short = ["-".join(part for part in parts if not CHECKSUM.fullmatch(part)) for parts in own]
    if all(short) and len(set(short)) == len(short):
        return short
    return ["-".join(parts or name) for parts, name in zip(own, names, strict=True)]


def simulated_differently(records: Sequence[Record]) -> list[str]:
    """What to say of records whose state points were not simulated in the same way."""
    found = []
    for name in ("length", "equilibration", "timestep", "relaxation"):
        values = {record.plan.label: getattr(record.plan.protocol, name) for record in records}
        if len(set(values.values())) > 1:
            each = ", ".join(f"{label} {value:g} fs" for label, value in values.items())
            found.append(
                f"not simulated alike: {name} is {each}; what is shorter scatters more, and looks "
                "farther from the reference"
            )
    return found


def _check_same(records: Sequence[Record]) -> None:
    """Refuse records that differ in data or analysis."""
    first = records[0].plan
    for record in records[1:]:
        plan = record.plan
        if plan.frames_sha256 != first.frames_sha256:
            raise UsageError(
                f"{plan.label} was compared with {plan.dataset}, frames of SHA-256 "
                f"{plan.frames_sha256}, and {first.label} with {first.dataset}, frames of SHA-256 "
                f"{first.frames_sha256}; expected the same frames. Run one of them again, or leave "
                "it out"
            )
        ours, theirs = (p.protocol.model_dump() for p in (plan, first))
        analysed = ("cutoff", "persistence", "lags", "bins", "blocks")
        if different := [name for name in analysed if ours[name] != theirs[name]]:
            raise UsageError(
                f"{plan.label} and {first.label} were analysed differently: {', '.join(different)}"
            )


def model_columns(records: Sequence[Record]) -> tuple[str, ...]:
    """Headings of a comparison: the transition at each temperature at the end."""
    return MODEL_COLUMNS + tuple(f"transition, {t:g} K" for t in _reference(records))


def _reference(records: Sequence[Record]) -> dict[float, Transition]:
    """The reference's transitions by temperature, from the record with most state points."""
    known: dict[float, Transition] = {}
    for record in sorted(records, key=lambda record: len(record.states)):
        known |= {t.temperature: t for t in record.reference_transitions}
    return dict(sorted(known.items()))


def model_rows(records: Sequence[Record]) -> list[tuple[str, ...]]:
    """The cells of a comparison: a line for each model, and one for the reference.

    Errors and deviations are of the state points that all records have: means of absolute
    values, deviations over those of them that were simulated to the end.

    Raises
    ------
    UsageError
        If the records cannot be laid side by side.
    """
    records = comparable(records)
    known = _reference(records)
    common = set.intersection(*({r.state for r in record.states} for record in records))
    rows = []
    for record in records:
        shared = [result for result in record.states if result.state in common]
        errors = pooled([result.errors for result in shared])
        apart = [result.deviation for result in shared if result.deviation is not None]
        finished = sum(result.deviation is not None for result in record.states)
        push = [abs(d.pressure.value) for d in apart if d.pressure is not None]
        rows.append(
            (
                record.plan.label,
                str(errors.frames),
                f"{errors.force_mae:.2f}",
                f"{errors.energy_mae:.1f}",
                *(_energy(phase) for phase in by_phase(shared).values()),
                f"{finished} of {len(record.states)}",
                _mean(push, 1),
                _mean([abs(d.diffusion.value) for d in apart], 2),
                _mean([abs(d.molecular.value) for d in apart], 2),
                _mean([d.rdf.value for d in apart], 3),
                *_verdicts(record.transitions, known),
            )
        )
    blank = ("–",) * (len(MODEL_COLUMNS) - 1)
    rows.append(("reference", *blank, *(t.verdict for t in known.values())))
    return rows


def _energy(errors: ModelErrors) -> str:
    """Format the energy error of a phase: its mean absolute value, and the mean with its sign."""
    if not errors.frames:
        return "–"
    bias = "" if errors.energy_bias is None else f" ({errors.energy_bias:+.1f})"
    return f"{errors.energy_mae:.1f}{bias}"


def _verdicts(transitions: Sequence[Transition], temperatures: Iterable[float]) -> list[str]:
    said = {t.temperature: t.verdict for t in transitions}
    return [said.get(temperature, "–") for temperature in temperatures]


def _mean(values: Sequence[float], digits: int) -> str:
    return f"{sum(values) / len(values):.{digits}f}" if values else "–"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    head, *body = (f"| {' | '.join(map(_md, line))} |\n" for line in (columns, *rows))
    return "".join([head, f"| {' | '.join(['---'] * len(columns))} |\n", *body])
