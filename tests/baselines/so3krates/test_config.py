"""The published settings, and settings that cannot be."""

from __future__ import annotations

import pytest

from baselines import config as configs
from baselines.so3krates import SO3kratesConfig
from teadata.errors import DataError


@pytest.mark.parametrize(
    ("name", "size", "batch", "residual"),
    [
        ("paper-i", 1000, 1, False),
        ("paper-ii", 400, 10, True),
        ("paper-iii", 200, 10, True),
        ("paper-iv", 200, 2, False),
    ],
)
def test_published_settings(name, size, batch, residual):
    """SI, section 1.2."""
    found = configs.read(SO3kratesConfig, "so3krates", name)
    assert found == SO3kratesConfig(
        size=size, batch_size=batch, residual_mlp_1=residual, residual_mlp_2=residual,
        features=128, layers=3, degrees=(1, 2, 3, 4), energy_weight=1.0, forces_weight=1000.0,
        lr=1e-3, lr_decay=0.7, lr_decay_steps=100_000, steps=1_000_000, eval_every=2000,
    )  # fmt: skip
    assert (found.allow_tf32, found.ema_decay, found.dtype) == (False, None, "float32")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"feature": 3}, "unknown key 'feature', did you mean 'features'"),
        ({"degrees": [1, 2, 3]}, r"features is 8, expected a multiple of 3 \(degrees\)"),
        ({"degrees": [2, 1]}, "expected rising ones"),
        ({"degrees": [5]}, "degrees.0: expected 4 at most, found 5"),
        ({"shift_by": "atomic_number"}, "shifts: expected with shift_by atomic_number"),
        ({"energy_weight": 0, "forces_weight": 0}, "nothing is fitted"),
    ],
)
def test_a_wrong_setting_is_named(changed, message, settings):
    values = settings().model_dump(mode="json") | changed
    with pytest.raises(DataError, match=message):
        configs.parse(SO3kratesConfig, values, "my.yaml")
