"""Trainings and predictions through `baselines`, beside the backends' own commands and calculators.

Whole processes, from files, with the same settings: what a user waits for.  The backends' commands
do a little more or less than ours after the training (mace_run_train evaluates its training frames,
sgdml tests its model, gap_fit predicts nothing); each comparison says what.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import ase.io
import pytest

import baselines
import teadata
from baselines import config, registry
from baselines.gap import fitting

BIN = Path(sys.executable).parent
ROUNDS = {"rounds": 3, "iterations": 1}
FRAMES = 50


def command(*arguments: object, cwd: Path | None = None) -> None:
    subprocess.run(
        [str(BIN / str(arguments[0])), *map(str, arguments[1:])],
        check=True,
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ,
    )


def settings_of(model: str, **changes: object) -> config.ModelConfig:
    """The quick settings with some changes, for fifty frames."""
    _, kind = registry.entry(model).classes()
    values = config.read(kind, model, "quick").model_dump(mode="json")
    return config.parse(kind, values | {"size": FRAMES} | changes, model)


@pytest.fixture
def fresh(tmp_path):
    """A setup function that gives each round a folder of its own."""
    count = iter(range(100))

    def setup(*arguments):
        folder = tmp_path / f"round{next(count)}"
        folder.mkdir()
        return (folder, *arguments), {}

    return setup


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Fifty frames to train on and fifty to validate, as the backends' commands read them."""
    folder = tmp_path_factory.mktemp("files")
    data = teadata.load("mini-i")
    for role in ("train", "valid"):
        split = f"folded/{role}/{FRAMES}"
        command("teadata", "export", "mini-i", "--split", split, "-o", folder / f"{role}.npz")
        images = data.split(split).to_ase()  # in eV, as mace-torch expects them
        for atoms in images:
            atoms.info["REF_energy"] = atoms.get_potential_energy()
            atoms.arrays["REF_forces"] = atoms.get_forces()
            atoms.calc = None
        ase.io.write(folder / f"{role}.xyz", images, format="extxyz")
    return folder


def train(folder: Path, model: str, settings: config.ModelConfig) -> None:
    (folder / "settings.yaml").write_text(config.to_yaml(settings))
    command("baselines", "train", model, "mini-i", "--subset", "folded",
            "--config", folder / "settings.yaml", "-o", folder / "run")  # fmt: skip


EPOCHS = 10


@pytest.mark.benchmark(group="MACE, 10 epochs of 50 frames of mini-i")
def test_mace(benchmark, fresh):
    settings = settings_of("mace", max_num_epochs=EPOCHS)
    benchmark.pedantic(train, setup=lambda: fresh("mace", settings), **ROUNDS)


@pytest.mark.benchmark(group="MACE, 10 epochs of 50 frames of mini-i")
def test_mace_run_train(benchmark, fresh, files):
    """Evaluates the training and validation frames once more at its end, and draws nothing."""
    arguments = []
    for name, value in settings_of("mace", max_num_epochs=EPOCHS).arguments(0, "cpu").items():
        if isinstance(value, bool):
            arguments += [f"--{name}"] if value else []
        else:
            arguments += [f"--{name}", str(value)]

    def work(folder: Path) -> None:
        command("mace_run_train", "--name", "peer", "--train_file", files / "train.xyz",
                "--valid_file", files / "valid.xyz", "--plot", "False", *arguments,
                cwd=folder)  # fmt: skip

    benchmark.pedantic(work, setup=fresh, **ROUNDS)


@pytest.mark.benchmark(group="sGDML, 50 frames of mini-i, one σ")
def test_sgdml(benchmark, fresh):
    settings = settings_of("sgdml", sigmas=[80], solver="analytic")
    benchmark.pedantic(train, setup=lambda: fresh("sgdml", settings), **ROUNDS)


@pytest.mark.benchmark(group="sGDML, 50 frames of mini-i, one σ")
def test_sgdml_all(benchmark, fresh, files):
    """Tests its model on fifty frames at its end."""

    def work(folder: Path) -> None:
        command("sgdml", "all", files / "train.npz", FRAMES, FRAMES, FRAMES, "-v",
                files / "valid.npz", "-t", files / "valid.npz", "-s", 80, "--cpu",
                cwd=folder)  # fmt: skip

    benchmark.pedantic(work, setup=fresh, **ROUNDS)


@pytest.fixture(scope="module")
def fits(tmp_path_factory) -> list[fitting.Fit]:
    """What our training asks of gap_fit: the two-body kernel alone, then all kernels."""
    asked: list[fitting.Fit] = []
    run = fitting.run
    model = baselines.load_model("gap")
    data = teadata.load("mini-i")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "run", lambda fit, *rest: (asked.append(fit), run(fit, *rest)))
        train, valid = (data.split(f"folded/{role}/{FRAMES}") for role in ("train", "valid"))
        model.fit(train, valid, tmp_path_factory.mktemp("fits"))
    return asked


@pytest.mark.benchmark(group="SOAP/GAP, 50 frames of mini-i, both stages")
def test_gap(benchmark, fresh):
    """Predicts training and validation frames between and after the fits."""
    settings = settings_of("gap")
    benchmark.pedantic(train, setup=lambda: fresh("gap", settings), **ROUNDS)


@pytest.mark.benchmark(group="SOAP/GAP, 50 frames of mini-i, both stages")
def test_gap_fit(benchmark, fresh, fits):
    def work(folder: Path) -> None:
        fitting.write_frames(
            folder / "frames.xyz", teadata.load("mini-i").split(f"folded/train/{FRAMES}")
        )
        for fit in fits:
            (folder / "gap_fit.in").write_text("\n".join(fit.arguments("frames.xyz")))
            command("gap_fit", "config_file=gap_fit.in", cwd=folder)

    benchmark.pedantic(work, setup=fresh, **ROUNDS)


@pytest.fixture(scope="module", params=["mace", "gap", "sgdml"])
def model(request, tmp_path_factory):
    """A small trained model, and the backend's own ASE calculator of the same model."""
    folder = tmp_path_factory.mktemp(request.param)
    changes = {
        "mace": {"max_num_epochs": 2},
        "gap": {},
        "sgdml": {"sigmas": [80], "solver": "analytic"},
    }[request.param]
    train(folder, request.param, settings_of(request.param, **changes))
    made = baselines.load(folder / "run")
    if request.param == "mace":
        from mace.calculators import MACECalculator

        made.export(folder / "peer.model")
        peer = MACECalculator(
            model_paths=str(folder / "peer.model"), device="cpu", default_dtype=made.config.dtype
        )
    elif request.param == "gap":
        from quippy.potential import Potential

        peer = Potential(param_filename=str(folder / "run" / "model" / "gap.xml"))
    else:
        from sgdml.intf.ase_calc import SGDMLCalculator

        peer = SGDMLCalculator(str(folder / "run" / "model.npz"))
    return made, peer


@pytest.fixture(scope="module")
def frames():
    return teadata.load("mini-i").split("folded/test")[:64]


def calculate(calculator, atoms) -> float:
    atoms.rattle(1e-6)  # a new structure each time: calculators keep the last one's results
    atoms.calc = calculator
    atoms.get_forces()
    return atoms.get_potential_energy()


@pytest.mark.benchmark(group="one frame of 42 atoms, by ASE calculators")
def test_calculator(benchmark, model, frames):
    benchmark(calculate, model[0].calculator(), frames[:1].to_ase()[0])


@pytest.mark.benchmark(group="one frame of 42 atoms, by ASE calculators")
def test_backends_calculator(benchmark, model, frames):
    atoms = frames[:1].to_ase()[0]
    if hasattr(model[1], "param_filename"):  # QUIP divides by the cell's volume
        atoms.center(vacuum=20.0)
    benchmark(calculate, model[1], atoms)


@pytest.mark.benchmark(group="64 frames of 42 atoms at once")
def test_many(benchmark, model, frames):
    assert len(benchmark(model[0].predict, frames).energies) == len(frames)
