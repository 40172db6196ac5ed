"""What every model can be carried in: its file, a pickle, an ASE calculator."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from baselines.registry import MODELS
from baselines.toolkit.devices import check_device
from teadata import TeaError
from teadata.errors import DataError, UsageError
from teadata.provenance import sha256_of
from teadata.units import EV


def assert_same(model, other, frames, rtol=0.0) -> None:
    first, second = model.predict(frames), other.predict(frames)
    np.testing.assert_allclose(second.energies, first.energies, rtol=rtol)
    np.testing.assert_allclose(second.forces, first.forces, rtol=rtol, atol=rtol)


def test_a_saved_model_predicts_the_same(name, trained, data, tmp_path):
    model, workdir = trained.model, trained.workdir
    path = tmp_path / model.model_file
    model.save(path)
    model.save(path)  # over another one
    assert [left.name for left in tmp_path.iterdir()] == [path.name]
    if name != "sgdml":  # whose file has the time it was written at
        assert sha256_of(path) == sha256_of(workdir / model.model_file)
    again = type(model).load(path, data.config)
    # uf3's file has its coefficients in eV
    assert_same(model, again, data.test[:3], rtol=1e-6 if name == "uf3" else 0.0)


def test_a_pickled_model_predicts_the_same(trained, data):
    again = pickle.loads(pickle.dumps(trained.model))
    assert_same(trained.model, again, data.test[:3])


def test_a_pickled_calculator_gives_the_prediction_in_ases_units(exact, data):
    predicted = exact.predict(data.test)
    calculator = pickle.loads(pickle.dumps(exact.calculator()))
    for row in (0, 1):
        (atoms,) = data.test[row].to_ase()
        atoms.calc = calculator
        assert atoms.get_potential_energy() == pytest.approx(predicted.energies[row] / EV)
        np.testing.assert_allclose(atoms.get_forces(), predicted.forces[row] / EV, atol=1e-8)
        if predicted.stress is not None:
            found = atoms.get_stress(voigt=False)
            np.testing.assert_allclose(found, predicted.stress[row] / EV, atol=1e-9)
    energies, forces = calculator.predict(data.test)  # many at once
    np.testing.assert_allclose(energies, predicted.energies)
    np.testing.assert_allclose(forces, predicted.forces, atol=1e-8)


def test_a_file_that_is_no_model_is_refused(trained, data, tmp_path):
    model, workdir = trained.model, trained.workdir
    path = tmp_path / model.model_file
    whole = workdir / model.model_file
    contents = [None, b"", b"no model"]
    if whole.is_file():
        contents.append(whole.read_bytes()[: whole.stat().st_size // 2])
    for content in contents:
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DataError) as refused:
            type(model).load(path, data.config)
        assert str(path) in str(refused.value)


def test_an_untrained_model_says_so(untrained, data, tmp_path):
    model = untrained()
    with pytest.raises(TeaError, match="not trained: call fit, or load one"):
        model.predict(data.test)
    with pytest.raises(TeaError, match="not trained"):
        model.save(tmp_path / model.model_file)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.gpu
@pytest.mark.parametrize(
    "name", [name for name in MODELS if "cuda" in MODELS[name].devices], indirect=True
)
def test_a_model_of_the_cpu_predicts_the_same_on_a_gpu(name, trained, data):
    """In the model's own precision; in float32 without tf32."""
    try:
        check_device("cuda", MODELS[name].framework)
    except UsageError:
        pytest.skip("no CUDA device")
    model, workdir = trained.model, trained.workdir
    expected = model.predict(data.test)
    there = type(model).load(workdir / model.model_file, data.config, "cuda")
    found = there.predict(data.test)
    scale = np.abs(expected.forces).max()
    np.testing.assert_allclose(found.forces, expected.forces, atol=1e-5 * scale)
    np.testing.assert_allclose(found.energies, expected.energies, rtol=1e-6)
