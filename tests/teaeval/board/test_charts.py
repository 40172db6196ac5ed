"""Charts of a board's pages."""

from __future__ import annotations

import math

from teaeval.board.charts import Axis, Series, chart


def test_points_that_cannot_be_drawn_are_left_out():
    points = [(0.0, 1.0), (math.inf, 2.0), (3.0, 1e300), (1.7e308, 1.0), (2.0, math.nan)]
    drawn = chart([Series("A", [*points, (2.0, 1.0)])], Axis("x", log=True), Axis("y"), "A title")
    assert drawn.count("<title>") == 1
    assert "nan" not in drawn
    assert chart([Series("A", points)], Axis("x", log=True), Axis("y"), "A title") == ""
