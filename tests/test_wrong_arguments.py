"""A wrong argument of the API is an error with a sentence, whatever its type."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest

import baselines
import teadata
import teaeval
from teadata import TeaError

WRONG = (None, 3, 2.5, b"x", [1], {}, object(), "no such", Path("none.npz"), np.zeros(3), True)
"""Things that are not the ids, names, paths, frames, predictions, plans that are expected."""


def blank():
    return teaeval.template("mini-i", "folded")


CALLS = {
    "teadata.load": lambda x: teadata.load(x),
    "teadata.Dataset.split": lambda x: teadata.load("mini-i").split(x),
    "teadata.Dataset.test_set": lambda x: teadata.load("mini-i").test_set(x),
    "teadata.DatasetCard.check_subset": lambda x: teadata.load("mini-i").card.check_subset(x),
    "teadata.Frames.select": lambda x: teadata.load("mini-i").split("folded/test").select(x),
    "teadata.Frames.from_ase": lambda x: teadata.Frames.from_ase(x),
    "teadata.SplitName.parse": lambda x: teadata.SplitName.parse(x),
    "teadata.SplitTable.ids": lambda x: teadata.load("mini-i").splits.ids(x),
    "teaeval.check": lambda x: teaeval.check(x),
    "teaeval.compare": lambda x: teaeval.compare(x, blank()),
    "teaeval.errors": lambda x: teaeval.errors(x, np.zeros(2)),
    "teaeval.examine": lambda x: teaeval.examine(x),
    "teaeval.examine: dataset": lambda x: teaeval.examine(blank(), x),
    "teaeval.read_prediction": lambda x: teaeval.read_prediction(x),
    "teaeval.read_reference": lambda x: teaeval.read_reference(x),
    "teaeval.score": lambda x: teaeval.score(x),
    "teaeval.scores": lambda x: teaeval.scores(x),
    "teaeval.template": lambda x: teaeval.template(x, "folded"),
    "teaeval.template: subset": lambda x: teaeval.template("mini-i", x),
    "teaeval.write_prediction": lambda x: teaeval.write_prediction("made.npz", x),
    "teaeval.write_prediction: path": lambda x: teaeval.write_prediction(x, blank()),
    "baselines.load": lambda x: baselines.load(x),
    "baselines.load_model": lambda x: baselines.load_model(x),
    "baselines.load_model: configuration": lambda x: baselines.load_model("sgdml", x),
    "baselines.predict": lambda x: baselines.predict(x),
    "baselines.resume": lambda x: baselines.resume(x),
    "baselines.train": lambda x: baselines.train(x, "folder"),
}
RIGHT = {  # what some of them take
    "teaeval.write_prediction: path": (Path("none.npz"),),
    "teadata.Frames.select": ([1], 3),
    "teaeval.scores": ({},),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_argument_is_an_error_with_a_sentence(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for wrong in WRONG:
        if any(type(wrong) is type(right) for right in RIGHT.get(name, ())):
            continue
        with pytest.raises(TeaError) as found:
            CALLS[name](wrong)
        assert len(str(found.value)) > 10
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", [teadata, teaeval, baselines], ids=lambda p: p.__name__)
def test_every_public_function_is_tried(package):
    functions = {
        f"{package.__name__}.{name}"
        for name in package.__all__
        if inspect.isfunction(item := getattr(package, name)) and inspect.signature(item).parameters
    }
    assert functions <= CALLS.keys()
