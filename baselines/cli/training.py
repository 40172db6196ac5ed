"""The commands ``baselines list``, ``show-config``, ``train``, ``resume``, ``predict``, …"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from baselines.cli.options import (
    ConfigName,
    ModelName,
    Run,
    TestFrames,
    TestSubset,
    TrainSubset,
    trained_subset,
)
from baselines.toolkit.devices import hide_gpus
from teadata import console
from teadata.destinations import check_new
from teadata.errors import install_command
from teadata.output.options import AsJson, DatasetId, Device, Replace, Seed
from teaeval.defaults import REPLICATES

if TYPE_CHECKING:
    from baselines.registry import ModelEntry
    from baselines.runs.record import Plan, TrainingRecord

AS_NONE = 0.98
"""Share of the mean |F| from which on a force MAE is as that of a model without forces."""


def list_models(as_json: AsJson = False) -> None:
    """List the models: what they need, whether that is installed, and what they take.

    Behind a configuration is its number of training frames; no model needs charges.
    """
    from baselines.config import names, size_of
    from baselines.registry import models

    known = models()
    sizes = {
        name: {each: size_of(name, each, model.configs) for each in names(name, model.configs)}
        for name, model in known.items()
    }
    if as_json:
        console.print_json([_described(name, known[name], sizes[name]) for name in known])
        return
    console.print_table(
        ["model", "title", "extra", "periodic", "datasets", "configurations", "devices", "doi"],
        [
            (
                name,
                model.title,
                f"{model.extra or model.package}: {_presence(model)}",
                "yes" if model.periodic else "no",
                ", ".join(model.datasets),
                ", ".join(f"{each} ({size})" for each, size in sizes[name].items()),
                ", ".join(model.devices),
                model.reference,
            )
            for name, model in known.items()
        ],
    )
    console.say(
        "in brackets: frames that a configuration trains on, if --size does not say another number"
    )
    absent = [model for model in known.values() if not model.installed]
    if extras := sorted({model.extra for model in absent if model.extra}):
        console.say(f"to install what is not: {install_command(','.join(extras))}")
    for model in absent:
        if not model.extra:
            for package in model.lacking:
                console.say(f"to install {package}: {install_command('', package)}")


def _presence(model: ModelEntry) -> str:
    """Whether a model is installed, or what it lacks."""
    return f"{', '.join(model.lacking)} not installed" if model.lacking else "installed"


def _described(name: str, model: ModelEntry, sizes: dict[str, int]) -> dict[str, Any]:
    """What a script reads of a model, and the sizes of its configurations."""
    return {
        "model": name,
        "title": model.title,
        "configurations": list(sizes),
        "sizes": sizes,
        "datasets": list(model.datasets),
        "periodic": model.periodic,
        "devices": list(model.devices),
        "backend": model.package,
        "extra": model.extra,
        "installed": model.installed,
        "lacking": list(model.lacking),
        "doi": model.reference,
    }


def show_config(
    model: ModelName,
    name: Annotated[
        str,
        typer.Argument(
            metavar="[CONFIG]", help="Configuration, a shipped one or the path of a YAML file."
        ),
    ] = "quick",
) -> None:
    """Print a configuration: every setting and what it means, as YAML that `train` reads."""
    from baselines import config
    from baselines.registry import entry

    known = entry(model)
    _, kind = known.classes()
    settings = config.read(kind, model, name, known.configs)
    console.say(config.to_yaml(settings, config.head(model, name, known.configs)), nl=False)


def train(
    model: ModelName,
    dataset: DatasetId,
    subset: TrainSubset = None,
    size: Annotated[
        int | None, typer.Option(help="Frames to train on, and as many to validate with.")
    ] = None,
    config: ConfigName = "quick",
    seed: Seed = 0,
    device: Annotated[
        str, typer.Option(help="Device: cpu, or cuda if the model can use it.")
    ] = "cpu",
    dtype: Annotated[
        str | None,
        typer.Option(help="Precision: float32 or float64; default: the configuration's."),
    ] = None,
    allow_tf32: Annotated[
        bool, typer.Option("--allow-tf32", help="Let a GPU round matrix products (so3krates).")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", file_okay=False, help="Output: run folder; default: in runs/."
        ),
    ] = None,
) -> None:
    """Train a model; an interrupted training is resumed by the same command, or by `resume`."""
    from baselines.registry import entry
    from baselines.runs import folder as runs
    from teadata import catalog

    data = catalog.load(dataset)
    plan = runs.make_plan(
        model,
        data,
        trained_subset(data, subset),
        size,
        config,
        seed,
        device,
        dtype,
        allow_tf32 or None,
    )
    folder = output or runs.default_folder(plan)
    before = runs.finished(folder)
    if not before and not entry(model).suits(data.card.id):
        console.say(
            f"warning: {entry(model).title} is not meant for {data.card.id}, and is likely to "
            "learn little; for what it is meant: baselines list",
            err=True,
        )
    hide_gpus(device)
    kept = f"{folder} has the last checkpoint; to go on: {_resuming(folder)}"
    with console.keeping(kept), console.progress_bar() as progress:
        record = runs.train(plan, folder, progress)
    _say(folder, record, before)


def resume(run: Run) -> None:
    """Go on with an interrupted training."""
    from baselines.runs import folder as runs

    before = runs.finished(run)
    hide_gpus(runs.read_plan(run).device)
    kept = f"{run} has the last checkpoint; to go on: {_resuming(run)}"
    with console.keeping(kept), console.progress_bar() as progress:
        record = runs.resume(run, progress)
    _say(run, record, before)


def _mean_force(plan: Plan) -> float:
    """Mean |F| of the validation frames in kcal/mol/Å."""
    import teadata

    return float(abs(teadata.load(plan.dataset).split(plan.valid).forces).mean())


def _resuming(run: Path) -> str:
    return f"baselines resume {shlex.quote(str(run))}"


def _say(folder: Path, record: TrainingRecord, before: bool) -> None:
    plan = record.plan
    if before:
        console.say(f"{folder}: this training has finished before; nothing was done")
    selected = ", ".join(
        f"{key} {value:.6g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in record.selected.items()
    )
    since = "" if record.whole_time else " since it was last resumed"
    console.say(
        f"{folder}: {plan.model} trained on {plan.dataset} {plan.train} in "
        f"{record.wall_seconds:.0f} s{since}, {record.peak_memory_mib:.0f} MiB; {selected}"
    )
    console.say(
        f"validation on {plan.valid}: energy MAE {record.valid['energy_mae']:.3g} kcal/mol, "
        f"force MAE {record.valid['force_mae']:.3g} kcal/mol/Å"
    )
    if not before and record.valid["force_mae"] >= AS_NONE * _mean_force(plan):
        console.say(
            "warning: a model that predicts no force at all has as small a force MAE; train on "
            "more frames or for longer, or look at the settings",
            err=True,
        )
    run, subset = shlex.quote(str(folder)), plan.train.split("/")[0]
    simulated = f"teaeval md run {plan.dataset.partition('@')[0]} --subset {subset} --run {run}"
    console.say(f"next: baselines score {run}\n      {simulated}")


def predict(
    run: Run,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Output: .npz, .h5, .zarr, .parquet or .xyz.")
    ],
    subset: TestSubset = None,
    device: Device = None,
    replace: Replace = False,
) -> None:
    """Predict a test set and write a prediction file for `teaeval score`."""
    from baselines.runs import predictions
    from teaeval.predictions.writing import check_suffix, write_prediction

    check_suffix(output)
    _use_only(run, device)
    before = predictions.written_before(run, subset, output)
    if before is None:
        check_new(output, replace)
        with console.progress_bar() as progress:
            prediction = predictions.predict(run, subset, progress, device)
        write_prediction(output, prediction)
    else:
        prediction = before
        console.say(f"{output}: this model's prediction was written before; nothing was done")
    console.say(
        f"{output}: {len(prediction.energies)} frames of {prediction.dataset} "
        f"{prediction.subset}/test\nnext: teaeval score {shlex.quote(str(output))}"
    )


def score(
    run: Run,
    subset: TestSubset = None,
    device: Device = None,
    bootstrap: Annotated[
        int,
        typer.Option(min=0, help="Bootstrap samples: for the intervals of MAX; 0: no intervals."),
    ] = REPLICATES,
    frames: TestFrames = None,
    as_json: AsJson = False,
) -> None:
    """Predict a test set and score it, as `teaeval score` does; both files stay in the folder."""
    from baselines.runs import predictions
    from teaeval.tables import single as table

    _use_only(run, device)
    with console.progress_bar() as progress:
        scored = predictions.score(run, subset, progress, device, bootstrap, frames)
    if as_json:
        console.say(scored.model_dump_json(indent=2))
    else:
        table.print_score(scored)
        assert scored.dataset is not None
        part = "" if scored.coverage.complete else " --allow-failed"
        name = predictions.part_name(scored.dataset.subset, frames)
        prediction, file = (
            shlex.quote(str(run / path))
            for path in (f"predictions/{name}.npz", f"scores/{name}.json")
        )
        console.say(
            f"written: {prediction} and {file}\n"
            f"next: teaeval report {prediction} -o report.html{part}\n"
            f"      teaeval table {file}"
        )


def bench(run: Run, device: Device = None, as_json: AsJson = False) -> None:
    """Time the predictions of a trained model, one frame and many at a time."""
    from baselines.runs.speed import bench as measure

    _use_only(run, device)
    speed = measure(run, device)
    if as_json:
        console.print_json(speed.model_dump())
        return
    console.print_fields(
        {
            "model": f"{speed.model}, {speed.dataset}, {speed.device}",
            "hardware": ", ".join(speed.hardware.values()),
            "training": f"{speed.train_seconds:.0f} s, {speed.train_frames} frames, "
            + (
                "frames/s not known: the time is of its last session, and nothing kept that of "
                "those before"
                if speed.train_frames_per_second is None
                else f"{speed.train_frames_per_second:.3g} frames/s"
            ),
            "one frame": f"{speed.one_us_per_atom:.0f} µs/atom",
            f"{speed.many_frames} frames": f"{speed.many_us_per_atom:.0f} µs/atom",
            "ASE calculator": f"{speed.calculator_us_per_atom:.0f} µs/atom",
        }
        | (
            {}
            if speed.one_cpu_us_per_atom is None
            else {"processor time": f"{speed.one_cpu_us_per_atom:.0f} µs/atom of one frame"}
        )
    )


def _use_only(run: Path, device: str | None) -> None:
    """Leave the GPUs alone if the model of a run folder is to predict on the CPU."""
    from baselines.runs.folder import RECORD_FILE
    from baselines.runs.record import TrainingRecord

    hide_gpus(device or TrainingRecord.read(run / RECORD_FILE).plan.device)


RUN_FOLDER = "runs/mace-mini-i-folded-200-quick-seed0"


def register(app: console.App) -> None:
    """Add these commands to ``baselines``."""
    for name, command, example in (
        ("list", list_models, "baselines list"),
        ("show-config", show_config, "baselines show-config mace paper-i > mine.yaml"),
        ("train", train, "baselines train mace mini-i --subset folded --size 200"),
        ("resume", resume, f"baselines resume {RUN_FOLDER}"),
        ("predict", predict, f"baselines predict {RUN_FOLDER} -o mace.npz"),
        ("score", score, f"baselines score {RUN_FOLDER} --subset unfolded"),
        ("bench", bench, f"baselines bench {RUN_FOLDER}"),
    ):
        app.command(name, epilog=f"Example: {example}")(command)
