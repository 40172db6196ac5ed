"""Whatever a model does on a GPU, from training to simulations; the slow tests do it on the CPU.

No machine that ran this so far had a GPU: on the CPU the test itself is known to work.
"""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import yaml

from baselines.registry import MODELS
from baselines.runs.record import TrainingRecord
from baselines.toolkit.devices import check_device
from teadata.errors import UsageError
from teadata.units import EV

DEVICES = [
    pytest.param("cpu", marks=pytest.mark.slow),
    pytest.param("cuda", marks=pytest.mark.gpu),
]

pytestmark = [
    pytest.mark.parametrize("device", DEVICES),
    pytest.mark.parametrize(
        "name", [name for name in MODELS if "cuda" in MODELS[name].devices], indirect=True
    ),
]


@pytest.fixture(autouse=True)
def there(name, device) -> None:
    pytest.importorskip(MODELS[name].backend)
    try:
        check_device(device, MODELS[name].framework)
    except UsageError:
        pytest.skip("no CUDA device")


def ok(done) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_commands_work_on_it(name, device, data, run, tmp_path):
    """Train, time, predict, simulate: together, and in processes that share the device."""
    settings, folder = tmp_path / "tiny.yaml", tmp_path / "run"
    settings.write_text(yaml.safe_dump(data.config.model_dump(mode="json")))
    subset = "complete" if name == "physnet" else "folded"
    ok(
        run(
            "baselines", "train", name, "mini-i", "--subset", subset, "--config", settings,
            "--device", device, "-o", folder,
        )
    )  # fmt: skip
    record = TrainingRecord.read(folder / "record.json")
    assert record.plan.device == device
    if device == "cuda":
        assert record.hardware["gpu"]
        assert record.hardware["cuda"]
        assert record.peak_gpu_memory_mib is not None
        assert 0 < record.peak_gpu_memory_mib < 4096
    speed = json.loads(ok(run("baselines", "bench", folder, "--json")))
    assert speed["device"] == device
    assert speed["many_us_per_atom"] > 0
    predictions = tmp_path / "predictions.npz"
    ok(run("baselines", "predict", folder, "-o", predictions, "--subset", subset))
    assert json.loads(ok(run("teaeval", "score", predictions, "--json")))
    for way in (("--together",), ("--jobs", "2")):
        made = tmp_path / way[0].strip("-")
        ok(
            run(
                "teaeval", "md", "run", "mini-i", "--subset", subset, "--run", folder, *way,
                "--replicas", "2", "--steps", "4", "--interval", "2", "--device", device,
                "-o", made,
            )
        )  # fmt: skip
        assert len(list(made.glob("replica-*"))) == 2


def test_an_interrupted_training_goes_on(device, data, untrained, tmp_path):
    """Sums have no fixed order on a GPU: what follows is alike, not the same."""
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    whole.mkdir()
    halves.mkdir()
    steps: list[int] = []
    expected = untrained(device=device).fit(
        data.train, data.valid, whole, lambda _, done, __: steps.append(done)
    )
    calls = itertools.count(1)

    def stop(*_: object) -> None:
        if next(calls) > len(steps) * 2 // 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        untrained(device=device).fit(data.train, data.valid, halves, stop)
    found = untrained(device=device).fit(data.train, data.valid, halves)
    assert found.selected == expected.selected
    assert found.valid["force_mae"] == pytest.approx(expected.valid["force_mae"], rel=1e-3)


def test_its_calculator_and_its_file_are_of_any_device(device, data, untrained, tmp_path):
    model = untrained(device=device)
    model.fit(data.train, data.valid, tmp_path)
    expected = model.predict(data.test[:2])
    (atoms,) = data.test[:1].to_ase()
    atoms.calc = model.calculator()
    scale = np.abs(expected.forces).max()
    np.testing.assert_allclose(
        atoms.get_forces() * EV, expected.forces[0], rtol=0, atol=1e-4 * scale
    )
    here = type(model).load(tmp_path / model.model_file, data.config, "cpu")
    np.testing.assert_allclose(
        here.predict(data.test[:2]).forces, expected.forces, rtol=0, atol=1e-4 * scale
    )
