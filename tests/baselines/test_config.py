import pytest
import yaml

from baselines import config
from baselines.registry import MODELS, load_model
from baselines.sgdml import SGDMLConfig
from teadata.errors import DataError, UsageError


@pytest.mark.parametrize("model", MODELS)
def test_every_shipped_configuration_is_valid(model):
    _, kind = MODELS[model].classes()
    names = config.names(model)
    assert "quick" in names
    for name in names:
        assert isinstance(config.read(kind, model, name), kind)


def test_published_settings_of_sgdml():
    """SI, section 1.3, and Table SI 6 for the sizes of Challenge I."""
    paper = config.read(SGDMLConfig, "sgdml", "paper-i")
    assert paper.sigmas == list(range(10, 201, 10))
    assert paper.size == 1000
    assert paper.symmetries


def test_a_yaml_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.yaml"
    content = {"size": 7, "sigmas": [5], "lam": 1e-12, "symmetries": False}
    path.write_text(yaml.safe_dump(content))
    assert load_model("sgdml", str(path)).config == SGDMLConfig(**content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sigma": [10]}, "unknown key 'sigma', did you mean 'sigmas'"),
        ({"lam": -1}, "lam: expected a number above 0, found -1"),
        ({"sigmas": []}, "sigmas: expected 1 or more values"),
        ({"sigmas": [20, 10]}, "sigmas: .*rising values"),
        ({"lam": float("inf")}, "lam: expected a finite number, found inf"),
        ({"lam": float("nan")}, "lam: expected .*, found nan"),
        ({"size": "many"}, "size: expected a whole number, found 'many'"),
    ],
)
def test_wrong_keys_and_values(tmp_path, change, message):
    path = tmp_path / "mine.yaml"
    content = {"size": 7, "sigmas": [5], "lam": 1e-12, "symmetries": False}
    path.write_text(yaml.safe_dump(content | change))
    with pytest.raises(DataError, match=message):
        load_model("sgdml", str(path))


def test_a_key_that_is_missing_and_a_file_that_is_no_yaml(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("size: 7\n")
    with pytest.raises(DataError, match="sigmas: is missing; lam: is missing"):
        load_model("sgdml", str(path))
    path.write_text("size: [")
    with pytest.raises(DataError, match="not readable as YAML"):
        load_model("sgdml", str(path))


def test_a_key_that_is_there_twice_is_named_with_its_lines(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("size: 7\nsigmas: [5]\nlam: 1.0e-12\nsymmetries: false\nsize: 9\n")
    with pytest.raises(DataError, match=r"mine.yaml: line 5: size is there twice, first in line 1"):
        load_model("sgdml", str(path))


def test_names_that_do_not_exist():
    with pytest.raises(
        UsageError, match=r"'slow'; expected one of: paper-i, .*quick, .*<path>\.yaml"
    ):
        load_model("sgdml", "slow")
    with pytest.raises(UsageError, match=r"unknown model 'sgmdl'.*did you mean 'sgdml'"):
        load_model("sgmdl")
