"""A score survives JSON."""

from __future__ import annotations

import teaeval
from teaeval.scores.record import Score


def test_score_survives_json(noisy):
    score = teaeval.score(noisy)
    assert Score.model_validate_json(score.model_dump_json()) == score
