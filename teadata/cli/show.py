"""How a dataset's card is shown in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from teadata import console
from teadata.card import UNKNOWN, DatasetCard, Trajectory
from teadata.dynamics import ReferenceSimulations
from teadata.splits import ROLES

LISTED = 8
"""Files of a source that are listed one by one."""

Counts = dict[str, dict[str, int]]
"""Frames of each role, by subset."""


def show(
    card: DatasetCard, counts: Counts, simulations: ReferenceSimulations | None = None
) -> None:
    """Print a card: what it is, its subsets with their normalisers, how it was sampled."""
    fields = _fields(card)
    if simulations is not None:
        fields["simulations"] = str(simulations)
    console.print_fields(fields)
    console.print_table(
        ["subset", *ROLES, "what it is"],
        [
            (
                subset,
                *(str(counts[subset][role]) if counts else "" for role in ROLES),
                " ".join(text.split()),
            )
            for subset, text in card.subsets.items()
        ],
        title="Frames" if counts else "Subsets (the data are not on this machine)",
        right=ROLES,
    )
    if card.statistics:
        heads = ["mean |F|", "σ(F)", "mean E − min E", "σ(E)"]
        console.print_table(
            ["subset", *heads],
            [
                (
                    subset,
                    f"{statistics.mean_abs_force:.3f}",
                    f"{statistics.std_force:.3f}",
                    f"{statistics.mean_relative_energy:.3f}",
                    f"{statistics.std_energy:.3f}",
                )
                for subset, statistics in card.statistics.items()
            ],
            title="Normalisers of a score on the test split (kcal/mol, kcal/mol/Å)",
            right=heads,
        )


def _brought_by(card: DatasetCard) -> dict[str, str]:
    """The package that brings a dataset, if it is another one than this."""
    from teadata.catalog import plugged_datasets

    if card.edition != "plugin":
        return {}
    return {"brought by": plugged_datasets()[card.id].package}


def _fields(card: DatasetCard) -> dict[str, str]:
    system, theory = card.system, card.level_of_theory
    said = (theory.method, theory.engine, theory.settings)
    known = [text for text in said if text != UNKNOWN]
    fields = {
        "dataset": f"{card.full_id} ({card.edition} edition"
        + (f", Challenge {card.challenge})" if card.challenge else ")"),
        "title": card.title,
        **_brought_by(card),
        "system": f"{system.name}, {system.formula}, {system.n_atoms or UNKNOWN} atoms, "
        f"{'periodic' if system.periodic else 'not periodic'}",
        "labels": ", ".join(known) or UNKNOWN,
        "notice": card.notice,
        "units": f"{card.units.energy}, {card.units.length}, {card.units.force}",
        "licence": card.licence,
        "cite": "; ".join(citation.doi or citation.text for citation in card.citations),
        "tasks": ", ".join(card.tasks),
        "sizes": f"{', '.join(map(str, card.sizes))} (nested; any smaller number works)"
        if card.sizes
        else UNKNOWN,
        "groups": "; ".join(_group(name, members) for name, members in card.groups.items()),
        "sampling": card.sampling,
        "trajectories": _trajectories(card.trajectories),
        "correlation": ", ".join(
            f"{name} {time:g} fs" for name, time in card.correlation_times.items()
        ),
        "accepted": ""
        if card.acceptance is None
        else f"{card.acceptance.accepted} of {card.acceptance.sampled} sampled frames, "
        f"{card.acceptance.stored} of them stored",
        "source": _source(card),
        "files": ", ".join(f"{file.name} ({file.bytes / 1000:.0f} kB)" for file in card.files),
    }
    return {name: " ".join(text.split()) for name, text in fields.items() if text}


def _source(card: DatasetCard) -> str:
    """The record of official data, and the files taken from it."""
    if card.source is None:
        return ""
    parts = [f"doi:{card.source.doi}"] if card.source.doi else []
    parts += [f"record {card.source.record}"] if card.source.record else []
    files = card.source.files
    parts += [f"{file.name} (sha256 {file.sha256[:12]}…)" for file in files[:LISTED]]
    parts += [f"and {len(files) - LISTED} more files"] if len(files) > LISTED else []
    return ", ".join(parts) or UNKNOWN


def _group(name: str, members: Sequence[Sequence[int]]) -> str:
    """Molecules of a group, as ranges of atoms where they are contiguous."""
    parts = [
        f"{min(atoms)}–{max(atoms)}"
        if len(atoms) == max(atoms) - min(atoms) + 1
        else ",".join(map(str, atoms))
        for atoms in members
    ]
    return f"{name}: {len(members)} molecule{'s' * (len(members) > 1)}, atoms {'; '.join(parts)}"


def _trajectories(runs: Sequence[Trajectory]) -> str:
    """How many there are of each kind, and how long they are together."""
    if not runs:
        return ""
    kinds = Counter((run.temperature, run.length, run.spacing) for run in runs)
    parts = [
        f"{count} of {length:g} ps at {temperature:g} K, a frame every {spacing:g} fs"
        for (temperature, length, spacing), count in kinds.items()
    ]
    return f"{'; '.join(parts)}; {sum(run.length for run in runs):.4g} ps in all"
