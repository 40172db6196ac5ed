"""The table of the recorded accuracy."""

from __future__ import annotations

from baselines.accuracy import record as accuracy
from baselines.accuracy import table as accuracy_table


def test_a_record_is_a_row_for_each_test(recorded):
    made = accuracy_table.markdown(accuracy.read_records(recorded / "records"))
    assert "| sGDML (tiny) | mini-i@1.0.0 | unfolded/train/10 | folded |" in made


def test_the_document_shows_the_shipped_records(repository):
    text = (repository / "docs" / "baselines" / "records.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- table -->\n")[2].partition("<!-- end of table -->")[0]
    assert shown == accuracy_table.markdown(accuracy.read_records())


def test_the_time_of_a_last_session_is_the_least_it_took(recorded):
    (record,) = accuracy.read_records(recorded / "records")
    values = record.model_dump()
    for seed, seconds in zip(values["trainings"][0]["seeds"], (20, 30), strict=True):
        seed |= {"wall_seconds": seconds, "last_session_only": seconds == 20}
    shorter = accuracy.AccuracyRecord.model_validate(values)
    assert accuracy_table.markdown([shorter]).splitlines()[2].split(" | ")[-2] == "30"
    values["trainings"][0]["seeds"][1]["last_session_only"] = True
    neither = accuracy.AccuracyRecord.model_validate(values)
    assert accuracy_table.markdown([neither]).splitlines()[2].split(" | ")[-2] == "≥ 20"
