"""The commands ``teaeval md …``."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from teadata import console
from teadata.output import command_line
from teadata.output.options import (
    AsJson,
    Calculator,
    DatasetId,
    Device,
    FigureFilesIfAny,
    Seed,
)
from teaeval.cli.door import try_calculator
from teaeval.cli.options import OLD_MODEL, ModelName, RunFolder, TestSubset, TimeStep
from teaeval.defaults import MOST_REPLICATES

if TYPE_CHECKING:
    from teaeval.md.replicas import Plan
    from teaeval.md.settings import Settings

md = console.App(
    "Molecular dynamics with a model: does the system stay whole (extra: md).",
    command_line.naming("tea.calculators", "Run folders, --run, are known to"),
)

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder, of `teaeval md run`.")]
Jobs = Annotated[int, typer.Option(min=1, help="Processes at a time, each simulating a replica.")]


def register(app: console.App) -> None:
    """Add these commands to ``teaeval``."""
    app.add_typer(md, name="md")


@dataclass(frozen=True)
class Potential:
    """What the forces come from: a calculator or a trained model."""

    calculator: Calculator = None
    run: RunFolder = None
    device: Device = None
    model: ModelName = None


@dataclass(frozen=True)
class Dynamics:
    """How a simulation is run: the settings of :class:`teaeval.md.Settings`."""

    temperature: Annotated[float, typer.Option(help="Temperature, K.")] = 300.0
    thermostat: Annotated[
        str,
        typer.Option(help="Thermostat: langevin, nose-hoover, bussi; none: NVE, for energy drift."),
    ] = "langevin"
    friction: Annotated[float, typer.Option(help="Friction of Langevin dynamics.")] = 1e-3
    friction_unit: Annotated[
        str,
        typer.Option(help="Unit of the friction: 1/fs, 1/ps, or 1/ase, ASE's time of 10.18 fs."),
    ] = "1/fs"
    relaxation: Annotated[
        float, typer.Option(help="Time constant of nose-hoover and bussi, fs.")
    ] = 100.0
    timestep: TimeStep = 0.5
    steps: Annotated[int, typer.Option(help="Time steps of each replica.")] = 100_000
    interval: Annotated[int, typer.Option(help="Steps between stored frames.")] = 100
    checkpoint: Annotated[int, typer.Option(help="Steps between checkpoints.")] = 1000
    seed: Seed = 0
    forces: Annotated[bool, typer.Option("--forces", help="Store forces too.")] = False
    stress: Annotated[bool, typer.Option("--stress", help="Store the stress too.")] = False
    monitors: Annotated[
        str,
        typer.Option(help="Monitors, some of topology, temperature, escape; none: nothing."),
    ] = "topology,temperature,escape"

    def settings(self) -> Settings:
        """Make the settings; an error says which option is wrong."""
        from pydantic import ValidationError

        from teadata.errors import UsageError
        from teaeval.md.settings import Settings

        monitors = [] if self.monitors == "none" else self.monitors.split(",")
        try:
            return Settings.model_validate(asdict(self) | {"monitors": monitors})
        except ValidationError as error:
            wrong = "; ".join(
                " ".join(
                    ["--" + "-".join(map(str, item["loc"])).replace("_", "-")] * bool(item["loc"])
                )
                + f" {item['msg'].removeprefix('Value error, ')}"
                for item in error.errors()
            )
            raise UsageError(wrong.strip()) from None


@md.command(
    "run",
    epilog="Example: teaeval md run mini-i --subset folded --run runs/my_run --replicas 4",
    renamed={"--name": "--model", "--model": OLD_MODEL},
)
@console.grouped
def run_replicas(
    dataset: DatasetId,
    potential: Potential,
    dynamics: Dynamics,
    *,
    subset: TestSubset = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            file_okay=False,
            help="Output: folder; default: MODEL-DATASET-SUBSET-… in md/.",
        ),
    ] = None,
    replicas: Annotated[int, typer.Option(min=1, help="Number of simulations.")] = 4,
    together: Annotated[
        bool,
        typer.Option(
            "--together", help="Evaluate all replicas as one batch: faster, above all on a GPU."
        ),
    ] = False,
    jobs: Jobs = 1,
    as_json: AsJson = False,
) -> None:
    """Simulate a dataset's system with a model, several times, and watch whether it stays whole.

    The defaults are the published settings: NVT, Langevin, 300 K, friction 0.001 (here in 1/fs;
    the source states no unit), 0.5 fs. Ends with status 1 if a replica was unstable. The same
    command goes on with an interrupted run.
    """
    from teadata import catalog
    from teaeval.md.replicas import make_plan

    data = catalog.load(dataset)
    plan = make_plan(
        data,
        data.card.the_subset(subset),
        dynamics.settings(),
        replicas,
        together=together,
        calculator=potential.calculator,
        model=potential.run,
        device=potential.device,
        name=potential.model,
    )
    folder = output or _default_folder(plan)
    try_calculator(folder, data, plan.subset, potential.calculator, potential.run, potential.device)
    _run(plan, folder, jobs, as_json)


@md.command("resume", epilog="Example: teaeval md resume md/my_run-mini-i-folded-300K")
def resume(folder: Folder, jobs: Jobs = 1, as_json: AsJson = False) -> None:
    """Go on with interrupted simulations, from the last checkpoint of each.

    Ends with status 1 if a replica was unstable.
    """
    from teaeval.md.replicas import check_owner, read_plan

    plan = read_plan(folder)
    if plan.calculator is not None:
        check_owner(folder)
        console.say(f"{folder}: its plan names the calculator {plan.calculator}", err=True)
    _run(plan, folder, jobs, as_json)


@md.command("analyse", epilog="Example: teaeval md analyse md/my_run -o rg.png")
def analyse_folder(
    folder: Folder,
    discard: Annotated[
        float, typer.Option(min=0, help="Time to leave out at the start of each replica, ps.")
    ] = 2.0,
    bootstrap: Annotated[
        int,
        typer.Option(min=1, max=MOST_REPLICATES, help="Bootstrap samples, behind the intervals."),
    ] = 1000,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="Take replicas that have not ended, as far as they are."),
    ] = False,
    output: FigureFilesIfAny = None,
    as_json: AsJson = False,
) -> None:
    """Analyse finished simulations: stability, radii of gyration, drift of the energy.

    Writes md.json into the folder, which `teaeval score --md` and `teaeval report --md` take.
    Ends with status 1 if a replica was unstable.
    """
    from teadata.files import write_text
    from teaeval.md.analysis import RECORD_FILE, analyse

    if output:
        from teaeval.cli.plot import check_outputs

        check_outputs(output)
    simulations = analyse(folder, discard, bootstrap, partial)
    write_text(folder / RECORD_FILE, simulations.model_dump_json(indent=1) + "\n")
    if as_json:
        console.say(simulations.model_dump_json(indent=2))
    else:
        from teaeval.md.table import print_simulations

        print_simulations(simulations)
        console.say(f"{folder / RECORD_FILE}: written")
    if output:
        from teaeval.plots.gyration import simulated

        for path in simulated([simulations]).save(*output):
            console.say(f"{path}: written", err=as_json)
    if simulations.failed:
        raise typer.Exit(1)


def _default_folder(plan: Plan) -> Path:
    """The folder of a plan without --output: ``md/<name>-<dataset>-<subset>-<K>K-seed<seed>``."""
    name = plan.name.replace(":", ".").replace("/", "-")
    dataset, settings = plan.dataset.partition("@")[0], plan.settings
    state = f"{settings.temperature:g}K" if settings.thermostat != "none" else "nve"
    return Path("md") / f"{name}-{dataset}-{plan.subset}-{state}-seed{settings.seed}"


def _run(plan: Plan, folder: Path, jobs: int, as_json: bool) -> None:
    from teaeval.md.replicas import finished, run

    before = finished(plan, folder)
    named = shlex.quote(str(folder))
    kept = f"{folder} has all up to the last checkpoints; to go on: teaeval md resume {named}"
    with console.keeping(kept), console.progress_bar() as progress:
        outcomes = run(plan, folder, jobs, progress)
    if before:
        console.say(f"{folder}: these simulations have ended before; nothing was done", err=as_json)
    if as_json:
        console.print_json([outcome.model_dump(mode="json") for outcome in outcomes])
    else:
        from teaeval.md.table import print_outcomes

        print_outcomes(plan, outcomes)
        console.say(f"{folder}: what they sampled: teaeval md analyse {named}")
    if any(outcome.status == "failed" for outcome in outcomes):
        raise typer.Exit(1)
