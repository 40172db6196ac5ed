"""Scores are of the reference, exact, and say where they come from."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import teadata
import teaeval
from teadata.errors import TeaError, UsageError
from teaeval import PredictionError


def test_score_is_of_the_reference_and_says_where_from(noisy, mini_i):
    score = teaeval.score(noisy)
    test = mini_i.split("folded/test")
    difference = noisy.forces - test.forces
    assert score.row("F").mae == pytest.approx(np.abs(difference).mean())
    assert score.row("F").mae_percent_mean == pytest.approx(
        100 * np.abs(difference).mean() / np.abs(test.forces).mean()
    )
    assert score.row("F(O)").rmse_percent_std == pytest.approx(
        100
        * np.sqrt(np.mean(difference[:, test.numbers == 8] ** 2))
        / test.forces[:, test.numbers == 8].std()
    )
    energy = np.abs(noisy.energies - test.energies)
    assert score.row("E").max_percent_mean == pytest.approx(
        100 * energy.max() / (test.energies - test.energies.min()).mean()
    )
    assert score.dataset.frames_sha256 == mini_i.card.file("frames").sha256
    assert score.dataset.frames == len(test)
    assert score.task == "folded->folded"
    assert score.software.startswith("tea-benchmark ")
    with pytest.raises(UsageError):
        score.row("F(Pb)")


def test_a_perfect_prediction_scores_zero(noisy, mini_i):
    test = mini_i.split("folded/test")
    perfect = dataclasses.replace(noisy, energies=test.energies, forces=test.forces)
    for row in teaeval.score(perfect).rows:
        assert row.mae == row.rmse == row.max == row.max_percent_std == 0


def test_order_of_frames_does_not_change_a_score(noisy):
    order = np.random.default_rng(3).permutation(len(noisy.energies))
    shuffled = dataclasses.replace(
        noisy,
        energies=noisy.energies[order],
        forces=noisy.forces[order],
        frame_ids=noisy.frame_ids[order],
    )
    for a, b in zip(teaeval.score(noisy).rows, teaeval.score(shuffled).rows, strict=True):
        assert a.mae == pytest.approx(b.mae, rel=1e-12)
        assert a.max == b.max


def test_errors_stop_the_scoring(noisy):
    broken = dataclasses.replace(noisy, forces=np.full_like(noisy.forces, np.nan))
    with pytest.raises(PredictionError, match="not-finite-forces"):
        teaeval.score(broken)


def test_an_exploded_model_is_scored_without_overflow(noisy, recwarn):
    exploded = dataclasses.replace(noisy, energies=noisy.energies + 1e300)
    row = teaeval.score(exploded).row("E")
    assert row.mae == pytest.approx(1e300)
    assert row.rmse == pytest.approx(1e300)
    assert not recwarn.list


def test_errors_that_are_too_large_are_one_error(noisy, recwarn):
    energies = np.where(np.arange(len(noisy.energies)) % 2, 1e308, -1e308)
    with pytest.raises(TeaError, match="errors of E are too large"):
        teaeval.score(dataclasses.replace(noisy, energies=energies), replicates=0)
    assert not recwarn.list


def by_plain_loops(prediction, test, groups):
    """The table of a score, written once more without NumPy: (mae, rmse, max, mean, std)."""
    columns = {"E": []}
    lowest = min(test.energies.tolist())
    for p, r in zip(prediction.energies.tolist(), test.energies.tolist(), strict=True):
        columns["E"].append((p, r, r - lowest))
    for p_frame, r_frame in zip(prediction.forces.tolist(), test.forces.tolist(), strict=True):
        for symbol, p_atom, r_atom in zip(test.symbols, p_frame, r_frame, strict=True):
            for p, r in zip(p_atom, r_atom, strict=True):
                columns.setdefault("F", []).append((p, r, abs(r)))
                columns.setdefault(f"F({symbol})", []).append((p, r, abs(r)))
        for name, molecules in groups.items():
            for atoms in molecules:
                for axis in range(3):
                    p = sum(p_frame[atom][axis] for atom in atoms)
                    r = sum(r_frame[atom][axis] for atom in atoms)
                    columns.setdefault(f"F({name})", []).append((p, r, abs(r)))
    table = {}
    for name, values in columns.items():
        n = len(values)
        mean = sum(r for _, r, _ in values) / n
        table[name] = (
            sum(abs(p - r) for p, r, _ in values) / n,
            math.sqrt(sum((p - r) ** 2 for p, r, _ in values) / n),
            max(abs(p - r) for p, r, _ in values),
            sum(magnitude for _, _, magnitude in values) / n,
            math.sqrt(sum((r - mean) ** 2 for _, r, _ in values) / n),
        )
    return table


@pytest.mark.parametrize("dataset", ["mini-iv", "mini-hydrogen"])
def test_every_number_by_plain_loops(dataset):
    """MAPbI3 pools the net forces of its eight ions; hydrogen has one element and no group."""
    data = teadata.load(dataset)
    test = data.split("complete/test")
    rng = np.random.default_rng(2)
    prediction = teaeval.Prediction(
        dataset,
        "complete",
        test.energies + rng.normal(0, 3, len(test)),
        test.forces + rng.normal(0, 2, test.forces.shape),
        frame_ids=test.ids,
    )
    expected = by_plain_loops(prediction, test, data.card.groups)
    score = teaeval.score(prediction, replicates=0)
    assert {row.quantity for row in score.rows} == set(expected)
    for row in score.rows:
        mae, rmse, largest, mean, std = expected[row.quantity]
        found = (row.mae, row.rmse, row.max, row.mean_reference, row.std_reference)
        assert found == pytest.approx((mae, rmse, largest, mean, std), rel=1e-9)
        assert row.mae_percent_mean == pytest.approx(100 * mae / mean, rel=1e-9)
        assert row.rmse_percent_std == pytest.approx(100 * rmse / std, rel=1e-9)
        assert row.max_percent_mean == pytest.approx(100 * largest / mean, rel=1e-9)
    if "mol" in data.card.groups:
        assert score.row("F(mol)").count == len(test) * 8 * 3
