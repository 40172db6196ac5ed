"""Begin a submission: a folder with prediction files, and ``submission.yaml`` to be completed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Collection, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from teadata.destinations import check_elsewhere
from teadata.errors import DataError, UsageError
from teadata.files import check_input, contents, staging
from teadata.provenance import sha256
from teaeval.board import folder as files
from teaeval.board.checking import frames_of
from teaeval.board.submission import PART, SUBMISSION_FILE, Submitted
from teaeval.md.record import read as read_simulations
from teaeval.md.record import record_files
from teaeval.predictions import sidecar
from teaeval.predictions.reading import read_prediction

HEAD = """# What is submitted, by whom. `teaeval submit check` says what is missing or wrong.
# More that can be said: mark, affiliation, code, weights, citation, simulations, hydrogen, card;
# of the training: memory_gib, us_per_atom, inference_hardware; of a prediction: claims, score.
"""


def begin(
    folder: Path,
    predictions: Sequence[Path],
    records: Sequence[Path] = (),
    said: dict[str, Any] | None = None,
    speeds: Sequence[Path] = (),
    float32: bool = False,
    simulations: Sequence[Path] = (),
) -> None:
    """Make a submission: copies of prediction files, and what is known of them.

    Parameters
    ----------
    folder
        A new or empty folder.
    predictions
        Prediction files.
    records
        Records of their trainings, by whose SHA-256 a prediction names its own.
    said
        What is known of the submission: model, version, authors, licence.
    speeds
        Timings of ``baselines bench --json``, which name the record of their training.
    float32
        Whether forces are copied in single precision, which are half the bytes.
    simulations
        Records of ``teaeval md analyse``, or folders of them, which are copied.

    Raises
    ------
    UsageError
        If the folder is not empty, a name does not suit, a record is of another training, or
        predictions are of several models and no name was given.
    TeaError
        If a prediction or a record of simulations cannot be read.
    """
    if folder.exists() and (not folder.is_dir() or contents(folder)):
        raise UsageError(f"{folder}: is there, and not empty; give a new folder")
    target = Path(os.path.realpath(folder))
    check_elsewhere(folder, target)
    for path in (*records, *speeds):
        check_input(path)
    by_checksum = {sha256(path): path for path in records}
    timed = dict(map(_timed, speeds))
    words: dict[str, Any] = {"model": "?", "version": "1", "authors": ["?"], "licence": "?"}
    listed, sizes, trainings = [], [], []
    trained: set[str | None] = set()
    models: dict[str, Path] = {}
    copied: dict[str, Path] = {}
    for n, path in enumerate(predictions):
        _check_name(path, copied, n)
        copied[path.name] = path
        prediction = read_prediction(path)
        trained.add(prediction.record)
        if prediction.model:
            models.setdefault(prediction.model, path)
        if (size := frames_of(prediction.train)) is not None:
            sizes.append(size)
        # what a file beside it declares is said in submission.yaml
        item = {"file": path.name} | _declared(path) | timed.get(prediction.record or "", {})
        if (record := by_checksum.get(prediction.record or "")) is not None:
            taken, spent = _trained(record)
            trainings.append(taken)
            item |= {"record": _copied_as(record, path, copied)} | spent
        listed.append(item)
    _check_used(records, speeds, trained)
    if models and not (said or {}).get("model"):
        words["model"] = _only(models)
    training = {"data": "?"} | ({"size": sorted(set(sizes))} if sizes else {}) | _common(trainings)
    if listed:
        first = read_prediction(predictions[0])
        training["data"] = " ".join(filter(None, (first.dataset, first.train))) or "?"
    words |= {name: value for name, value in (said or {}).items() if value}
    words |= {"training": training, "predictions": listed}
    if simulations:
        words["simulations"] = [_simulated(path, copied) for path in _records_in(simulations)]
    _write(target, words, copied, set(predictions) if float32 else set())


def _write(
    folder: Path, words: dict[str, Any], copied: dict[str, Path], single: Collection[Path]
) -> None:
    """Write a submission and its files, by name, whole or not at all; some in single precision."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with staging(folder.parent) as place:
        new = place / "submission"
        new.mkdir()
        for name, path in copied.items():
            if path in single:
                _copy_single(path, new / name)
            else:
                shutil.copyfile(path, new / name)
        (new / SUBMISSION_FILE).write_text(HEAD + _yaml(words), encoding="utf-8")
        if folder.exists():
            folder.rmdir()
        new.rename(folder)


def _only(models: dict[str, Path]) -> str:
    """The one model that predictions are of, each name with a file that has it."""
    if len(models) > 1:
        named = ", ".join(f"{model} ({path})" for model, path in models.items())
        raise UsageError(
            f"the predictions are of several models: {named}; a submission is of one: leave the "
            "others out, or say with --model what it is called"
        )
    return next(iter(models))


def _declared(path: Path) -> dict[str, Any]:
    """What the file beside a prediction declares of it, as far as a submission says it."""
    beside = sidecar.read(path)
    if keys := sorted({"energy_key", "forces_key"} & beside.keys()):
        better = path.with_name(f"{path.stem}-declared.npz")
        command = shlex.join(["teaeval", "declare", str(path), "-o", str(better)])
        raise UsageError(
            f"{path}: {path.name}.yaml beside it says {' and '.join(keys)}, which a submission "
            f"cannot say; write a file whose arrays have the usual names: {command}"
        )
    return {name: beside[name] for name in Submitted.model_fields if name in beside}


def _copied_as(record: Path, prediction: Path, copied: dict[str, Path]) -> str:
    """The name of a record in the submission, where one of a training is enough.

    It has the prediction's whole name in it, so that it is free where that is, also beside one of
    the same stem.
    """
    known = [name for name, source in copied.items() if source == record]
    name = known[0] if known else f"{prediction.name}.record.json"
    copied[name] = record
    return name


def _records_in(paths: Sequence[Path]) -> list[Path]:
    """The records of simulations at paths, which may be folders, also of several temperatures."""
    found = [one for path in paths for one in record_files(path)]
    for path in found:
        read_simulations(path)
    return found


def _simulated(path: Path, copied: dict[str, Path]) -> str:
    """Name a record of simulations in the submission, the second md.json by its folder."""
    parts = path.resolve().parts[-3:]
    taken = {name.casefold() for name in copied}
    names = ["-".join(parts[n:]) for n in range(len(parts) - 1, -1, -1)]
    free = [name for name in names if name.casefold() not in taken and PART.fullmatch(name)]
    if not free:
        raise UsageError(
            f"{path}: no name is free for it in the submission; rename the file to one of letters, "
            "digits and ._+=- that no other has"
        )
    copied[free[0]] = path
    return free[0]


def _yaml(words: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(words, sort_keys=False, allow_unicode=True, width=100)


def _check_name(path: Path, copied: dict[str, Path], place: int) -> None:
    """Refuse a file that a submission cannot hold under its name; ``place`` among the others."""
    if path.suffix.lower() not in files.SUFFIXES:
        raise UsageError(
            f"{path}: predictions on a board are {', '.join(files.SUFFIXES)}; `teaeval declare` "
            "writes one from any other form"
        )
    if not PART.fullmatch(path.name):
        raise UsageError(f"{path}: expected a name of letters, digits and ._+=-; rename it")
    same = [other for name, other in copied.items() if name.casefold() == path.name.casefold()]
    if path in same:
        raise UsageError(f"{path}: is given twice; give it once")
    if same:
        names = (f"{path.stem}-{n}{path.suffix}" for n in count(place + 1))
        better = next(name for name in names if not os.path.lexists(name))
        command = shlex.join(["cp", str(path), better])
        raise UsageError(
            f"{path}: is called as {same[0]} is, and a submission is one folder; give it a name of "
            f"its own: {command}"
        )


def _check_used(records: Sequence[Path], speeds: Sequence[Path], trained: set[str | None]) -> None:
    """Refuse a record or a timing of a training that no prediction is of.

    Raises
    ------
    UsageError
        If there is one; it names the file.
    """
    of = [(path, sha256(path)) for path in records] + [(path, _timed(path)[0]) for path in speeds]
    for path, record in of:
        if record not in trained:
            raise UsageError(
                f"{path}: is of a training whose record has SHA-256 {record[:12]}…, and no "
                "prediction is; give those that `baselines predict` made with it, or leave it out"
            )


def _copy_single(path: Path, to: Path) -> None:
    """Copy a prediction, its forces in single precision.

    Raises
    ------
    UsageError
        If it is no npz file, or has forces that are too large for single precision.
    """
    if path.suffix.lower() != ".npz":
        raise UsageError(f"{path}: --float32 takes .npz; write the prediction as one, or leave it")
    name = read_prediction(path).source["forces_key"]
    with np.load(path, allow_pickle=False) as stored:
        arrays = dict(stored)
    forces = arrays[name]
    most, limit = (
        float(np.abs(forces[np.isfinite(forces)]).max(initial=0.0)),
        float(np.finfo(np.float32).max),
    )
    if most > limit:
        raise UsageError(
            f"{path}: has a force of {most:.4g}, and single precision ends at {limit:.4g}; leave "
            "out --float32"
        )
    arrays[name] = forces.astype(np.float32)
    np.savez_compressed(to, allow_pickle=False, **arrays)


def _common(trainings: list[dict[str, Any]]) -> dict[str, Any]:
    """What all trainings share; of their settings those that have one value in all."""
    if not trainings:
        return {}
    shared = {
        name: value
        for name, value in trainings[0].items()
        if name != "hyperparameters" and all(other[name] == value for other in trainings)
    }
    settings = {
        name: value
        for name, value in trainings[0]["hyperparameters"].items()
        if all(other["hyperparameters"].get(name, ...) == value for other in trainings)
    }
    return shared | ({"hyperparameters": settings} if settings else {})


def _trained(record: Path) -> tuple[dict[str, Any], dict[str, float]]:
    """Settings and hardware from the record of a training, and its time and memory.

    Raises
    ------
    DataError
        If it is no record of ``baselines train``.
    """
    try:
        content = json.loads(record.read_bytes())
        machine = content["hardware"]
        cores = f"{machine['cores']} core{'s' * (machine['cores'] != '1')}"
        gpu = machine.get("gpu")
        settings = {
            name: _setting(value)
            for name, value in content["plan"]["config"].items()
            if not isinstance(value, dict)
        }
        return (
            {
                "hyperparameters": settings,
                "hardware": ", ".join(filter(None, (machine["processor"], cores, gpu))),
                "hardware_class": _class(machine),
            },
            {
                "hours": float(f"{content['wall_seconds'] / 3600:.4g}"),
                "memory_gib": float(f"{content['peak_memory_mib'] / 1024:.4g}"),
            },
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{record}: is no record of a training, as `baselines train` writes it ({error})"
        ) from None


def _timed(path: Path) -> tuple[str, dict[str, Any]]:
    """The training that a timing is of, by the SHA-256 of its record, and the time.

    Raises
    ------
    DataError
        If it is no timing of ``baselines bench``.
    """
    try:
        content = json.loads(path.read_bytes())
        return str(content["record"]), {
            "us_per_atom": float(f"{content['one_us_per_atom']:.3g}"),
            "inference_class": _class(content["hardware"]),
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: is no timing, as `baselines bench RUN --json` prints it ({error!r})"
        ) from None


def _class(machine: dict[str, str]) -> str:
    """The class of the hardware of a record."""
    return "GPU" if "gpu" in machine else "one core" if machine["cores"] == "1" else "CPU"


def _setting(value: Any) -> Any:
    """A setting as a submission states it: lists of lists as text."""
    if isinstance(value, list) and any(isinstance(one, list | dict) for one in value):
        return json.dumps(value)
    return value
