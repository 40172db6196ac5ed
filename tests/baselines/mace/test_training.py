"""Trainings of MACE, also beside those of mace-torch's own command."""

from __future__ import annotations

import json
import logging
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

import numpy as np
import pytest

from baselines import protocol
from baselines.mace import MACE, MACEConfig, backend
from baselines.mace.backend import can_accelerate
from baselines.mace.training import CHECKPOINT_FILE
from baselines.toolkit.labels import validation_errors
from teadata.errors import DataError
from teadata.units import EV

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("mace") is None, reason="could not import 'mace'")


def test_the_best_epoch_is_kept(trained, mini_i):
    model, result, _ = trained
    best = min(result.curve, key=lambda entry: entry["valid_loss"])
    assert result.selected == {"epoch": best["epoch"], "epochs": 4}
    valid = mini_i.split("folded/valid/8")
    for found in (result.valid, validation_errors(model.predict(valid), valid)):
        assert found == pytest.approx({key: best[key] for key in found}, rel=1e-9)


def test_a_broken_checkpoint_is_refused(settings, mini_i, tmp_path):
    train, valid = mini_i.split("folded/train/8"), mini_i.split("folded/valid/8")
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"not a checkpoint")
    with pytest.raises(DataError, match="expected a checkpoint of a MACE training; remove it"):
        MACE(settings).fit(train, valid, tmp_path)


def test_a_checkpoint_of_other_kernels_is_refused(trained, settings, mini_i, tmp_path):
    """With cuEquivariance the weights have other names: the file says how it was made."""
    train, valid = mini_i.split("folded/train/8"), mini_i.split("folded/valid/8")
    state = torch.load(trained[2] / CHECKPOINT_FILE, weights_only=True)
    assert state["accelerated"] is False
    torch.save(state | {"accelerated": True}, tmp_path / CHECKPOINT_FILE)
    with pytest.raises(DataError, match="without cuEquivariance's kernels") as refused:
        MACE(settings).fit(train, valid, tmp_path)
    assert "`python -m pip install cuequivariance-torch " in str(refused.value)


def test_kernels_are_used_where_all_of_them_are_there(settings, monkeypatch):
    from mace.modules import wrapper_ops

    monkeypatch.setattr(wrapper_ops, "CUET_AVAILABLE", True)
    for correlation in (1, 2, 3):
        changed = settings.model_copy(update={"correlation": correlation})
        # the layers alone, without the package of their kernels
        assert not can_accelerate(changed, "cuda")
        with monkeypatch.context() as patch:
            kernels = ModuleType("cuequivariance_ops_torch")
            kernels.__spec__ = ModuleSpec(kernels.__name__, None)
            patch.setitem(sys.modules, kernels.__name__, kernels)
            assert can_accelerate(changed, "cuda") == (correlation > 1)
            assert not can_accelerate(changed, "cpu")


def test_graphs_that_are_kept_on_a_device_are_batched_there(settings, mini_i):
    """On a device without memory, which refuses to be mixed with another as a GPU does."""
    frames = mini_i.split("folded/train/8")
    with backend.backend(settings, "cpu"):
        numbers, energies = backend.atomic_energies(frames)
        offset = energies @ (frames.numbers == np.array(numbers)[:, None]).sum(axis=1)
        graphs = backend.graphs(frames, numbers, settings.r_max, offset)
        loader = backend.loader(graphs, 3)
        expected = next(iter(loader))
        backend.keep_on("cpu", loader)
        assert torch.equal(next(iter(loader)).positions, expected.positions)
        backend.keep_on("meta", loader)
        batch = next(iter(loader))
    for name, value in batch:
        if torch.is_tensor(value) and name != "ptr":  # made of numbers, by every batch
            assert value.device.type == "meta", name
            assert value.shape == expected[name].shape


def test_patience_ends_a_training(mini_i, settings, tmp_path):
    impatient = settings.model_copy(update={"patience": 2, "max_num_epochs": 50, "lr": 1.0})
    model = MACE(impatient)
    train, valid = mini_i.split("folded/train/8"), mini_i.split("folded/valid/8")
    result = model.fit(train, valid, tmp_path)
    assert result.selected["epochs"] == result.selected["epoch"] + 2 < 50


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
def test_every_epoch_is_as_mace_run_trains(run, changed, mini_i, settings, tmp_path):
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
    done = run(
        "mace_run_train", "--name=oracle", f"--work_dir={tmp_path}",
        *(f"--{role}_file={tmp_path / role}.xyz" for role in frames),
        *command(settings, seed=5), "--plot=False", cwd=tmp_path,
    )  # fmt: skip
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
