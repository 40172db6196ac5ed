import copy

import pytest
import yaml
from pydantic import ValidationError

import teadata
from teadata import DatasetCard
from teadata.errors import DataError


@pytest.fixture
def content(mini_i):
    return mini_i.card.model_dump(mode="json")


def test_card_survives_yaml(mini_i, content, tmp_path):
    path = tmp_path / "card.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True))
    assert DatasetCard.read(path) == mini_i.card


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tasks": ["folded->nowhere"]}, "task 'folded->nowhere' is not"),
        ({"version": "2.0.0"}, "newest changelog line is of version 1.0.0"),
        ({"groups": {"mol": [[0, 1], [1, 2]]}}, "group 'mol' names an atom twice"),
        ({"groups": {"mol": [[41, 42]]}}, "atoms outside 0 … 41"),
        ({"licence": None}, "licence: expected a text, found None"),
        ({"license": "CC-BY-4.0"}, "license: is no known key"),
    ],
)
def test_every_wrong_field_is_named(content, tmp_path, change, message):
    path = tmp_path / "card.yaml"
    path.write_text(yaml.safe_dump(content | change))
    with pytest.raises(DataError, match=message):
        DatasetCard.read(path)


def test_a_file_that_is_no_yaml(tmp_path):
    path = tmp_path / "card.yaml"
    path.write_text("a: [")
    with pytest.raises(DataError, match=r"card\.yaml: not readable as YAML"):
        DatasetCard.read(path)


@pytest.mark.parametrize("text", ["[" * 10_000, "[" * 10_000 + "]" * 10_000, "- " * 5000 + "a"])
def test_yaml_that_is_nested_deeply(tmp_path, text):
    path = tmp_path / "card.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match=r"card\.yaml: not "):
        DatasetCard.read(path)


@pytest.mark.parametrize("name", ["/etc/passwd", "../frames.h5", "a/../../frames.h5", "..", ""])
def test_files_are_below_the_folder(content, name):
    content["files"][0]["name"] = name
    with pytest.raises(ValidationError, match="leads out of the dataset's folder"):
        DatasetCard.model_validate(content)


def test_the_card_of_another_dataset_is_refused(content, tmp_path, monkeypatch):
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path))
    folder = tmp_path / "datasets" / "tea2023-i"
    folder.mkdir(parents=True)
    (folder / "card.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(DataError, match="is the card of 'mini-i', expected that of 'tea2023-i'"):
        teadata.load("tea2023-i")


def test_checksums_have_64_digits(content):
    broken = copy.deepcopy(content)
    broken["files"][0]["sha256"] = "abc"
    with pytest.raises(ValidationError, match="sha256"):
        DatasetCard.model_validate(broken)
