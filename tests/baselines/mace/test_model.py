"""What MACE adds to what every model does: its file and export, offsets, fragments, slabs."""

from __future__ import annotations

import os
from importlib.util import find_spec

import numpy as np
import pytest

from baselines.mace import MACE, backend
from baselines.toolkit.composition import composition_energy
from teadata import Frames, TeaError
from teadata.errors import DataError
from teadata.units import EV

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("mace") is None, reason="could not import 'mace'")


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


class Harmful:
    """What a file of pickled objects could do."""

    def __reduce__(self):
        return os.mkdir, ("was-run",)


def test_a_file_of_other_objects_is_refused_and_not_run(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pt"
    for content in (Harmful(), {"state": {}}, [1, 2], {"format": "tea-benchmark MACE 1"}):
        torch.save(content, path)
        with pytest.raises(DataError, match="expected a MACE model of this package"):
            MACE.load(path, settings)
    assert not (tmp_path / "was-run").exists()


def test_an_untrained_model_is_not_exported(settings, tmp_path):
    with pytest.raises(TeaError, match="not trained"):
        MACE(settings).export(tmp_path / "tea.model")
    assert list(tmp_path.iterdir()) == []


def test_the_mean_energy_is_that_of_the_elements(mini_i, settings):
    train = mini_i.split("folded/train/8")
    with backend.backend(settings, "cpu"):
        numbers, energies = backend.atomic_energies(train)
    assert composition_energy(train, numbers, energies, "MACE") * EV == pytest.approx(
        train.energies.mean()
    )


def test_a_molecule_may_differ_from_those_it_was_trained_on(trained, mini_i):
    """Two molecules far apart have the energy of both: what is learnt is of elements."""
    model, _, _ = trained
    frames = mini_i.split("folded/test")[:2]
    both = np.concatenate([frames.positions[:1], frames.positions[1:] + 100.0], axis=1)
    together = model.predict(like(frames[:1], both, numbers=np.tile(frames.numbers, 2)))
    alone = model.predict(frames)
    assert together.energies[0] == pytest.approx(alone.energies.sum(), abs=1e-6)
    np.testing.assert_allclose(together.forces[0], alone.forces.reshape(-1, 3), atol=1e-6)


def test_a_slab_in_a_cell_of_which_one_vector_is_not_periodic(crystals):
    """There mace-torch makes up a third cell vector; stress is per volume of the given cell."""
    model, frames = crystals["mini-iii"]
    slab = like(frames, frames.positions, pbc=(True, True, False))
    for found, expected in zip(model.predict(slab)[:3], model.predict(frames)[:3], strict=True):
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
