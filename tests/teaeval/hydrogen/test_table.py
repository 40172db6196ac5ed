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
    campaign = [of_run(f"mace-{which}") for which in ("seed0-0123456789ab", "seed1-ba9876543210")]
    assert [record.plan.label for record in comparable(campaign)] == [
        "MACE (seed0)",
        "MACE (seed1)",
    ]
    configured = [of_run(f"mace-{which}") for which in ("0123456789ab", "ba9876543210")]
    labels = [record.plan.label for record in comparable(configured)]
    assert labels == ["MACE (0123456789ab)", "MACE (ba9876543210)"]


@pytest.mark.parametrize("folders", [(None, None), ("a/one", "b/one"), ("one", None, None)])
def test_records_that_nothing_tells_apart_are_refused(of_run, folders):
    with pytest.raises(UsageError, match=r"two records are of 'MACE'; run one again with another"):
        comparable([of_run(folder) for folder in folders])


def test_the_page_shows_the_shipped_records(repository, run):
    text = (repository / "docs" / "hydrogen.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- table -->\n")[2].partition("<!-- end of table -->")[0]
    records = sorted((repository / "examples" / "hydrogen").glob("*.json"))
    made = run("teaeval", "hydrogen-table", *records, "--markdown")
    assert made.returncode == 0, made.stderr
    assert shown == made.stdout
