"""SO3krates: its training step, and what rounding to tf32 does to its forces."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import teadata
from baselines.toolkit.devices import peak_gpu_memory_mib
from benchmarks.gpu.pieces import Context, Found
from benchmarks.gpu.settings import settings
from teadata.typing import no_progress

CHALLENGES = ("i", "ii", "iii", "iv")


def steps(context: Context) -> Found:
    """Time the compiled step of the four published settings, as they are and with tf32."""
    numbers: dict[str, Any] = {}
    for challenge in CHALLENGES:
        data = teadata.load(f"mini-{challenge}")
        train, valid = (
            data.split(f"complete/{role}/{context.few(12, 100)}") for role in ("train", "valid")
        )
        for tf32 in context.few((False,), (False, True)):
            count = context.few(2, 100)
            config = settings(
                context, "so3krates", f"paper-{challenge}", size=len(train), steps=10 * count,
                eval_every=count, allow_tf32=tf32,
            )  # fmt: skip
            name = f"{challenge}{'-tf32' if tf32 else ''}"
            numbers[name] = _step(context, config, train, valid)
    plain = [f"{numbers[each]['ms']:.1f}" for each in CHALLENGES]
    rounded = [f"{numbers[f'{each}-tf32']['ms']:.1f}" for each in CHALLENGES if not context.smoke]
    said = f"{', '.join(plain)} ms" + (f"; with tf32 {', '.join(rounded)} ms" if rounded else "")
    return Found(said, numbers)


def _step(context: Context, config: Any, train: Any, valid: Any) -> dict[str, Any]:
    """Milliseconds of a step, after as many to warm up, and seconds of the compilation."""
    from baselines.so3krates import session as backend

    with backend.session(config, context.device):
        from baselines.so3krates.training import Training

        start = time.perf_counter()
        training = Training(config, 0, train, valid)
        training.compile()
        compiled = time.perf_counter() - start
        training._advance(no_progress)
        before, start = training.step, time.perf_counter()
        training._advance(no_progress)  # which waits for the device at its end
        seconds = time.perf_counter() - start
        return {
            "ms": 1e3 * seconds / (training.step - before),
            "batch": config.batch_size,
            "atoms": train.n_atoms,
            "compile_seconds": compiled,
            "peak_mib": peak_gpu_memory_mib(context.device, "jax"),
        }


def tf32(context: Context) -> Found:
    """Train on mini-iii with and without tf32, and give each atom's force error.

    The weights that were trained in float32 predict with tf32 as well: what the rounding of the
    prediction alone does.
    """
    from baselines.so3krates import SO3krates

    data = teadata.load("mini-iii")
    train = data.split(f"complete/train/{context.few(12, 200)}")
    valid = data.split(f"complete/valid/{context.few(12, 100)}")
    test = data.split("complete/test")
    test = test[: context.few(4, len(test))]
    errors: dict[str, Any] = {}
    models: dict[str, Any] = {}
    for name, rounds in (("float32", False), ("tf32", True)):
        config = settings(
            context, "so3krates", "paper-iii", size=len(train), steps=context.few(12, 6000),
            eval_every=context.few(6, 1000), allow_tf32=rounds,
            batch_size=context.few(4, 10),
        )  # fmt: skip
        folder = context.folder / name
        folder.mkdir(exist_ok=True)
        models[name] = SO3krates(config, 0, context.device)
        models[name].fit(train, valid, folder)
    config = models["float32"].config.model_copy(update={"allow_tf32": True})
    file = context.folder / "float32" / SO3krates.model_file
    models["float32, predicted with tf32"] = SO3krates.load(file, config, context.device)
    files = []
    for name, model in models.items():
        predicted = model.predict(test)
        errors[name] = np.abs(predicted.forces - test.forces).mean(axis=(0, 2))
        files.append(_written(context.folder, name, test, predicted))
    figure = _drawn(context, files)
    numbers = {
        name: {
            "mae": float(each.mean()),
            "worst_atom": int(each.argmax()),
            "by_atom": each.tolist(),
        }
        for name, each in errors.items()
    }
    said = "; ".join(
        f"{name}: MAE {each['mae']:.3f}, worst atom {max(each['by_atom']):.3f} kcal/mol/Å"
        for name, each in numbers.items()
    )
    shown = "" if context.smoke else f" ([figure](figures/{figure.name}))"
    return Found(said + shown, numbers | {"steps": context.few(12, 6000)})


def _written(folder: Path, name: str, test: Any, predicted: Any) -> Path:
    from teaeval.predictions.prediction import Prediction
    from teaeval.predictions.writing import write_prediction

    path = folder / f"{name.replace(', ', '-').replace(' ', '-')}.npz"
    prediction = Prediction(
        dataset="mini-iii", subset="complete", energies=predicted.energies,
        forces=predicted.forces, frame_ids=test.ids, numbers=test.numbers,
        model=f"SO3krates, {name}",
    )  # fmt: skip
    write_prediction(path, prediction)
    return path


def _drawn(context: Context, files: list[Path]) -> Path:
    """The errors by atom as `teaeval plot atoms` draws them: the figure of SI 8."""
    place = context.folder if context.smoke else Path(__file__).parents[2] / "docs" / "figures"
    figure = place / "gpu-tf32.png"
    subprocess.run(
        [
            str(Path(sys.executable).parent / "teaeval"), "plot", "atoms", "--allow-failed",
            *map(str, files), "-o", str(figure),
        ],
        check=True, stdin=subprocess.DEVNULL, timeout=context.seconds,
    )  # fmt: skip
    return figure
