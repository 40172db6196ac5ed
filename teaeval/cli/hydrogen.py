"""The commands ``teaeval hydrogen`` and ``teaeval hydrogen-table``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from teadata import console
from teadata.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from teaeval.hydrogen.record import Protocol, Record


@dataclass(frozen=True)
class Potential:
    """What the forces come from."""

    model: Annotated[
        Path | None, typer.Option(help="Run folder of a trained model.", show_default=False)
    ] = None
    calculator: Annotated[
        str | None, typer.Option(help="module:factory of an ASE calculator, instead of a model.")
    ] = None


@dataclass(frozen=True)
class Sampling:
    """How each state point is simulated."""

    length: Annotated[float, typer.Option(help="Time that is analysed, fs.")] = 1000.0
    equilibration: Annotated[float, typer.Option(help="Time before that, fs.")] = 250.0
    timestep: Annotated[float, typer.Option(help="fs.")] = 0.5
    seed: Annotated[int, typer.Option(min=0, help="Seed of velocities and thermostat.")] = 0

    def protocol(self) -> Protocol:
        """Make the protocol; an error says which option is wrong."""
        from pydantic import ValidationError

        from teaeval.hydrogen.record import Protocol

        try:
            return Protocol.model_validate(asdict(self))
        except ValidationError as error:
            wrong = error.errors()[0]
            option = "".join(f"--{name}: " for name in map(str, wrong["loc"]))
            message = wrong["msg"].removeprefix("Value error, ")
            raise UsageError(f"{option}{message}") from None


@dataclass(frozen=True)
class Workers:
    """Where state points are simulated."""

    jobs: Annotated[int, typer.Option(min=1, help="State points that are simulated at a time.")] = 1
    scheduler: Annotated[
        str | None,
        typer.Option(help="Dask scheduler, tcp://host:port, whose workers see the folder."),
    ] = None


Records = Annotated[
    list[Path],
    typer.Argument(metavar="RECORD...", help="Records, or the folders that they are in."),
]


def register(app: console.App) -> None:
    """Add these commands to ``teaeval``."""
    app.command(
        "hydrogen",
        epilog="Example: teaeval hydrogen --model runs/mace-mini-hydrogen-complete-96-quick-seed0",
        renamed={"--label": "--name", "--processes": "--jobs"},
    )(console.grouped(hydrogen))
    app.command("hydrogen-table", epilog="Example: teaeval hydrogen-table hydrogen/*")(
        hydrogen_table
    )


def hydrogen(
    potential: Potential,
    *,
    dataset: Annotated[
        str, typer.Option(help="Dataset with reference trajectories.")
    ] = "mini-hydrogen",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder; by default hydrogen/<name>."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The model's name; by default that of its folder.")
    ] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="State point, e.g. 1000K-0.7; repeatable. All.")
    ] = None,
    sampling: Sampling,
    workers: Workers,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Does a model show the change of dense hydrogen from molecules to atoms, and where?

    Simulates every state point of the dataset (NVT), and compares pressure, diffusion, radial
    distribution and stable molecules with the reference trajectories. The folder gets the
    trajectories, record.json and two figures. The same command goes on where it was interrupted.
    """
    from teadata import catalog
    from teaeval.hydrogen import plans, running, table

    data = catalog.load(dataset)
    plan = plans.make_plan(
        data, name, potential.model, potential.calculator, state, sampling.protocol()
    )
    folder = output or Path("hydrogen") / plan.label.replace("/", "-").replace(":", "-")
    kept = f"{folder} has all up to the last checkpoints; the same command goes on"
    with console.keeping(kept), console.progress_bar() as progress:
        record = running.run(plan, folder, workers.jobs, workers.scheduler, progress)
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


def hydrogen_table(
    files: Records,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """Lay the models of several hydrogen benchmarks beside each other: errors, and physics."""
    if as_json and as_markdown:
        raise UsageError("expected at most one of --json and --markdown")
    from teaeval.hydrogen import table
    from teaeval.hydrogen.record import read_record

    records = [read_record(file) for file in files]
    rows = table.model_rows(records)
    columns = table.model_columns(records)
    if as_json:
        console.print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif as_markdown:
        console.say(table.markdown(columns, rows), nl=False)
    else:
        console.print_table(columns, rows, right=table.MODEL_COLUMNS[1:])
