"""Benchmarks beside each other."""

from __future__ import annotations

import pytest

import teadata
from teadata.errors import UsageError
from teaeval.hydrogen import Protocol, Record, make_plan, run
from teaeval.hydrogen.table import comparable, model_rows


@pytest.fixture
def of_run(here):
    """A record of the springs as if of a run folder, under the label MACE."""
    plan = make_plan(
        teadata.load("mini-hydrogen"),
        "MACE",
        calculator="springs:make",
        states=["1000K-0.5"],
        protocol=Protocol(equilibration=10.0, length=80.0),
    )
    record = run(plan, here / "out")

    def make(folder: str | None) -> Record:
        return record.model_copy(update={"plan": plan.model_copy(update={"model": folder})})

    return make


def test_records_of_one_model_are_told_apart_by_their_run_folders(of_run):
    runs = [of_run(f"here/mace-mini-hydrogen-{which}") for which in ("96-seed0", "96-seed1")]
    assert [row[0] for row in model_rows(runs)] == ["MACE (seed0)", "MACE (seed1)", "reference"]
    assert [row[0] for row in model_rows(runs[:1])] == ["MACE", "reference"]
    sizes = [*runs, of_run("mace-mini-hydrogen-192-seed1")]
    labels = [record.plan.label for record in comparable(sizes)]
    assert labels == ["MACE (96-seed0)", "MACE (96-seed1)", "MACE (192-seed1)"]


@pytest.mark.parametrize("folders", [(None, None), ("a/one", "b/one"), ("one", None, None)])
def test_records_that_nothing_tells_apart_are_refused(of_run, folders):
    with pytest.raises(UsageError, match=r"two records are of 'MACE'; run one again with another"):
        comparable([of_run(folder) for folder in folders])
