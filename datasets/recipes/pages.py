"""Writes docs/datasets/<id>.md and its pictures from the cards and the data.

python datasets/recipes/pages.py [DATASET]...
"""

from __future__ import annotations

import sys
from pathlib import Path

import drawing
import matplotlib
import numpy as np

from teadata.card import DatasetCard
from teadata.catalog import cards, load
from teadata.dataset import Dataset
from teadata.files import write_text
from teadata.splits import ROLES

DOCS = Path(__file__).resolve().parents[2] / "docs" / "datasets"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page(data: Dataset) -> str:
    """The page of a dataset, Markdown."""
    card, system = data.card, data.card.system
    subsets = [
        [f"`{name}`", *(str(data.splits.count(name, role)) for role in ROLES), text]
        for name, text in card.subsets.items()
    ]
    parts = [
        f"# {card.id}",
        f"{card.title}. Version {card.version}. Generated from the card by "
        "`datasets/recipes/pages.py`.",
        f"> {card.notice}",
        f"![{system.name}]({card.id}-system.png)",
        table(["", ""], facts(card)),
        "## Subsets",
        table(["subset", *ROLES, "what it is"], subsets),
        "Normalisers of a score: over the test split of each subset, in kcal/mol and kcal/mol/Å.",
        normalisers(card),
        f"![Distributions of energies and forces]({card.id}-distributions.png)",
        "## Sampling",
        card.sampling,
        sampling_facts(card),
    ]
    if (DOCS / f"{card.id}-ramachandran.png").exists():
        parts.append(f"![Backbone dihedrals by well]({card.id}-ramachandran.png)")
    if card.trajectories:
        parts += ["## Trajectories", trajectories(card)]
    parts += [
        "## Files",
        table(
            ["file", "bytes", "sha256"],
            [[f"`{file.name}`", str(file.bytes), f"`{file.sha256}`"] for file in card.files],
        ),
        "## To cite",
        "\n".join(
            f"- {citation.text}" + (f" doi:{citation.doi}" if citation.doi else "")
            for citation in card.citations
        ),
        "## Changes",
        "\n".join(
            f"- {change.version} ({change.date}): {change.text}" for change in card.changelog
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def facts(card: DatasetCard) -> list[list[str]]:
    """What the dataset is, name and value."""
    theory, system = card.level_of_theory, card.system
    rows = [
        ["system", f"{system.name}, {system.formula}, {system.n_atoms} atoms"],
        ["periodic", "yes" if system.periodic else "no"],
        ["labels", f"{theory.method}, {theory.engine}: {theory.settings}"],
        ["units", f"{card.units.energy}, {card.units.length}, {card.units.force}"],
        ["licence", card.licence],
        ["tasks", ", ".join(f"`{task}`" for task in card.tasks)],
        ["sizes", ", ".join(map(str, card.sizes)) + " (nested)"],
    ]
    if card.groups:
        rows.append(
            [
                "groups",
                "; ".join(f"`{name}`: {len(g)} molecule(s)" for name, g in card.groups.items()),
            ]
        )
    return rows


def normalisers(card: DatasetCard) -> str:
    """Table of what errors are divided by."""
    return table(
        ["subset", "frames", "mean abs F", "σ(F)", "mean E − min E", "σ(E)"],
        [
            [
                f"`{name}`",
                str(found.frames),
                f"{found.mean_abs_force:.4f}",
                f"{found.std_force:.4f}",
                f"{found.mean_relative_energy:.4f}",
                f"{found.std_energy:.4f}",
            ]
            for name, found in card.statistics.items()
        ],
    )


def sampling_facts(card: DatasetCard) -> str:
    """Acceptance and correlation times, as sentences."""
    sentences = []
    if card.acceptance is not None:
        found = card.acceptance
        sentences.append(
            f"Of {found.sampled} sampled frames {found.accepted} were accepted and "
            f"{found.stored} are stored."
        )
    if card.correlation_times:
        times = ", ".join(f"{name} {time:g} fs" for name, time in card.correlation_times.items())
        sentences.append(f"The autocorrelation within a trajectory falls to 1/e after: {times}.")
    return " ".join(sentences)


def trajectories(card: DatasetCard) -> str:
    """Table of the trajectories."""
    dense = any(run.density is not None for run in card.trajectories)
    return table(
        [
            *("index", "role", "start", "T (K)"),
            *(["density (g/cm³)"] if dense else []),
            *("length (ps)", "spacing (fs)", "sampled", "stored"),
        ],
        [
            [
                *(str(run.index), run.role, run.start or "", f"{run.temperature:g}"),
                *([f"{run.density:g}"] if dense else []),
                *(f"{run.length:g}", f"{run.spacing:g}", str(run.sampled), str(run.stored)),
            ]
            for run in card.trajectories
        ],
    )


def pictures(data: Dataset) -> None:
    """The pictures of a dataset's page."""
    card = data.card
    subset = next(iter(card.subsets))
    frames = data.split(f"{subset}/train/1")
    drawing.structure(frames, DOCS / f"{card.id}-system.png", card.system.name)
    tests = {name: data.split(f"{name}/test") for name in card.subsets}
    drawing.distributions(tests, DOCS / f"{card.id}-distributions.png")
    if card.id == "mini-ii":
        import mini_ii

        runs = {run.index: run.start for run in card.trajectories}
        every = data.frames
        wells = np.array([runs[i] for i in every.trajectories.tolist()])
        drawing.ramachandran(
            mini_ii.backbone(every.positions), wells, DOCS / f"{card.id}-ramachandran.png"
        )


def main(names: list[str]) -> None:
    """Write the pages of some datasets, or of all."""
    matplotlib.use("Agg")
    DOCS.mkdir(exist_ok=True)
    for name in names or [card.id for card in cards() if card.edition == "mini"]:
        data = load(name)
        pictures(data)
        write_text(DOCS / f"{data.card.id}.md", page(data))
        print(DOCS / f"{data.card.id}.md")


if __name__ == "__main__":
    main(sys.argv[1:])
