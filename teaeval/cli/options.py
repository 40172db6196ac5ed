"""Options that several commands of ``teaeval`` take."""

from __future__ import annotations

from typing import Annotated

import typer

Replicates = Annotated[
    int, typer.Option(min=0, help="Bootstrap resamples behind the intervals; 0: none.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")]
DatasetOption = Annotated[
    str | None, typer.Option("--dataset", help="Dataset id, if the file does not state it.")
]
SubsetOption = Annotated[
    str | None,
    typer.Option("--subset", help="Subset of the test set, if the file does not state it."),
]
EnergyUnit = Annotated[str | None, typer.Option(help="Energy unit, if the file does not state it.")]
LengthUnit = Annotated[str | None, typer.Option(help="Length unit, if the file does not state it.")]
EnergyKey = Annotated[
    str | None, typer.Option(help="The file's name of the energies, e.g. MACE_energy.")
]
ForcesKey = Annotated[str | None, typer.Option(help="The file's name of the forces.")]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Address of a Dask scheduler, tcp://host:port, whose workers see the files."),
]
