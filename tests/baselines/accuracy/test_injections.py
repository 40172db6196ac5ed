"""Bugs put into a model on purpose: the check of accuracy, with the shipped records, sees each."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import teadata
from baselines.accuracy import record as accuracy
from baselines.accuracy import regression

pytestmark = pytest.mark.slow

# Carried out in every Python process of the check, before anything else.
BUGS = {
    "unit": """
import baselines.mace.model as model
model.EV = 1.0  # the network's eV are passed on as kcal/mol
""",
    "cutoff": """
import baselines.mace.backend as backend
whole = backend.graphs
backend.graphs = lambda frames, numbers, r_max, *more: whole(frames, numbers, r_max / 2, *more)
""",
    "forces": """
from baselines.mace.config import MACEConfig
whole = MACEConfig.arguments
MACEConfig.arguments = lambda *given: whole(*given) | {"forces_weight": 0.0}
""",
}


@pytest.mark.parametrize(
    ("bug", "dataset", "subset"),
    [
        (None, "mini-i", "folded"),
        ("unit", "mini-i", "folded"),
        ("forces", "mini-i", "folded"),
        # a molecule's forces come from what is bonded: on mini-i this one is within the bound
        ("cutoff", "mini-iv", "complete"),
    ],
)
def test_bugs_are_found_and_nothing_else(bug, dataset, subset, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(BUGS.get(bug, ""))
    done = subprocess.run(
        [sys.executable, "-m", "baselines", "check", "mace", dataset, "--subset", subset,
         "--json"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        check=False,
    )  # fmt: skip
    lines = json.loads(done.stdout)
    tests = accuracy.tests_of(teadata.load(dataset).card, subset)
    assert {line["task"] for line in lines} == {f"{subset}->{test}" for test in tests}
    regressed = {line["quantity"] for line in lines if line["regressed"]}
    if bug is None:
        assert not regressed, done.stderr
        assert done.returncode == 0
    else:
        assert "F" in regressed
        assert done.returncode == 1


def test_the_bounds_of_the_shipped_records_are_narrow():
    """No force error could double unnoticed, and of reference trainings no energy error."""
    for model in {record.model for record in accuracy.read_records()}:
        for kind, spreads in regression.pooled_spreads(accuracy.read_records(model=model)).items():
            assert spreads["F"].factor(3) < 2
            assert kind == "quick" or spreads["E"].factor(1) < 2
