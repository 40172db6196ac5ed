from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import teaeval
from teadata.errors import DataError
from teaeval import PredictionError


def content(path: Path) -> dict[str, Any]:
    with np.load(path) as archive:
        return dict(archive)


def codes(caught: pytest.ExceptionInfo[PredictionError]) -> list[str]:
    return [finding.code for finding in caught.value.findings]


def test_what_is_written_is_read(noisy, prediction_file):
    again = teaeval.read_prediction(prediction_file)
    for name in ("energies", "forces", "frame_ids", "numbers"):
        np.testing.assert_array_equal(getattr(again, name), getattr(noisy, name))
    assert (again.dataset, again.subset) == ("mini-i", "folded")
    assert (again.model, again.train) == ("noise", "folded/train/200")
    assert again.source["path"] == str(prediction_file)
    assert len(again.digest()) == 64


def test_units_are_converted(noisy, prediction_file):
    arrays = content(prediction_file)
    arrays |= {
        "energy": noisy.energies / 23.060547830619026,
        "forces": noisy.forces / 23.060547830619026 * 0.529177210903,
        "energy_unit": "eV",
        "length_unit": "Bohr",
    }
    np.savez(prediction_file, **arrays)
    again = teaeval.read_prediction(prediction_file)
    np.testing.assert_allclose(again.energies, noisy.energies, rtol=1e-12)
    np.testing.assert_allclose(again.forces, noisy.forces, rtol=1e-12)
    assert again.source["energy_unit"] == "eV"


def test_sgdmls_names_are_read(noisy, mini_i, tmp_path):
    path = tmp_path / "sgdml.npz"
    np.savez(
        path,
        E=noisy.energies[:, None],
        F=noisy.forces,
        R=mini_i.split("folded/test").positions,
        z=noisy.numbers,
        e_unit="kcal/mol",
        r_unit="Ang",
    )
    again = teaeval.read_prediction(path, dataset="mini-i", subset="folded")
    np.testing.assert_array_equal(again.energies, noisy.energies)
    assert again.frame_ids is None
    assert teaeval.score(again).row("F").mae == teaeval.score(noisy).row("F").mae


def test_everything_undeclared_is_named_at_once(noisy, tmp_path):
    path = tmp_path / "bare.npz"
    np.savez(path, energy=noisy.energies, forces=noisy.forces)
    with pytest.raises(PredictionError) as caught:
        teaeval.read_prediction(path)
    assert codes(caught) == [
        "undeclared-dataset",
        "undeclared-subset",
        "undeclared-energy_unit",
        "undeclared-length_unit",
        "unidentified-frames",
    ]
    assert "--energy-unit" in str(caught.value)
    assert "5 problems, not scored" in str(caught.value)


def test_options_may_not_contradict_the_file(prediction_file):
    with pytest.raises(PredictionError) as caught:
        teaeval.read_prediction(prediction_file, subset="unfolded", energy_unit="eV")
    assert codes(caught) == ["contradicting-subset", "contradicting-energy_unit"]
    teaeval.read_prediction(prediction_file, subset="folded")


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"subset": "foldde"}, "unknown-subset", "one of: complete, folded, unfolded"),
        ({"dataset": "mini-1"}, "unknown-dataset", "did you mean 'mini-i'"),
        ({"energy_unit": "ev/atom"}, "unknown-energy_unit", "one of: kcal/mol"),
        ({"energy": np.array(["a", "b"])}, "type-of-energy", "real numbers"),
        ({"frame_id": np.array([0.5, 1.0])}, "type-of-frame_id", "integers"),
        ({"E": np.zeros(3)}, "ambiguous-field", "energy and E"),
    ],
)
def test_wrong_fields(prediction_file, change, code, message):
    np.savez(prediction_file, **content(prediction_file) | change)
    with pytest.raises(PredictionError, match=message) as caught:
        teaeval.read_prediction(prediction_file)
    assert codes(caught) == [code]


def test_every_unknown_name_is_reported_at_once(prediction_file):
    wrong = {"subset": "fold", "energy_unit": "cal", "length_unit": "mile"}
    np.savez(prediction_file, **content(prediction_file) | wrong)
    with pytest.raises(PredictionError) as caught:
        teaeval.read_prediction(prediction_file)
    assert codes(caught) == ["unknown-subset", "unknown-energy_unit", "unknown-length_unit"]


@pytest.mark.parametrize("name", ["energy", "forces"])
def test_missing_arrays(prediction_file, name):
    arrays = content(prediction_file)
    del arrays[name]
    np.savez(prediction_file, **arrays)
    with pytest.raises(PredictionError, match=f"missing-{name}"):
        teaeval.read_prediction(prediction_file)


def test_pickles_are_never_loaded(prediction_file, tmp_path):
    marker = tmp_path / "executed"

    class Bomb:
        def __reduce__(self):
            return (Path.touch, (marker,))

    bomb = np.empty(1, dtype=object)
    bomb[0] = Bomb()
    np.savez(prediction_file, **content(prediction_file) | {"energy": bomb})
    with pytest.raises(DataError, match="pickled Python objects, which are never loaded"):
        teaeval.read_prediction(prediction_file)
    assert not marker.exists()
