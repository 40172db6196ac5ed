"""The commands ``teaeval md …``."""

from __future__ import annotations

import functools
import json
import shlex
from collections.abc import Sequence
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
from teadata.output.text import inline, visible
from teaeval.cli.door import try_calculator
from teaeval.cli.options import (
    OLD_MODEL,
    Layout,
    ModelName,
    RunFolder,
    SimulationRecords,
    TestSubset,
    TimeStep,
)
from teaeval.defaults import MOST_REPLICATES

if TYPE_CHECKING:
    from teaeval.md.outcome import Outcome
    from teaeval.md.plan import Plan
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

    temperature: Annotated[
        list[float] | None,
        typer.Option(help="Temperature, K; repeatable: simulations at each. Default: 300."),
    ] = None
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

    def settings(self) -> list[Settings]:
        """Make the settings of each temperature; an error says which option is wrong."""
        from teadata.errors import UsageError

        kelvins = self.temperature or [300.0]
        if again := [value for i, value in enumerate(kelvins) if value in kelvins[:i]]:
            raise UsageError(f"--temperature {again[0]:g} is given twice; give each once")
        return [self._settings(kelvin) for kelvin in kelvins]

    def _settings(self, temperature: float) -> Settings:
        from pydantic import ValidationError

        from teadata.errors import UsageError
        from teadata.schema import complaint
        from teaeval.md.settings import Settings

        monitors = [] if self.monitors == "none" else self.monitors.split(",")
        try:
            return Settings.model_validate(
                asdict(self) | {"monitors": monitors, "temperature": temperature}
            )
        except ValidationError as error:
            wrong = "; ".join(
                "".join(f"--{str(name).replace('_', '-')}: " for name in item["loc"][:1])
                + complaint(item)
                for item in error.errors()
            )
            raise UsageError(wrong) from None


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
    engine: Annotated[
        str,
        typer.Option(
            help="Engine: ase, or torch-sim: all replicas as one batch of it (extra: torch-sim)."
        ),
    ] = "ase",
    jobs: Jobs = 1,
    as_json: AsJson = False,
) -> None:
    """Simulate a dataset's system with a model, several times, and watch whether it stays whole.

    The defaults are the published settings: NVT, Langevin, 300 K, friction 0.001 (here in 1/fs;
    the source states no unit), 0.5 fs. Ends with status 1 if a replica was unstable. The same
    command goes on with an interrupted run.
    """
    from teadata import catalog
    from teaeval.calculators import check_given
    from teaeval.checks.calculator import said_of
    from teaeval.md.replicas import make_plan, simulated_model

    data = catalog.load(dataset)
    check_given(potential.calculator, potential.run)
    plans = [
        make_plan(
            data,
            data.card.the_subset(subset),
            settings,
            replicas,
            together=together,
            engine=engine,
            calculator=potential.calculator,
            model=potential.run,
            device=potential.device,
            name=potential.model,
        )
        for settings in dynamics.settings()
    ]
    folder = output or _default_folder(plans)
    if warning := plans[0].settings.overdamped:
        console.say(f"warning: {warning}", err=True)
    try_calculator(
        folder,
        data,
        plans[0].subset,
        functools.partial(simulated_model, plans[0]),
        said_of(potential.calculator, potential.run),
        batched=together or engine != "ase",
    )
    _run(_places(plans, folder), folder, jobs, as_json)


@md.command("resume", epilog="Example: teaeval md resume md/my_run-mini-i-folded-300K")
def resume(folder: Folder, jobs: Jobs = 1, as_json: AsJson = False) -> None:
    """Go on with interrupted simulations, from the last checkpoint of each.

    Ends with status 1 if a replica was unstable.
    """
    from teaeval.md.plan import check_owner, read_plan, states

    plans = {path: read_plan(path) for path in states(folder)}
    for path, plan in plans.items():
        if plan.calculator is not None:
            check_owner(path)
            console.say(f"{path}: its plan names the calculator {plan.calculator}", err=True)
    _run(plans, folder, jobs, as_json)


@md.command("analyse", epilog="Example: teaeval md analyse md/my_run -o rg.png")
def analyse_folder(
    folder: Folder,
    discard: Annotated[
        float, typer.Option(min=0, help="Time to leave out at the start of each replica, ps.")
    ] = 2.0,
    bootstrap: Annotated[
        int,
        typer.Option(min=1, max=MOST_REPLICATES, help="Bootstrap samples: for the intervals."),
    ] = 1000,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="Analyse replicas that are still running, too."),
    ] = False,
    observable: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Observable, such as ramachandran; repeatable. Default: all there are.",
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="Reference: a folder of `teaeval md` at the same temperature; default: what comes "
            "with the dataset.",
        ),
    ] = None,
    output: FigureFilesIfAny = None,
    as_json: AsJson = False,
) -> None:
    """Analyse finished simulations: stability, and what they sampled, beside a reference.

    Writes md.json into the folder, which `teaeval score --md` and `teaeval report --md` take.
    Ends with status 1 if a replica was unstable.
    """
    from teadata.files import write_text
    from teaeval.md.analysis import RECORD_FILE, analyse
    from teaeval.md.plan import states

    if output:
        from teaeval.cli.plot import check_outputs

        check_outputs(output)
    records = []
    for path in states(folder):
        record = analyse(path, discard, bootstrap, partial, observable or (), reference)
        write_text(path / RECORD_FILE, record.model_dump_json(indent=1) + "\n")
        records.append(record)
        if not as_json:
            from teaeval.md.table import print_simulations
            from teaeval.tables import render, simulations

            print_simulations(record)
            console.say()
            render.terminal(simulations.sampled([record]))
            for name, reason in record.left_out.items():
                console.say(inline(f"{name}: not measured: {reason}"))
            console.say(f"{path / RECORD_FILE}: written")
    if as_json:
        dumps = [record.model_dump(mode="json") for record in records]
        console.print_json(dumps[0] if len(dumps) == 1 else dumps)
    if output:
        from teaeval.plots.observables import observables

        for path in observables(records).save(*output):
            console.say(f"{path}: written", err=as_json)
    if any(record.failed for record in records):
        raise typer.Exit(1)


@md.command("table", epilog="Example: teaeval md table md/mace md/sgdml -o survival.md")
@console.grouped
def lay_out(
    files: SimulationRecords,
    *,
    layout: Layout,
) -> None:
    """How long the replicas of several models lasted, with log-rank tests, and what broke."""
    from teadata.output.text import to_csv
    from teaeval.md.record import read_all
    from teaeval.tables import render, simulations

    form = layout.format
    records = read_all(files, independent=True)
    if form == "json":
        entries = simulations.entries(records)
        layout.put(visible(json.dumps(entries, indent=2, ensure_ascii=False)) + "\n")
    elif form == "csv":
        layout.put(to_csv(simulations.lines(records)))
    elif form == "terminal":
        render.terminal(simulations.grids(records))
    else:
        layout.put(render.FORMATS[form](simulations.grids(records)))


def _default_folder(plans: Sequence[Plan]) -> Path:
    """The folder without --output: ``md/<name>-<dataset>-<subset>-<K>K-seed<seed>``."""
    plan = plans[0]
    name = plan.name.replace(":", ".").replace("/", "-")
    dataset, settings = plan.dataset.partition("@")[0], plan.settings
    state = "-".join(_state(plan) for plan in plans) if settings.thermostat != "none" else "nve"
    return Path("md") / f"{name}-{dataset}-{plan.subset}-{state}-seed{settings.seed}"


def _state(plan: Plan) -> str:
    return f"{plan.settings.temperature:g}K"


def _places(plans: Sequence[Plan], folder: Path) -> dict[Path, Plan]:
    """Where each plan is carried out: in the folder, or of several in one for each temperature.

    Raises
    ------
    UsageError
        If the folder holds simulations of one temperature, and there are several.
    """
    from teadata.errors import UsageError
    from teaeval.md.campaign import PLAN_FILE

    if len(plans) == 1:
        return {folder: plans[0]}
    if (folder / PLAN_FILE).exists():
        raise UsageError(
            f"{folder}: holds simulations at one temperature, and {len(plans)} were given; choose "
            "another --output"
        )
    return {folder / _state(plan): plan for plan in plans}


def _run(plans: dict[Path, Plan], folder: Path, jobs: int, as_json: bool) -> None:
    """Carry plans out, each in its folder; an error of one does not stop the others."""
    from teadata.errors import TeaError
    from teaeval.md.plan import finished
    from teaeval.md.replicas import check_jobs, prepare, run

    for plan in plans.values():
        check_jobs(plan, jobs)
    before = [path for path, plan in plans.items() if finished(plan, path)]
    named = shlex.quote(str(folder))
    again = f"teaeval md resume {named}" + (f" --jobs {jobs}" if jobs > 1 else "")
    kept = f"{folder} has all up to the last checkpoints; to go on: {again}"
    ended: dict[Path, list[Outcome]] = {}
    errors = []
    with console.keeping(kept), console.progress_bar() as progress:
        for path, plan in plans.items():  # so that all can be gone on with
            prepare(plan, path)
        for path, plan in plans.items():
            try:
                ended[path] = run(plan, path, jobs, progress)
            except TeaError as error:
                errors.append(error)
    for path in before:
        console.say(f"{path}: these simulations have ended before; nothing was done", err=as_json)
    _show(plans, ended, as_json)
    if errors:
        raise errors[0]
    if not as_json:
        console.say(f"{folder}: what they sampled: teaeval md analyse {named}")
    if any(outcome.status == "failed" for outcomes in ended.values() for outcome in outcomes):
        raise typer.Exit(1)


def _show(plans: dict[Path, Plan], ended: dict[Path, list[Outcome]], as_json: bool) -> None:
    """Print outcomes; of one temperature as a list, of several by folder."""
    if as_json:
        lists = {
            str(path): [outcome.model_dump(mode="json") for outcome in outcomes]
            for path, outcomes in ended.items()
        }
        console.print_json(lists if len(plans) > 1 else next(iter(lists.values()), []))
        return
    from teaeval.md.table import print_outcomes

    for path, outcomes in ended.items():
        print_outcomes(plans[path], outcomes)
