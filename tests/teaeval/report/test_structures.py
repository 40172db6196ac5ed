"""The structures of a report carry the errors."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import teadata


def test_structures_carry_the_errors(predicted, page):
    data = re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    hydrogen, second, first = json.loads(data.group(1))
    assert (first["name"], second["name"]) == ("MACE, unfolded/train/100 → unfolded", "<b>&mine")
    assert len(first["frames"]) == 4
    largest = [max(frame["largest"]) for frame in first["frames"]]
    assert largest == sorted(largest, reverse=True)
    made = predicted("mini-i", "unfolded", "MACE", 1.0)
    test = teadata.load("mini-i").split("unfolded/test")
    assert largest[0] == pytest.approx(np.abs(made.forces - test.forces).max(), abs=1e-3)
    assert len(hydrogen["frames"][0]["cell"]) == 12
    frame = second["frames"][0]
    lengths = np.linalg.norm(frame["vector"], axis=1)
    assert (lengths >= np.array(frame["largest"]) - 2e-3).all()
