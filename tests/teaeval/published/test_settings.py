"""The shipped settings are the published ones."""

from __future__ import annotations

import pytest

from baselines import config
from baselines.registry import entry
from teaeval import published


@pytest.mark.parametrize(
    ("name", "challenge", "trained_on"),
    [("paper-i", "I", ""), ("paper-ii", "II", "complete"), ("paper-ii-incomplete", "II",
      "incomplete"), ("paper-iii", "III", ""), ("paper-iv", "IV", "")],
)  # fmt: skip
def test_shipped_settings_of_gap_are_the_published_ones(name, challenge, trained_on):
    shipped = config.read(entry("gap").classes()[1], "gap", name)
    found = {
        s.setting: s.value
        for s in published.settings()
        if s.model == "SOAP/GAP" and s.challenges == (challenge,) and s.trained_on == trained_on
    }
    assert shipped.sparse_two_body == int(found["sparse_two_body"])
    assert shipped.sparse_soap == int(found["sparse_many_body"])
    assert (shipped.n_max, shipped.l_max) == (int(found["n_max"]), int(found["l_max"]))
