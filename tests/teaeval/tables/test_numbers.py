"""Numbers are printed with three significant digits."""

from __future__ import annotations

import pytest

from teaeval.tables import single as table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (None, "–"),
        (0.54, "0.540"),
        (1.234, "1.23"),
        (27.36, "27.4"),
        (143.2, "143"),
        (2580.4, "2580"),
        (0.01, "0.0100"),
        (10.0, "10.0"),
        (100.0, "100"),
        (1.0, "1.00"),
        (999.7, "1000"),
        (0.00123, "0.00123"),
        (539000.0, "539000"),
        (1.234e300, "1.23e+300"),
    ],
)
def test_three_significant_digits(value, text):
    assert table.significant(value) == text
