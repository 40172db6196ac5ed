"""The published errors are consistent with each other."""

from __future__ import annotations

from collections import defaultdict

import pytest

from teaeval import published


def limits(entry_: published.Entry) -> tuple[float, float]:
    """What the number was before it was rounded to its digits."""
    assert entry_.value is not None
    decimals = len(entry_.text.partition(".")[2])
    half = 0.5 * 10**-decimals
    return entry_.value - half, entry_.value + half


def ratios(by_test_set: bool) -> dict[tuple[str, ...], list[tuple[float, float]]]:
    """Limits of SI 7 over SI 8 by row, or by test set and quantity."""
    second = {
        (e.challenge, e.task, e.quantity, e.model, e.measure): e for e in published.entries("std")
    }
    found = defaultdict(list)
    for e in published.entries("mean"):
        other = second[e.challenge, e.task, e.quantity, e.model, e.measure]
        if e.value is None or other.value is None:
            continue
        (low, high), (other_low, other_high) = limits(e), limits(other)
        place = e.test if by_test_set else e.task
        found[e.challenge, place, e.quantity].append((low / other_high, high / other_low))
    return found


def widest_gap(spans: list[tuple[float, float]]) -> float:
    """How far apart the spans are, relative to where they are; 0 where they share a value."""
    low, high = max(a for a, _ in spans), min(b for _, b in spans)
    return max(0.0, low / high - 1)


# Both tables were rounded from absolute errors that may have been rounded themselves.
SLACK = 0.005


@pytest.mark.parametrize("by_test_set", [False, True])
def test_tables_si7_and_si8_are_of_the_same_errors(by_test_set):
    found = ratios(by_test_set)
    assert len(found) == (50 if by_test_set else 58)
    apart = {key: gap for key, spans in found.items() if (gap := widest_gap(spans)) > SLACK}
    assert apart == {}


def test_every_number_is_there_but_those_that_nobody_could_read():
    first, second = published.entries("mean"), published.entries("std")
    missing = [e for e in first if e.value is None]
    assert len(first) == len(second) == 62 * 15
    assert {(e.challenge, e.model) for e in missing} == {("IV", "sGDML")}
    assert len(missing) == 8 * 3
    assert sum(e.value is None for e in second) == len(missing) + 142
    for e in (*first, *second):
        assert e.value is None or e.value > 0


@pytest.mark.parametrize("kind", ["mean", "std"])
def test_mae_rmse_and_max_rise(kind):
    """Where all three were published."""
    for e in published.entries(kind):
        if e.measure == "MAE":
            values = [
                published.value(e.challenge, e.train, e.test, e.quantity, e.model, m, kind)
                for m in published.MEASURES
            ]
            if None not in values:
                assert values == sorted(values), e


def test_physnet_improves_with_more_frames():
    for quantity in ("MAE(E)", "RMSE(E)", "MAE(F)", "RMSE(F)"):
        curve = [p for p in published.physnet() if p.quantity == quantity]
        assert [p.n_train for p in curve] == [200, 400, 600, 800, 1000]
        errors = [p.test_error for p in curve]
        assert errors == sorted(errors, reverse=True)


def test_names_of_models():
    assert published.model_name("sgdml") == "sGDML"
    assert published.model_name("GAP") == "SOAP/GAP"
    assert published.model_name("my model") is None
    assert published.value("IV", "complete", "complete", "F", "sGDML", "MAE") is None
