"""Run folders: a training from its plan to its record, and predictions with what it made."""

from __future__ import annotations

import time
from pathlib import Path

from baselines import config
from baselines.protocol import MODEL_FILE, Progress, no_progress
from baselines.record import Plan, TrainingRecord, hardware, peak_memory_mib, versions
from baselines.registry import ModelEntry, entry
from teadata import Dataset, TeaError, catalog
from teadata.errors import DataError, MissingExtraError, UsageError
from teadata.provenance import sha256, write_text
from teaeval.prediction import Prediction

PLAN_FILE, RECORD_FILE = "plan.json", "record.json"

TRACED = ["numpy", "scipy", "torch", "sgdml"]
"""Packages whose versions a record states."""


def _installed(name: str) -> ModelEntry:
    model = entry(name)
    if not model.installed:
        raise MissingExtraError(model.backend, model.extra, model.title)
    return model


def make_plan(
    model: str,
    dataset: Dataset,
    subset: str,
    size: int | None = None,
    config_name: str = "quick",
    seed: int = 0,
) -> Plan:
    """The plan of a training: splits, settings and checksums, all resolved and checked.

    Parameters
    ----------
    model
        Name of the model.
    dataset
        What to train on.
    subset
        Subset whose train and valid splits are used.
    size
        Frames to train on, and as many to validate; by default the configuration's.
    config_name
        Name of a shipped configuration, or path of a YAML file.
    seed
        Seed of everything random.

    Raises
    ------
    UsageError
        If the model, configuration, subset or size does not exist.
    DataError
        If the configuration is not valid.
    """
    _, kind = entry(model).classes()
    settings = config.read(kind, model, config_name)
    if size is not None:
        settings = config.parse(kind, settings.model_dump() | {"size": size}, "--size")
    splits = {role: f"{subset}/{role}/{settings.size}" for role in ("train", "valid")}
    for name in splits.values():
        dataset.splits.ids(name)
    return Plan(
        model=model,
        config_name=config_name,
        config=settings.model_dump(),
        seed=seed,
        dataset=dataset.card.full_id,
        frames_sha256=dataset.card.file("frames").sha256,
        splits_sha256=dataset.card.file("splits").sha256,
        **splits,
    )


def default_folder(plan: Plan) -> Path:
    """``runs/<model>-<dataset>-<subset>-<size>-<config>-seed<seed>``."""
    subset, _, size = plan.train.split("/")
    name = Path(plan.config_name).stem
    dataset = plan.dataset.partition("@")[0]
    return Path("runs") / f"{plan.model}-{dataset}-{subset}-{size}-{name}-seed{plan.seed}"


def _prepare(plan: Plan, folder: Path) -> bool:
    """Make the run folder, or resume one of the same plan; say whether it is resumed."""
    plan_file = folder / PLAN_FILE
    text = plan.model_dump_json(indent=1)
    if (folder / RECORD_FILE).exists():
        raise UsageError(
            f"{folder}: a training has finished here already; remove the folder to repeat it, or "
            "choose another one with --output"
        )
    if plan_file.exists():
        if plan_file.read_text(encoding="utf-8") != text:
            raise UsageError(
                f"{folder}: holds an unfinished training with another plan ({PLAN_FILE}); remove "
                "the folder, or choose another one with --output"
            )
        return True
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: exists and is not a run folder; choose another --output")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot be made ({error.strerror or error})") from None
    write_text(plan_file, text)
    return False


def train(plan: Plan, folder: Path, progress: Progress = no_progress) -> TrainingRecord:
    """Carry out a plan in a run folder, and leave its record there.

    An interrupted training is taken up where its model's fit can.

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
        If the folder holds a finished training, another plan's, or anything else.
    MissingExtraError
        If the backend is not installed.
    """
    model_entry = _installed(plan.model)
    model_class, kind = model_entry.classes()
    settings = config.parse(kind, plan.config, PLAN_FILE)
    dataset = catalog.load(plan.dataset)
    resumed = _prepare(plan, folder)
    start = time.perf_counter()
    model = model_class(settings, plan.seed)
    fitted = model.fit(dataset.split(plan.train), dataset.split(plan.valid), folder, progress)
    record = TrainingRecord(
        plan=plan,
        selected=fitted.selected,
        valid=fitted.valid,
        curve=fitted.curve,
        model_sha256=sha256(folder / MODEL_FILE),
        versions=versions(TRACED),
        hardware=hardware(),
        wall_seconds=round(time.perf_counter() - start, 1),
        peak_memory_mib=round(peak_memory_mib(), 1),
        resumed=resumed,
    )
    write_text(folder / RECORD_FILE, record.model_dump_json(indent=1))
    return record


def predict(
    folder: Path, subset: str | None = None, progress: Progress = no_progress
) -> Prediction:
    """Predict a test set with the model of a run folder.

    Parameters
    ----------
    folder
        A run folder whose training has finished.
    subset
        Subset whose test set is predicted; by default the one trained on.
    progress
        Called as the prediction advances.

    Raises
    ------
    DataError
        If the folder has no record, or its model is not the one the record is of.
    UsageError
        If there is no such subset.
    TeaError
        If the dataset here is not the one that was trained on.
    """
    record = TrainingRecord.read(folder / RECORD_FILE)
    plan = record.plan
    model_entry = _installed(plan.model)
    if not (folder / MODEL_FILE).is_file():
        raise DataError(f"{folder / MODEL_FILE}: the trained model is missing")
    found = sha256(folder / MODEL_FILE)
    if found != record.model_sha256:
        raise DataError(
            f"{folder / MODEL_FILE}: sha256 {found}, the record says {record.model_sha256}; the "
            "model is not the one that was trained here"
        )
    dataset = catalog.load(plan.dataset)
    if dataset.card.file("frames").sha256 != plan.frames_sha256:
        raise TeaError(f"{plan.dataset} here is not the one this model was trained on")
    subset = subset or plan.train.split("/")[0]
    test = dataset.split(f"{subset}/test")
    model_class, kind = model_entry.classes()
    model = model_class.load(folder / MODEL_FILE, config.parse(kind, plan.config, RECORD_FILE))
    energies, forces = model.predict(test, progress)
    return Prediction(
        dataset=plan.dataset,
        subset=subset,
        energies=energies,
        forces=forces,
        frame_ids=test.ids,
        numbers=test.numbers,
        model=model_entry.title,
        train=plan.train,
        record=sha256(folder / RECORD_FILE),
    )
