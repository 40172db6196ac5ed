"""The commands ``teaeval hydrogen`` and ``teaeval hydrogen-table``."""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from teadata import console
from teadata.errors import MissingExtraError, UsageError
from teadata.output.options import AsJson, Calculator, Seed
from teadata.output.text import inline
from teaeval.cli.door import try_calculator
from teaeval.cli.options import OLD_MODEL, Form, ModelName, RunFolder, Scheduler, TimeStep

if TYPE_CHECKING:
    from teaeval.hydrogen.record import Protocol, Record


@dataclass(frozen=True)
class Potential:
    """What the forces come from."""

    run: RunFolder = None
    calculator: Calculator = None
    model: ModelName = None


@dataclass(frozen=True)
class Sampling:
    """How each state point is simulated."""

    length: Annotated[float, typer.Option(help="Time to analyse, fs.")] = 1000.0
    equilibration: Annotated[float, typer.Option(help="Equilibration before it, fs; left out.")] = (
        250.0
    )
    timestep: TimeStep = 0.5
    seed: Seed = 0

    def protocol(self) -> Protocol:
        """Make the protocol; an error says which option is wrong."""
        from pydantic import ValidationError

        from teadata.schema import complaint
        from teaeval.hydrogen.record import Protocol

        try:
            return Protocol.model_validate(asdict(self))
        except ValidationError as error:
            wrong = error.errors()[0]
            option = "".join(f"--{str(name).replace('_', '-')}: " for name in wrong["loc"][:1])
            raise UsageError(f"{option}{complaint(wrong)}") from None


@dataclass(frozen=True)
class Workers:
    """Where state points are simulated."""

    jobs: Annotated[
        int, typer.Option(min=1, help="Processes at a time, each simulating a state point.")
    ] = 1
    scheduler: Scheduler = None


Records = Annotated[
    list[Path],
    typer.Argument(
        metavar="RESULT...", help="Result of `teaeval hydrogen`: its folder, or the record in it."
    ),
]


def register(app: console.App) -> None:
    """Add these commands to ``teaeval``."""
    app.command(
        "hydrogen",
        epilog="Example: teaeval hydrogen --run runs/mace-mini-hydrogen-complete-96-quick-seed0",
        renamed={
            "--label": "--model",
            "--name": "--model",
            "--model": OLD_MODEL,
            "--processes": "--jobs",
        },
    )(console.grouped(hydrogen))
    app.command("hydrogen-table", epilog="Example: teaeval hydrogen-table hydrogen/*")(
        console.grouped(hydrogen_table)
    )


def hydrogen(
    potential: Potential,
    *,
    dataset: Annotated[
        str, typer.Option(help="Dataset id: of a dataset with reference trajectories.")
    ] = "mini-hydrogen",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", file_okay=False, help="Output: folder; default: MODEL in hydrogen/."
        ),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(help="State point, e.g. 1000K-0.7; repeatable; default: all."),
    ] = None,
    sampling: Sampling,
    workers: Workers,
    as_json: AsJson = False,
) -> None:
    """Does a model show the change of dense hydrogen from molecules to atoms, and where?

    Simulates every state point of the dataset (NVT), and compares pressure, diffusion, radial
    distribution and stable molecules with the reference trajectories. The folder gets the
    trajectories, record.json and two figures. The same command goes on where it was interrupted.
    """
    from teadata import catalog
    from teaeval.calculators import check_given, find_calculator
    from teaeval.checks.calculator import said_of
    from teaeval.hydrogen import plans, running, table

    data = catalog.load(dataset)
    check_given(potential.calculator, potential.run)
    plan = plans.make_plan(
        data, potential.model, potential.run, potential.calculator, state, sampling.protocol()
    )
    folder = output or Path("hydrogen") / plan.label.replace("/", "-").replace(":", "-")
    before = running.finished(plan, folder)
    if workers.scheduler is None:
        make = functools.partial(find_calculator, potential.calculator, potential.run)
        said = said_of(potential.calculator, potential.run)
        try_calculator(folder, data, running.SUBSET, make, said)
    kept = f"{folder} has all up to the last checkpoints; the same command goes on"
    with console.keeping(kept), console.progress_bar() as progress:
        record = running.run(plan, folder, workers.jobs, workers.scheduler, progress)
    if before:
        console.say(f"{folder}: these state points were simulated before", err=as_json)
    _figures(record, folder)
    if as_json:
        console.say(record.model_dump_json(indent=1))
    else:
        table.print_record(record)


def _figures(record: Record, folder: Path) -> None:
    """Draw what the record shows, where Matplotlib is."""
    from teaeval.plots import hydrogen as plots

    try:
        plots.against_density([record]).save(folder / "hydrogen.png")
        plots.radial([record]).save(folder / "rdf.png")
    except MissingExtraError as error:
        console.say(f"no figures: {error}", err=True)


def hydrogen_table(files: Records, printed: Form) -> None:
    """Lay the models of several hydrogen benchmarks beside each other: errors, and physics."""
    from teadata.output.text import to_csv
    from teaeval.hydrogen import table
    from teaeval.hydrogen.record import read_record

    form = printed.asked()
    records = [read_record(file) for file in files]
    rows = table.model_rows(records)
    for text in table.simulated_differently(table.comparable(records)):
        console.say(inline(f"warning: {text}"), err=True)
    columns = table.model_columns(records)
    lines = [dict(zip(columns, row, strict=True)) for row in rows]
    if form == "json":
        console.print_json(lines)
    elif form == "csv":
        console.say(to_csv(lines), nl=False)
    elif form == "markdown":
        console.say(table.markdown(columns, rows), nl=False)
    else:
        console.print_table(columns, rows, right=table.MODEL_COLUMNS[1:])
