"""The real mace-torch, with tiny models on few frames of the real data."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import teadata
from baselines import config, protocol
from baselines.mace import MACE, MACEConfig, backend
from baselines.mace.training import CHECKPOINT_FILE, Training, composition_energy
from teadata import Frames, TeaError
from teadata.errors import DataError
from teadata.units import EV

torch = pytest.importorskip("torch")
pytest.importorskip("mace")

TINY = {
    "size": 8,
    "num_channels": 4,
    "max_L": 1,
    "max_ell": 2,
    "correlation": 2,
    "r_max": 3.5,
    "radial_MLP": [8],
    "ema_decay": 0.9,
    "batch_size": 3,
    "valid_batch_size": 4,
    "max_num_epochs": 4,
}
"""Settings of which a training takes a second."""


@pytest.fixture(scope="module")
def settings():
    return MACEConfig(**TINY)


@pytest.fixture(scope="module")
def trained(mini_i, settings, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("mace")
    model = MACE(settings)
    result = model.fit(mini_i.split("folded/train/8"), mini_i.split("folded/valid/8"), workdir)
    return model, result, workdir


@pytest.fixture(scope="module")
def crystals(settings, tmp_path_factory):
    """A model of each periodic system, and a few of its test frames."""
    found = {}
    for name in ("mini-iii", "mini-iv", "mini-hydrogen"):
        dataset = teadata.load(name)
        workdir = tmp_path_factory.mktemp(name)
        model = MACE(settings.model_copy(update={"max_num_epochs": 2, "batch_size": 2}))
        model.fit(dataset.split("complete/train/4"), dataset.split("complete/valid/2"), workdir)
        found[name] = model, dataset.split("complete/test")[:2]
    return found


def like(frames: Frames, positions: np.ndarray, **changed: object) -> Frames:
    """Unlabelled frames of a system at other positions, or in other cells."""
    values = {"numbers": frames.numbers, "cell": frames.cell, "pbc": frames.pbc} | changed
    if values["cell"] is not None:
        values["cell"] = np.broadcast_to(values["cell"], (len(positions), 3, 3))
    shape = positions.shape
    return Frames(
        positions=positions,
        energies=np.full(shape[0], np.nan),
        forces=np.full(shape, np.nan),
        **values,
    )


# -- the physics


@pytest.mark.parametrize("name", ["mini-i", "mini-iii", "mini-iv", "mini-hydrogen"])
def test_forces_are_minus_the_gradient_of_the_energy(name, trained, crystals, mini_i):
    model, frames = (
        (trained[0], mini_i.split("folded/test")[:1]) if name == "mini-i" else crystals[name]
    )
    frame, step = frames[:1], 1e-4
    directions = np.random.default_rng(0).normal(size=(3, *frame.positions.shape[1:]))
    shifted = np.concatenate([frame.positions + sign * step * directions for sign in (1, -1)])
    energies = model.predict(like(frame, shifted)).energies
    slopes = (energies[:3] - energies[3:]) / (2 * step)
    forces = model.predict(frame).forces[0]
    np.testing.assert_allclose(slopes, -np.einsum("dai,ai->d", directions, forces), rtol=1e-4)


@pytest.mark.parametrize("name", ["mini-iii", "mini-iv", "mini-hydrogen"])
def test_stress_is_the_derivative_of_the_energy_by_strain(name, crystals):
    model, frames = crystals[name]
    frame, step = frames[:1], 1e-5
    volume = abs(np.linalg.det(frame.cell[0]))
    stress = model.predict(frame).stress[0]
    np.testing.assert_allclose(stress, stress.T, atol=1e-12)
    for i, j in ((0, 0), (1, 2), (2, 2), (0, 1)):
        energies = []
        for sign in (1, -1):
            strain = np.zeros((3, 3))
            strain[i, j] += sign * step / 2
            strain[j, i] += sign * step / 2
            deformation = np.eye(3) + strain
            deformed = like(frame, frame.positions @ deformation, cell=frame.cell @ deformation)
            energies.append(model.predict(deformed).energies[0])
        slope = (energies[0] - energies[1]) / (2 * step) / volume
        assert slope == pytest.approx(stress[i, j], rel=1e-3, abs=1e-6 * np.abs(stress).max())


def test_rotation_translation_and_permutation(trained, mini_i):
    model, _, _ = trained
    frames = mini_i.split("folded/test")[:3]
    rng = np.random.default_rng(1)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    order = rng.permutation(frames.n_atoms)
    energies, forces, stress = model.predict(frames)
    assert stress is None
    turned = model.predict(like(frames, frames.positions @ rotation + [3.0, -2.0, 1.0]))
    np.testing.assert_allclose(turned.energies, energies, atol=1e-6)
    np.testing.assert_allclose(turned.forces, forces @ rotation, atol=1e-6)
    mixed = model.predict(like(frames, frames.positions[:, order], numbers=frames.numbers[order]))
    np.testing.assert_allclose(mixed.energies, energies, atol=1e-6)
    np.testing.assert_allclose(mixed.forces, forces[:, order], atol=1e-6)


def test_a_molecule_may_differ_from_those_it_was_trained_on(trained, mini_i):
    """Two molecules far apart have the energy of both: what is learnt is of elements."""
    model, _, _ = trained
    frames = mini_i.split("folded/test")[:2]
    both = np.concatenate([frames.positions[:1], frames.positions[1:] + 100.0], axis=1)
    together = model.predict(like(frames[:1], both, numbers=np.tile(frames.numbers, 2)))
    alone = model.predict(frames)
    assert together.energies[0] == pytest.approx(alone.energies.sum(), abs=1e-6)
    np.testing.assert_allclose(together.forces[0], alone.forces.reshape(-1, 3), atol=1e-6)


@pytest.mark.parametrize("name", ["mini-iv", "mini-hydrogen"])
def test_a_cell_and_its_repetition(name, crystals):
    model, frames = crystals[name]
    frame = frames[:1]
    one = model.predict(frame)
    images = np.concatenate([frame.positions[0], frame.positions[0] + frame.cell[0, 1]])
    doubled = like(
        frame,
        images[None],
        numbers=np.tile(frame.numbers, 2),
        cell=frame.cell[0] * [[1], [2], [1]],
    )
    two = model.predict(doubled)
    assert two.energies[0] == pytest.approx(2 * one.energies[0], abs=1e-6)
    np.testing.assert_allclose(two.forces[0], np.tile(one.forces[0], (2, 1)), atol=1e-6)
    np.testing.assert_allclose(two.stress, one.stress, atol=1e-9)


def test_a_slab_in_a_cell_of_which_one_vector_is_not_periodic(crystals):
    """There mace-torch makes up a third cell vector; stress is per volume of the given cell."""
    model, frames = crystals["mini-iii"]
    slab = like(frames, frames.positions, pbc=(True, True, False))
    for found, expected in zip(model.predict(slab), model.predict(frames), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_float32_returns_total_energies_that_float64_can_tell_apart(mini_i, settings, tmp_path):
    """All-electron energies are of the order of 1e6 kcal/mol, where float32 has steps of 0.1."""
    shift = -2.6e6
    train, valid = (mini_i.split(f"folded/{role}/8") for role in ("train", "valid"))
    deep = [
        Frames(
            numbers=f.numbers, positions=f.positions, energies=f.energies + shift, forces=f.forces
        )
        for f in (train, valid)
    ]
    single = settings.model_copy(update={"dtype": "float32"})
    found = []
    for name, frames in (("plain", (train, valid)), ("deep", deep)):
        (tmp_path / name).mkdir()
        model = MACE(single)
        model.fit(*frames, tmp_path / name)
        found.append(model.predict(valid).energies)
    np.testing.assert_allclose(found[1] - shift, found[0], atol=2e-3)
    assert np.ptp(found[0]) > 0.1


# -- mace-torch as the oracle


def command(settings: MACEConfig, seed: int) -> list[str]:
    """The settings as options of mace_run_train."""
    options = []
    for name, value in settings.arguments(seed, "cpu").items():
        if value is True:
            options.append(f"--{name}")
        elif value is not False:
            options.append(f"--{name}={value}")
    return options


@pytest.mark.parametrize(
    "changed",
    [
        {},
        pytest.param(
            {
                "ema_decay": None,
                "scheduler": "ExponentialLR",
                "lr_scheduler_gamma": 0.5,
                "scaling": "std_scaling",
                "clip_grad": None,
            },
            marks=pytest.mark.slow,
        ),
    ],
)
def test_every_epoch_is_as_mace_run_trains(changed, mini_i, settings, tmp_path):
    from ase.io import write

    settings = settings.model_copy(update=changed)
    frames = {role: mini_i.split(f"folded/{role}/8") for role in ("train", "valid")}
    for role, part in frames.items():
        images = part.to_ase()
        for atoms in images:
            atoms.info["REF_energy"] = atoms.get_potential_energy()
            atoms.arrays["REF_forces"] = atoms.get_forces()
            atoms.calc = None
        write(tmp_path / f"{role}.xyz", images, format="extxyz")
    script = Path(sys.executable).with_name("mace_run_train")
    done = subprocess.run(
        [
            str(script),
            "--name=oracle",
            f"--work_dir={tmp_path}",
            *(f"--{role}_file={tmp_path / role}.xyz" for role in frames),
            *command(settings, seed=5),
            "--plot=False",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (file,) = (tmp_path / "results").glob("*_train.txt")
    logged = [json.loads(line) for line in file.read_text().splitlines()]
    oracle = [e for e in logged if e["mode"] == "eval" and e["epoch"] is not None]
    workdir = tmp_path / "ours"
    workdir.mkdir()
    model = MACE(settings, seed=5)
    result = model.fit(frames["train"], frames["valid"], workdir)
    assert len(oracle) == len(result.curve) == settings.max_num_epochs
    for entry, expected in zip(result.curve, oracle, strict=True):
        assert entry["valid_loss"] == pytest.approx(expected["loss"], rel=1e-6)
        assert entry["force_mae"] == pytest.approx(expected["mae_f"] * EV, rel=1e-6)
        assert entry["energy_rmse"] == pytest.approx(expected["rmse_e"] * EV, rel=1e-6)


@pytest.mark.parametrize("name", ["mini-i", "mini-iv"])
def test_an_exported_model_predicts_the_same_in_maces_calculator(
    name, trained, crystals, mini_i, tmp_path
):
    model, frames = (
        (trained[0], mini_i.split("folded/test")[:2]) if name == "mini-i" else crystals[name]
    )
    model.export(tmp_path / "tea.model")
    from mace.calculators import MACECalculator

    calculator = MACECalculator(str(tmp_path / "tea.model"), device="cpu", default_dtype="float64")
    predicted = model.predict(frames)
    for i, atoms in enumerate(frames.to_ase()):
        atoms.calc = calculator
        assert atoms.get_potential_energy() == pytest.approx(predicted.energies[i] / EV, abs=1e-8)
        np.testing.assert_allclose(atoms.get_forces(), predicted.forces[i] / EV, atol=1e-8)
        if predicted.stress is not None:
            found = atoms.get_stress(voigt=False)
            np.testing.assert_allclose(found, predicted.stress[i] / EV, atol=1e-10)


# -- the settings


def test_defaults_are_mace_torchs():
    with backend.backend(MACEConfig(**TINY), "cpu"):
        from mace.tools import build_default_arg_parser

        parsed = vars(build_default_arg_parser().parse_args(["--name", "x"]))
    ours = MACEConfig(size=1, num_channels=1, max_L=0).arguments(0, "cpu")
    chosen = {"num_channels", "max_L", "model", "seed", "E0s"}
    assert {k: v for k, v in ours.items() if k not in chosen} == {
        k: parsed[k] for k in ours if k not in chosen
    }


@pytest.mark.parametrize(
    ("name", "size"), [("paper-i", 1000), ("paper-ii", 400), ("paper-iii", 200), ("paper-iv", 200)]
)
def test_the_published_model_is_built(name, size, mini_i):
    """SI, section 1.1, read back from what torch got."""
    published = config.read(MACEConfig, "mace", name)
    assert (published.size, published.dtype) == (size, "float64")
    if name != "paper-i":
        first = config.read(MACEConfig, "mace", "paper-i")
        assert published == first.model_copy(update={"size": size})
        return
    with backend.backend(published, "cpu"):
        training = Training(
            published, 0, "cpu", mini_i.split("folded/train/5"), mini_i.split("folded/valid/5")
        )
        from mace.modules import interaction_classes
        from mace.tools.scripts_utils import extract_config_mace_model

        built = extract_config_mace_model(training.model)
    residual = interaction_classes["RealAgnosticResidualInteractionBlock"]
    assert (built["interaction_cls_first"], built["interaction_cls"]) == (residual, residual)
    assert built["num_interactions"] == 2
    assert built["max_ell"] == 3
    assert built["correlation"] == 3
    assert str(built["hidden_irreps"]) == "128x0e+128x1o+128x2e"
    assert built["r_max"] == 6.0
    assert (built["num_bessel"], built["radial_type"]) == (8, "bessel")
    assert training.model.radial_embedding.cutoff_fn.__class__.__name__ == "PolynomialCutoff"
    for layer in training.model.interactions:
        assert layer.conv_tp_weights.hs[:-1] == [8, 64, 64, 64]
        activations = [m.act for m in layer.conv_tp_weights if m.act is not None]
        assert [a.f for a in activations] == [torch.nn.functional.silu] * 3
    optimizer = training.optimizer
    assert type(optimizer) is torch.optim.Adam
    for group in optimizer.param_groups:
        assert (group["lr"], group["amsgrad"], group["betas"]) == (0.01, True, (0.9, 0.999))
    assert training.ema.decay == 0.995
    assert training.train_loader.batch_size == 5
    assert type(training.scheduler.lr_scheduler) is torch.optim.lr_scheduler.ReduceLROnPlateau
    assert training.scheduler.factor == 0.8
    assert training.config.patience == 200


def test_quick_is_valid():
    assert config.read(MACEConfig, "mace", "quick").dtype == "float32"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_chanels": 3}, "unknown key 'num_chanels', did you mean 'num_channels'"),
        ({"interaction": "Residual"}, "interaction: "),
        ({"radial_MLP": []}, "radial_MLP: "),
        ({"batch_size": 0}, "batch_size: "),
    ],
)
def test_a_wrong_setting_is_named(changed, message):
    with pytest.raises(DataError, match=message):
        config.parse(MACEConfig, TINY | changed, "my.yaml")


# -- the training


def test_the_best_epoch_is_kept(trained, mini_i):
    model, result, _ = trained
    best = min(result.curve, key=lambda entry: entry["valid_loss"])
    assert result.selected == {"epoch": best["epoch"], "epochs": 4}
    valid = mini_i.split("folded/valid/8")
    for found in (result.valid, protocol.validation_errors(model.predict(valid), valid)):
        assert found == pytest.approx({key: best[key] for key in found}, rel=1e-9)


def test_patience_ends_a_training(mini_i, settings, tmp_path):
    impatient = settings.model_copy(update={"patience": 2, "max_num_epochs": 50, "lr": 1.0})
    model = MACE(impatient)
    train, valid = mini_i.split("folded/train/8"), mini_i.split("folded/valid/8")
    result = model.fit(train, valid, tmp_path)
    assert result.selected["epochs"] == result.selected["epoch"] + 2 < 50


KILLED = """
import sys, teadata
from pathlib import Path
from baselines.mace import MACE, MACEConfig
mini = teadata.load("mini-i")
def progress(task, done, total):
    print(done, flush=True)
MACE(MACEConfig.model_validate_json(sys.argv[1]), seed=3).fit(
    mini.split("folded/train/8"), mini.split("folded/valid/8"), Path(sys.argv[2]), progress
)
"""


@pytest.mark.parametrize(
    "end", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_killed_training_ends_with_the_same_weights(end, mini_i, settings, tmp_path):
    longer = settings.model_copy(update={"max_num_epochs": 8, "scheduler_patience": 0})
    train, valid = mini_i.split("folded/train/8"), mini_i.split("folded/valid/8")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    expected = MACE(longer, seed=3).fit(train, valid, whole)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, longer.model_dump_json(), str(killed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    for line in process.stdout:
        if int(line) == 7:  # two frames into the fourth epoch
            process.send_signal(end)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert ("KeyboardInterrupt" in said) == (end == signal.SIGINT)
    assert {path.name for path in killed.iterdir()} == {CHECKPOINT_FILE, protocol.LOG_FILE}
    tasks = []
    result = MACE(longer, seed=3).fit(
        train, valid, killed, lambda task, done, total: tasks.append((task, done, total))
    )
    assert tasks[0][0].startswith("epoch ")
    assert tasks[0][1] > 2  # not from the beginning
    assert result.selected == expected.selected
    assert [e["valid_loss"] for e in result.curve] == [e["valid_loss"] for e in expected.curve]
    first, second = (
        torch.load(folder / "model.pt", weights_only=True) for folder in (whole, killed)
    )
    assert first["state"].keys() == second["state"].keys()
    for name, weights in first["state"].items():
        assert torch.equal(weights, second["state"][name]), name


def test_a_finished_training_is_not_repeated(trained, settings, mini_i):
    _, result, workdir = trained
    before = (workdir / "model.pt").read_bytes()
    tasks = []
    repeated = MACE(settings).fit(
        mini_i.split("folded/train/8"),
        mini_i.split("folded/valid/8"),
        workdir,
        lambda task, done, total: tasks.append(task),
    )
    assert dataclasses.asdict(repeated) == dataclasses.asdict(result)
    assert (workdir / "model.pt").read_bytes() == before
    assert set(tasks) <= {"predict"}


def test_another_trainings_checkpoint_is_refused(trained, settings, mini_i, tmp_path):
    _, _, workdir = trained
    (tmp_path / CHECKPOINT_FILE).write_bytes((workdir / CHECKPOINT_FILE).read_bytes())
    train, valid = mini_i.split("folded/train/8"), mini_i.split("folded/valid/8")
    with pytest.raises(DataError, match="a training with another seed; expected 9, found 0"):
        MACE(settings, seed=9).fit(train, valid, tmp_path)
    with pytest.raises(DataError, match="with another config"):
        MACE(settings.model_copy(update={"lr": 0.5})).fit(train, valid, tmp_path)
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"not a checkpoint")
    with pytest.raises(DataError, match="expected a checkpoint of a MACE training; remove it"):
        MACE(settings).fit(train, valid, tmp_path)


def test_progress_and_curve(mini_i, settings, tmp_path):
    seen = []
    model = MACE(settings)
    result = model.fit(
        mini_i.split("folded/train/8"),
        mini_i.split("folded/valid/8"),
        tmp_path,
        lambda *step: seen.append(step),
    )
    steps = [step for step in seen if step[0] != "predict"]
    assert [done for _, done, _ in steps] == list(range(1, 9))  # two batches in each of 4 epochs
    assert {total for _, _, total in steps} == {8}
    best = min(entry["force_mae"] for entry in result.curve[:3])
    assert steps[-1][0] == f"epoch 4, best valid F MAE {best:.3f} kcal/mol/Å"
    assert [entry["epoch"] for entry in result.curve] == [1, 2, 3, 4]
    assert all(np.isfinite(list(entry.values())).all() for entry in result.curve)
    assert "valid_loss" in (tmp_path / protocol.LOG_FILE).read_text()


def test_torch_loggers_and_terminal_are_left_as_they_were(mini_i, settings, tmp_path, capfd):
    dtype, random = torch.get_default_dtype(), torch.get_rng_state()
    threads = torch.get_num_threads()
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    model = MACE(settings)
    model.fit(mini_i.split("folded/train/8"), mini_i.split("folded/valid/8"), tmp_path)
    model.predict(mini_i.split("folded/test")[:2])
    assert torch.get_default_dtype() == dtype
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.get_num_threads() == threads
    assert (list(logging.getLogger().handlers), logging.getLogger().level) == (handlers, level)
    assert capfd.readouterr() == ("", "")


# -- files, pickles, the calculator


def test_a_saved_model_predicts_the_same(trained, settings, mini_i, tmp_path):
    model, _, workdir = trained
    frames = mini_i.split("folded/test")[:5]
    expected = model.predict(frames)
    model.save(tmp_path / "copy.pt")
    assert (tmp_path / "copy.pt").read_bytes() == (workdir / "model.pt").read_bytes()
    loaded = MACE.load(tmp_path / "copy.pt", settings)
    for other in (loaded, pickle.loads(pickle.dumps(model)), copy.deepcopy(loaded)):
        again = other.predict(frames)
        np.testing.assert_array_equal(again.energies, expected.energies)
        np.testing.assert_array_equal(again.forces, expected.forces)


class Harmful:
    """What a file of pickled objects could do."""

    def __reduce__(self):
        return os.mkdir, ("was-run",)


def test_a_file_that_is_no_model(settings, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pt"
    for content in (Harmful(), {"state": {}}, [1, 2], {"format": "tea-benchmark MACE 1"}):
        torch.save(content, path)
        with pytest.raises(DataError, match="expected a MACE model of this package"):
            MACE.load(path, settings)
    assert not (tmp_path / "was-run").exists()
    for damaged in (b"", b"PK not a zip", (trained[2] / "model.pt").read_bytes()[:-3000]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="expected a MACE model of this package"):
            MACE.load(path, settings)


def test_calculator_gives_ases_units_and_can_be_pickled(trained, crystals, mini_i):
    for model, frames in ((trained[0], mini_i.split("folded/test")[:1]), crystals["mini-iv"]):
        predicted = model.predict(frames[:1])
        atoms = frames.to_ase()[0]
        atoms.calc = pickle.loads(pickle.dumps(model.calculator()))
        assert atoms.get_potential_energy() == pytest.approx(predicted.energies[0] / EV)
        np.testing.assert_allclose(atoms.get_forces(), predicted.forces[0] / EV)
        if predicted.stress is not None:
            np.testing.assert_allclose(atoms.get_stress(voigt=False), predicted.stress[0] / EV)


def test_prediction_comes_in_batches_with_progress(trained, mini_i):
    model, _, _ = trained
    frames, seen = mini_i.split("folded/test")[:6], []
    together = model.predict(frames, lambda *step: seen.append(step))
    assert seen == [("predict", 4, 6), ("predict", 6, 6)]
    one = model.predict(frames[5])
    np.testing.assert_allclose(together.energies[5], one.energies[0], atol=1e-9)
    np.testing.assert_allclose(together.forces[5], one.forces[0], atol=1e-9)


# -- what cannot be done


def test_unknown_elements_are_refused(trained, small):
    numbers = small.numbers.copy()
    numbers[0] = 16
    with pytest.raises(DataError, match=r"trained on H, C, N, O and knows nothing of S"):
        trained[0].predict(like(small, small.positions, numbers=numbers))


@pytest.mark.parametrize("name", ["energies", "forces", "positions"])
def test_labels_that_are_not_finite_are_refused(name, small, settings, tmp_path):
    values = {
        field: np.array(getattr(small, field))
        for field in ("numbers", "positions", "energies", "forces")
    }
    values[name][2] = np.nan
    with pytest.raises(
        DataError, match=f"{name} of 1 of .* training frames are not finite, .* frame 2"
    ):
        MACE(settings).fit(Frames(**values), small, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_fewer_frames_than_a_batch_are_refused(small, settings, tmp_path):
    with pytest.raises(
        DataError, match=r"2 training frames, expected at least 3: .* lower batch_size"
    ):
        MACE(settings).fit(small[:2], small, tmp_path)


def test_a_loss_that_is_no_number_ends_the_training(small, settings, tmp_path):
    wild = settings.model_copy(update={"lr": 1e200, "clip_grad": None})
    with pytest.raises(TeaError, match=r"loss became (nan|inf) in .*epoch 1.* lower lr"):
        MACE(wild).fit(small, small, tmp_path)
    assert not (tmp_path / "model.pt").exists()


def test_an_untrained_model_says_so(settings, small, tmp_path):
    with pytest.raises(TeaError, match="not trained"):
        MACE(settings).predict(small)
    with pytest.raises(TeaError, match="nothing to save"):
        MACE(settings).save(tmp_path / "model.pt")
    with pytest.raises(TeaError, match="not trained"):
        MACE(settings).export(tmp_path / "tea.model")
    assert list(tmp_path.iterdir()) == []


def test_the_mean_energy_is_that_of_the_elements(mini_i, settings):
    train = mini_i.split("folded/train/8")
    with backend.backend(settings, "cpu"):
        numbers, energies = backend.atomic_energies(train)
    assert composition_energy(train, numbers, energies) * EV == pytest.approx(train.energies.mean())


def test_importing_the_model_loads_no_backend_and_a_missing_one_is_named(tmp_path):
    script = """
import sys
from pathlib import Path
from baselines.mace import MACE, MACEConfig
assert not {"torch", "mace", "e3nn"} & set(sys.modules), "a backend was loaded"
sys.modules["mace"] = None
import teadata
small = teadata.load("mini-i").split("folded/train/8")
try:
    model = MACE(MACEConfig(size=8, num_channels=4, max_L=0, batch_size=2))
    model.fit(small, small, Path(sys.argv[1]))
except teadata.TeaError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert "needs the package 'mace-torch'" in done.stdout
    assert "tea-benchmark[mace]" in done.stdout


@pytest.mark.gpu
def test_on_a_gpu_as_on_the_cpu(mini_i, settings, tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    train, valid = mini_i.split("folded/train/8"), mini_i.split("folded/valid/8")
    results = {}
    for device in ("cpu", "cuda"):
        (tmp_path / device).mkdir()
        model = MACE(settings, device=device)
        results[device] = model.fit(train, valid, tmp_path / device)
    for entry, expected in zip(results["cuda"].curve, results["cpu"].curve, strict=True):
        assert entry["force_mae"] == pytest.approx(expected["force_mae"], rel=1e-4)
    loaded = MACE.load(tmp_path / "cuda" / "model.pt", settings, "cpu")
    np.testing.assert_allclose(loaded.predict(valid).forces, model.predict(valid).forces, atol=1e-6)
