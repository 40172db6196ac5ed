"""The published settings, read back from the models that they build."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from baselines import config
from baselines.mace import MACEConfig, backend
from baselines.mace.training import Training
from teadata.errors import DataError

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("mace") is None, reason="could not import 'mace'")


def test_defaults_are_mace_torchs(settings):
    with backend.backend(settings, "cpu"):
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
def test_a_wrong_setting_is_named(settings, changed, message):
    with pytest.raises(DataError, match=message):
        config.parse(MACEConfig, settings.model_dump(mode="json") | changed, "my.yaml")
