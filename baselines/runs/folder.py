"""Run folders: a training from its plan to its record, and the model that it made."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines import config
from baselines.protocol import Baseline
from baselines.registry import ModelEntry, entry
from baselines.runs.record import Plan, TrainingRecord, hardware, peak_memory_mib, versions
from baselines.runs.sessions import CONFIG_FILE, PLAN_FILE, SESSIONS_FILE, Stopwatch
from baselines.toolkit.devices import (
    check_device,
    gpu,
    peak_gpu_memory_mib,
    reset_peak_gpu_memory,
)
from teadata import Dataset, catalog
from teadata.errors import (
    DataError,
    MissingExtraError,
    TeaError,
    UsageError,
    expect,
    expect_path,
    unknown_name,
)
from teadata.files import LOCK_FILE, atomic_write, check_folder, contents, locked, write_text
from teadata.provenance import sha256, sha256_of
from teadata.seeds import check_seed
from teadata.typing import Progress, no_progress

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

CURVE_FILE, RECORD_FILE = "curve.parquet", "record.json"


RUN = "a run folder"
"""What errors say is expected."""


def _usable(name: str, device: str) -> ModelEntry:
    model = entry(name)
    if device not in model.devices:
        raise unknown_name(f"device of {name}", device, model.devices)
    if lacking := model.lacking:
        raise MissingExtraError(lacking[0], model.extra, model.title)
    check_device(device, model.framework)
    return model


def make_plan(
    model: str,
    dataset: Dataset,
    subset: str,
    size: int | None = None,
    config_name: str = "quick",
    seed: int = 0,
    device: str = "cpu",
    dtype: str | None = None,
    allow_tf32: bool | None = None,
) -> Plan:
    """Make the plan of a training: splits, settings and checksums, all resolved and checked.

    Parameters
    ----------
    model
        Name of the model.
    dataset
        What to train on.
    subset
        Subset whose train and valid splits are used.
    size
        Frames to train on; by default the configuration's.  As many validate, or all the
        validation frames there are.
    config_name
        Name of a shipped configuration, or path of a YAML file.
    seed
        Seed of everything random, from 0 to :data:`teadata.seeds.LARGEST_SEED`.
    device
        ``"cpu"`` or ``"cuda"``.
    dtype
        ``"float32"`` or ``"float64"``; by default the configuration's.
    allow_tf32
        Whether a GPU may round the factors of matrix products, for a model that can choose; by
        default the configuration's.

    Raises
    ------
    UsageError
        If the model, configuration, subset, size, seed or device does not exist.
    DataError
        If the configuration is not valid, or the model has no such dtype or option.
    """
    model_entry = entry(model)
    _, kind = model_entry.classes()
    settings = config.read(kind, model, config_name, model_entry.configs)
    for option, value in (("size", size), ("dtype", dtype), ("allow_tf32", allow_tf32)):
        if value is not None:
            values = settings.model_dump() | {option: value}
            settings = config.parse(kind, values, f"--{option.replace('_', '-')} of {model}")
    train, valid = f"{subset}/train/{settings.size}", f"{subset}/valid"
    _check_frames(dataset, subset, settings.size, size is None)
    valid = f"{valid}/{min(settings.size, len(dataset.splits.ids(valid)))}"
    if device not in model_entry.devices:
        raise unknown_name(f"device of {model}", device, model_entry.devices)
    return Plan(
        model=model,
        config_name=config_name,
        config=settings.model_dump(mode="json"),
        seed=check_seed(seed),
        device=device,
        dataset=dataset.card.full_id,
        frames_sha256=dataset.card.file("frames").sha256,
        splits_sha256=dataset.card.file("splits").sha256,
        train=train,
        valid=valid,
    )


def _check_frames(dataset: Dataset, subset: str, size: int, by_default: bool) -> None:
    """Refuse a subset with too few training frames, or without any to validate on."""
    splits, where = dataset.splits, f"{dataset.card.full_id} {subset}"
    count = len(splits.ids(f"{subset}/train"))
    if by_default and size > count:
        raise UsageError(
            f"the configuration trains on {size} frames, and {where} has {count} to train on; say "
            f"how many to take, {count} at most: --size, or sizes in a campaign"
        )
    splits.ids(f"{subset}/train/{size}")
    if not splits.count(subset, "valid"):
        raise UsageError(
            f"{where} has no validation frames, and a training needs some; make a version that "
            "has, by the `teadata create` that made this one, with --valid N and the next --version"
        )


def default_folder(plan: Plan) -> Path:
    """``runs/<model>-<dataset>-<subset>-<size>-<config>-seed<seed>``."""
    subset, _, size = plan.train.split("/")
    name = Path(plan.config_name).stem
    dataset = plan.dataset.partition("@")[0]
    return Path("runs") / f"{plan.model}-{dataset}-{subset}-{size}-{name}-seed{plan.seed}"


def finished(folder: Path) -> bool:
    """Whether the training of a run folder has finished."""
    return (folder / RECORD_FILE).exists()


def _done_before(plan: Plan, folder: Path) -> TrainingRecord | None:
    """The record of this very training, if it has finished in this folder before."""
    if not finished(folder):
        return None
    record = TrainingRecord.read(folder / RECORD_FILE)
    if not _same(record.plan, plan):
        raise UsageError(
            f"{folder}: a training with another plan has finished here already; remove the folder, "
            "or choose another one with --output"
        )
    return record


def _same(one: Plan, other: Plan) -> bool:
    """Whether two plans are the same, whatever the file of their configuration is called."""
    return one == other.model_copy(update={"config_name": one.config_name})


def _check_folder(folder: Path) -> list[Path]:
    """Make the run folder, or check that it is one; any other folder is refused.

    Returns
    -------
    The folders that were made, the run folder first.
    """
    if (folder / PLAN_FILE).exists():
        return []
    there = contents(folder) if folder.is_dir() else set()
    if folder.exists() and (not folder.is_dir() or there - {LOCK_FILE}):
        raise UsageError(f"{folder}: exists and is not a run folder; choose another --output")
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot be made ({error.strerror or error})") from None
    return made


def _prepare(plan: Plan, settings: config.ModelConfig, folder: Path) -> bool:
    """Write the plan, or find the same one there; return whether a training is resumed."""
    plan_file = folder / PLAN_FILE
    if plan_file.exists():
        if not _same(read_plan(folder), plan):
            raise UsageError(
                f"{folder}: holds an unfinished training with another plan ({PLAN_FILE}); remove "
                "the folder, or choose another one with --output"
            )
        return True
    write_text(folder / CONFIG_FILE, config.to_yaml(settings))
    write_text(plan_file, plan.model_dump_json(indent=1))
    return False


def _forget(folder: Path, made: list[Path]) -> None:
    """Remove what a training leaves that was refused and has nothing to go on with.

    That is its plan, and the folders that were made for it.
    """
    if contents(folder) <= {PLAN_FILE, CONFIG_FILE, SESSIONS_FILE, LOCK_FILE}:
        for name in (PLAN_FILE, CONFIG_FILE, SESSIONS_FILE):
            (folder / name).unlink(missing_ok=True)
        if made:
            (folder / LOCK_FILE).unlink(missing_ok=True)
        for path in made:
            with suppress(OSError):  # something else was put there meanwhile
                path.rmdir()


def read_plan(folder: Path) -> Plan:
    """Read the plan of a run folder.

    Raises
    ------
    DataError
        If there is none.
    """
    check_folder(folder, "a run folder, which `baselines train` makes")
    return Plan.from_json(
        folder / PLAN_FILE,
        "the plan of a training",
        "this is not a run folder: start one with `baselines train`",
    )


def _write_curve(path: Path, curve: list[dict[str, float]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic_write(path) as partial:
        pq.write_table(pa.Table.from_pylist(curve), partial)


def read_curve(folder: Path) -> list[dict[str, float]]:
    """Read the learning curve of a run folder: one entry per step of training or selection.

    Raises
    ------
    DataError
        If the training has not finished.
    """
    import pyarrow.parquet as pq

    if not (folder / CURVE_FILE).is_file():
        raise DataError(f"{folder / CURVE_FILE}: no learning curve; the training has not finished")
    curve: list[dict[str, float]] = pq.read_table(folder / CURVE_FILE).to_pylist()
    return curve


def train(plan: Plan, folder: Path | str, progress: Progress = no_progress) -> TrainingRecord:
    """Carry out a plan in a run folder, and leave its record there.

    An interrupted training is taken up where its model's fit can; a finished one is not repeated.

    Parameters
    ----------
    plan
        From :func:`make_plan`.
    folder
        Made if it does not exist.
    progress
        Called as the training advances.

    Raises
    ------
    UsageError
        If the folder holds another plan's training, or anything else, or another process
        trains there.
    MissingExtraError
        If the backend is not installed.
    """
    expect(plan, Plan, "a plan of a training, as make_plan makes")
    folder = expect_path(folder, RUN)
    if (record := _done_before(plan, folder)) is not None:
        return record
    model_entry = _usable(plan.model, plan.device)
    model_class, kind = model_entry.classes()
    settings = config.parse(kind, plan.config, str(folder / PLAN_FILE))
    dataset = same_data(plan)
    made = _check_folder(folder)
    with locked(folder, "training", "another --output"):
        resumed = _prepare(plan, settings, folder)
        watch = Stopwatch(folder, resumed)
        split, told = dataset.split, watch.noting(progress)
        try:
            reset_peak_gpu_memory(plan.device, model_entry.framework)
            model = model_class(settings, plan.seed, plan.device)
            fitted = model.fit(split(plan.train), split(plan.valid), folder, told)
        except TeaError:
            if not resumed:
                _forget(folder, made)
            raise
        finally:
            watch.note()
        _write_curve(folder / CURVE_FILE, fitted.curve)
        record = TrainingRecord(
            plan=plan,
            selected=fitted.selected,
            valid=fitted.valid,
            model_sha256=sha256_of(folder / model.model_file),
            curve_sha256=sha256(folder / CURVE_FILE),
            versions=versions(list(model_entry.traced)),
            hardware=hardware() | gpu(plan.device, model_entry.framework),
            wall_seconds=watch.seconds(),
            session_seconds=watch.sessions(),
            peak_memory_mib=round(peak_memory_mib(), 1),
            peak_gpu_memory_mib=peak_gpu_memory_mib(plan.device, model_entry.framework),
            resumed=resumed,
        )
        write_text(folder / RECORD_FILE, record.model_dump_json(indent=1))
    return record


def resume(folder: Path | str, progress: Progress = no_progress) -> TrainingRecord:
    """Go on with the interrupted training of a run folder, as :func:`train` with its plan.

    Raises
    ------
    DataError
        If it is not a run folder.
    UsageError
        If another process is at it.
    """
    folder = expect_path(folder, RUN)
    return train(read_plan(folder), folder, progress)


def same_data(plan: Plan) -> Dataset:
    """Load the dataset of a plan, and check that its frames and splits are the same.

    Raises
    ------
    DataError
        If the one here has other frames or splits.
    """
    dataset = catalog.load(plan.dataset)
    dataset.require(plan.frames_sha256, plan.splits_sha256)
    return dataset


def load(folder: Path | str, device: str | None = None) -> Baseline[Any, Any]:
    """Load the trained model of a run folder.

    Parameters
    ----------
    folder
        A run folder whose training has finished.
    device
        Where to predict; by default where it was trained.

    Raises
    ------
    DataError
        If the folder has no record, or its model is not the one the record is of.
    UsageError
        If there is no such device.
    MissingExtraError
        If the backend is not installed.
    """
    folder = expect_path(folder, RUN)
    record = TrainingRecord.read(folder / RECORD_FILE)
    device = device or record.plan.device
    model_class, kind = _usable(record.plan.model, device).classes()
    path = folder / model_class.model_file
    if not path.exists():
        raise DataError(f"{path}: the trained model is missing")
    actual = sha256_of(path)
    if actual != record.model_sha256:
        raise DataError(
            f"{path}: sha256 {actual}, the record says {record.model_sha256}; the model is not the "
            "one that was trained here"
        )
    settings = config.parse(kind, record.plan.config, str(folder / RECORD_FILE))
    return model_class.load(path, settings, device)


def calculator_of(folder: Path, device: str | None = None) -> Calculator | None:
    """Make the ASE calculator of a run folder; None for any other folder.

    The entry point ``baselines`` of the group ``tea.calculators``, through which
    ``teaeval md run --run`` finds it; errors as for :func:`load`.
    """
    if not (folder / PLAN_FILE).exists():
        return None
    return load(folder, device).calculator()
