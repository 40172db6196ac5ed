"""The model of what a score costs, and that the page says what was measured."""

from __future__ import annotations

import json

import large
import pytest
import scaling
import scaling_model
from scaling_model import Model


@pytest.fixture(scope="module")
def record() -> dict:
    return json.loads(scaling.RECORD.read_text())


def test_the_numbers_of_the_page_are_those_that_were_measured(record):
    page = scaling.PAGE.read_text(encoding="utf-8")
    assert scaling_model.filled(page, record) == page
    assert {run["frames"] for run in record["runs"]} >= {scaling.SMALL, scaling.ONE, scaling.TWO}


def test_a_page_without_a_place_for_a_table_is_an_error(record):
    with pytest.raises(ValueError, match="0 places named scaling"):
        scaling_model.filled("<!-- measured --><!-- end of measured -->", record)


@pytest.mark.parametrize("kind", ["threads", "dask"])
def test_the_model_is_exact_where_it_was_made(kind, record):
    model = Model.of(record, kind)
    run = scaling_model.found(record, kind, 1, scaling.ONE)
    assert model.cpu(scaling.ONE) == pytest.approx(scaling_model.cpu(run), rel=0.1)
    assert model.memory(scaling.ONE) == pytest.approx(run["memory"])
    assert model.seconds(scaling.ONE, 1) == pytest.approx(run["seconds"], rel=0.1)
    assert model.seconds(scaling.ONE, 2, 2) < model.seconds(scaling.ONE, 1, 2)


@pytest.mark.parametrize("kind", ["threads", "dask"])
def test_the_model_predicts_what_it_was_not_made_of(kind, record):
    model = Model.of(record, kind)
    for workers, frames in ((2, scaling.ONE), (1, scaling.TWO), (2, scaling.TWO)):
        run = scaling_model.found(record, kind, workers, frames)
        assert model.cpu(frames) == pytest.approx(scaling_model.cpu(run), rel=0.25)
        assert model.memory(frames) == pytest.approx(run["memory"], rel=0.25)


def test_one_process_stands_in_the_way_of_a_billion_frames(record):
    """As the page says."""
    worker = max(seconds for _, seconds in scaling_model.shared(record)) / scaling_model.WORKERS
    assert max(seconds for _, seconds in scaling_model.alone(record)) > worker


def test_a_measurement_scores_what_a_user_does(tmp_path):
    """One measurement, of few frames."""
    frames = 4096
    large.write(tmp_path / str(frames), frames)
    found = scaling.score_once("threads", 2, frames, tmp_path)
    assert found["mae"] == pytest.approx(1.128, abs=0.01)
    assert found["pieces"] == 1
    assert found["shared"] > 0
