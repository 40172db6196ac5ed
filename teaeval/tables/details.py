"""The details of a score as tables for the terminal and Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from teadata import console
from teadata.output.text import inline
from teadata.output.text import markdown as _md
from teaeval.scores.detail_records import AtomError, Details, Novelty, Quantile
from teaeval.tables.numbers import significant, span

SHOWN = 10
"""Atoms listed, those with the largest errors; all are in the record."""


@dataclass(frozen=True)
class Part:
    """A small table with its heading."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def parts(details: Details) -> Iterator[Part]:
    """The tables of a score's details, in the order they are shown."""
    energy, forces = details.energy, details.forces
    yield Part(
        "energies, kcal/mol",
        ("", "MAE", "RMSE", "MAX"),
        [
            (
                f"E shifted by its mean error of {significant(energy.shift)}",
                *map(significant, (energy.mae_shifted, energy.rmse_shifted, energy.max_shifted)),
            ),
            (
                "    95% interval",
                span(energy.mae_shifted_interval),
                span(energy.rmse_shifted_interval),
                "",
            ),
            ("E per atom", significant(energy.mae_per_atom), significant(energy.rmse_per_atom), ""),
            (
                "E per atom, shifted",
                significant(energy.mae_per_atom_shifted),
                significant(energy.rmse_per_atom_shifted),
                "",
            ),
        ],
    )
    yield Part(
        "force vectors, kcal/mol/Å",
        ("", "mean", "95% interval"),
        [
            ("| |p| − |r| |", significant(forces.magnitude_mae), span(forces.magnitude_interval)),
            ("|p − r|", significant(forces.vector_mae), span(forces.vector_interval)),
            ("cosine of p and r", significant(forces.cosine), span(forces.cosine_interval)),
        ],
    )
    yield _quantiles(energy.quantiles, forces.quantiles)
    yield Part(
        "force components by |F| of the atom, kcal/mol/Å",
        ("|F|", "atoms", "mean |F|", "MAE"),
        [
            (
                f"{b.low:g} to {b.high:g}" if b.high is not None else f"over {b.low:g}",
                str(b.atoms),
                significant(b.mean_force),
                significant(b.mae),
            )
            for b in forces.by_magnitude
        ],
    )
    if forces.by_residue:
        yield _atoms("force components by residue, kcal/mol/Å", forces.by_residue)
    worst = sorted(forces.by_atom, key=lambda atom: -atom.mae)
    yield _atoms(
        f"force components by atom, the worst {min(SHOWN, len(worst))}, kcal/mol/Å", worst[:SHOWN]
    )
    if details.novelty is not None:
        yield _novelty(details.novelty)


def _quantiles(energies: list[Quantile], forces: list[Quantile]) -> Part:
    return Part(
        "quantiles of absolute errors",
        ("share of values", "E", "F"),
        [
            (f"{e.share:.1%}", significant(e.error), significant(f.error))
            for e, f in zip(energies, forces, strict=True)
        ],
    )


def _atoms(title: str, atoms: list[AtomError]) -> Part:
    return Part(title, ("", "MAE"), [(atom.name, significant(atom.mae)) for atom in atoms])


def _novelty(novelty: Novelty) -> Part:
    ranks = ", ".join(
        f"{name} {'–' if value is None else f'{value:.2f}'}"
        for name, value in (("E", novelty.energy_correlation), ("F", novelty.force_correlation))
    )
    return Part(
        f"by distance to {novelty.train} ({novelty.train_frames} frames) in fingerprint, "
        f"{novelty.frames} test frames; Spearman's correlation with the error: {ranks}",
        ("distance, Å", "frames", "E MAE", "F MAE"),
        [
            (
                f"{b.low:.3f} to {b.high:.3f}",
                str(b.frames),
                significant(b.energy_mae),
                significant(b.force_mae),
            )
            for b in novelty.bins
        ],
    )


def print_details(details: Details) -> None:
    """Print the details of a score to the terminal."""
    for part in parts(details):
        console.say(inline(part.title))
        console.print_table(part.columns, part.rows, right=part.columns[1:])


def markdown(details: Details) -> str:
    """The details of a score as Markdown tables."""
    lines = []
    for part in parts(details):
        lines += [_md(part.title), "", "| " + " | ".join(map(_md, part.columns)) + " |"]
        lines.append("|:--|" + "--:|" * (len(part.columns) - 1))
        lines += ["| " + " | ".join(map(_md, row)) + " |" for row in part.rows]
        lines.append("")
    return "\n".join(lines)
