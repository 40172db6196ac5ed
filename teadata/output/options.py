"""Options that commands of all three programs take: one name, one meaning.

The help of an option or argument begins with what it means, up to the first comma, colon or
semicolon; what follows is of the command at hand.  A name has one meaning in all commands.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from teadata.seeds import LARGEST_SEED

DatasetId = Annotated[
    str, typer.Argument(metavar="DATASET", help="Dataset id, see `teadata list`.")
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="As CSV.")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="As Markdown.")]
EnergyUnit = Annotated[
    str | None, typer.Option(help="Energy unit, e.g. eV, if the file does not state it.")
]
LengthUnit = Annotated[
    str | None, typer.Option(help="Length unit, e.g. Å, if the file does not state it.")
]
ForceUnit = Annotated[
    str | None,
    typer.Option(help="Force unit, e.g. hartree/bohr, if it is not energy unit per length unit."),
]
EnergyKey = Annotated[
    str | None, typer.Option(help="The file's name of the energies, e.g. MACE_energy.")
]
ForcesKey = Annotated[
    str | None, typer.Option(help="The file's name of the forces, e.g. MACE_forces.")
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Replace what is there already: the output.")
]
Seed = Annotated[
    int,
    typer.Option(
        min=0, max=LARGEST_SEED, help=f"Seed of everything random, from 0 to {LARGEST_SEED}."
    ),
]
Calculator = Annotated[
    str | None, typer.Option(help="module:factory of an ASE calculator, here or installed.")
]
Device = Annotated[
    str | None, typer.Option(help="Device, cpu or cuda; default: where the model was trained.")
]
FigureFiles = Annotated[
    list[Path],
    typer.Option(
        "--output",
        "-o",
        help="Output: figure, .png, .svg or .pdf, its data beside it as .csv; repeatable.",
    ),
]
FigureFilesIfAny = Annotated[
    list[Path] | None,
    typer.Option(
        "--output",
        "-o",
        help="Output: figure, .png, .svg or .pdf, its data beside it as .csv; repeatable.",
    ),
]
