"""The published settings, and settings that cannot be."""

from __future__ import annotations

import pytest

from baselines import config as configs
from baselines.physnet import PhysNetConfig
from teadata.errors import DataError


def test_published_settings():
    """SI, section 1.6 and Table SI 5."""
    found = configs.read(PhysNetConfig, "physnet", "paper-i")
    published = {
        "size": 1000, "features": 128, "n_rbf": 64, "modules": 5, "residual_atomic": 2,
        "residual_interaction": 3, "residual_output": 1, "r_cut": 10.0, "lr": 1e-3,
        "batch_size": 73, "ema_decay": 0.999, "electrostatics": True, "dispersion": True,
        "d3": None, "lr_cut": None, "scale_by": "one", "dtype": "float32",
    }  # fmt: skip
    assert {name: getattr(found, name) for name in published} == published
    assert found.forces_weight == pytest.approx(50, rel=0.1)
    assert found.patience is not None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"feature": 3}, "unknown key 'feature', did you mean 'features'"),
        ({"n_rbf": 1}, "n_rbf: expected a number above 1, found 1"),
        ({"d3": [1.0, 2.0]}, "d3"),
        ({"ema_decay": 1.0}, "ema_decay: expected a number below 1, found 1.0"),
    ],
)
def test_a_wrong_setting_is_named(changed, message, settings):
    values = settings().model_dump(mode="json") | changed
    with pytest.raises(DataError, match=message):
        configs.parse(PhysNetConfig, values, "my.yaml")
