"""The page of performance follows from what was measured, a ratio from one run."""

from __future__ import annotations

import re

import performance
import pytest


@pytest.fixture(scope="module")
def tests() -> list[str]:
    return [
        test for table in performance.tables() for row in table.rows for test in row.tests
    ]  # fmt: skip


def test_the_numbers_of_the_page_are_those_that_were_measured():
    page = performance.PAGE.read_text(encoding="utf-8")
    assert performance.filled(page, performance.recorded()) == page


def test_every_row_is_of_a_benchmark(tests):
    for test in tests:
        file, _, name = test.partition("::")
        text = (performance.HERE / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {re.escape(name.partition('[')[0])}\(", text, re.MULTILINE), test


def test_only_what_was_measured_together_is_compared(tests):
    run = performance.Run(
        begun="2026-01-01T00:00+00:00", seconds=1, load=(0, 1), hardware={"processor": "P",
        "cores": "2"}, versions={"python": "3"},
    )  # fmt: skip
    took = {test: performance.Took(seconds=0.002, rounds=3, loop=0.04, run="one") for test in tests}
    record = performance.Record(runs={"one": run, "two": run}, took=took)
    text = performance.measured(record)
    assert "| 2 ms |" in text
    assert "| 4.0 % |" in text
    assert "µs/atom |" in text
    assert "Not measured" not in text
    row = performance.tables()[0].rows[0]
    alone = record.took | {row.ours: record.took[row.ours].model_copy(update={"run": "two"})}
    text = performance.measured(record.model_copy(update={"took": alone}))
    assert f"Not measured together with what belongs beside it: {row.what}." in text
    assert f"| {row.what} |" not in text


def test_a_page_without_the_place_is_an_error():
    with pytest.raises(ValueError, match="0 places for what was measured"):
        performance.filled("nothing", performance.Record())
