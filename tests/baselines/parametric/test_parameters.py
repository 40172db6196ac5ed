"""What the classical potentials have in common: one element, and a file of parameters."""

from __future__ import annotations

import json

import pytest

import teadata
from teadata.errors import DataError


@pytest.mark.parametrize("name", ["yukawa", "tersoff"])
def test_other_elements_and_files_are_refused(name, case, small_model, tmp_path):
    model, config = small_model(name).model, case(name).config
    perovskite = teadata.load("mini-iv").split("complete/train/3")
    with pytest.raises(DataError, match="is fitted to one element here"):
        type(model)(config).fit(perovskite, perovskite, tmp_path)
    assert list(tmp_path.iterdir()) == []
    model.save(tmp_path / "model.json")
    values = json.loads((tmp_path / "model.json").read_text()) | {"format": "another"}
    (tmp_path / "model.json").write_text(json.dumps(values))
    with pytest.raises(DataError, match=r"expected parameters of a .* found 'another'"):
        type(model).load(tmp_path / "model.json", config)
