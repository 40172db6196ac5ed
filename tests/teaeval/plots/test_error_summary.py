"""What figures are drawn from equals what the scores say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import teaeval
from teadata import Dataset
from teadata.errors import UsageError
from teaeval.plots import errors, structure
from teaeval.plots.error_summary import ABSOLUTE, named, quantiles, summarise
from teaeval.scores.examine import examine


def test_sums_are_those_of_the_score(noisy, mini_i: Dataset):
    shuffled = np.random.default_rng(0).permutation(len(noisy.energies))
    moved = dataclasses.replace(
        noisy,
        energies=noisy.energies[shuffled],
        forces=noisy.forces[shuffled],
        frame_ids=noisy.frame_ids[shuffled],
    )
    found = summarise(examine(moved))
    test = mini_i.split("folded/test")
    score = teaeval.score(noisy, replicates=0)
    error = noisy.forces - test.forces
    np.testing.assert_array_equal(found.energies, noisy.energies)
    assert found.by_atom == pytest.approx(np.abs(error).mean(axis=(0, 2)))
    assert found.by_atom.mean() == pytest.approx(score.row("F").mae)
    assert found.frame_max.max() == pytest.approx(score.row("F").max)
    worst = found.worst(3)
    np.testing.assert_array_equal(worst, np.argsort(np.abs(error).max(axis=(1, 2)))[::-1][:3])
    np.testing.assert_allclose(found.errors(worst), error[worst], atol=1e-12)
    np.testing.assert_array_equal(found.frames(worst).positions, test.positions[worst])
    assert found.parity.sum() == found.signed.sum() == error.size
    assert {e: n.sum() for e, n in found.by_element.items()} == {
        e: 3 * len(test) * test.symbols.count(e) for e in "CONH"
    }
    assert found.by_magnitude.sum() == error.size // 3
    assert found.magnitude_sum.sum() == pytest.approx(np.linalg.norm(error, axis=2).sum())


def test_quantiles_are_within_the_width_of_a_bin(noisy, mini_i: Dataset):
    found = summarise(examine(noisy))
    test = mini_i.split("folded/test")
    carbon = test.numbers == 6
    error = np.abs(noisy.forces - test.forces)[:, carbon]
    shares = (0.05, 0.5, 0.95)
    width = ABSOLUTE[1] / ABSOLUTE[0]
    for exact, binned in zip(
        np.quantile(error, shares), quantiles(found.by_element["C"], shares), strict=True
    ):
        assert exact / width < binned < exact * width
    assert np.isnan(quantiles(np.zeros(400, dtype=int), (0.5,))).all()


def test_frames_that_failed_are_left_out_and_counted(noisy, mini_i: Dataset):
    energies = noisy.energies.copy()
    energies[2] = np.nan
    order = np.random.default_rng(0).permutation(len(energies))[100:]
    part = dataclasses.replace(
        noisy,
        energies=energies[order],
        forces=noisy.forces[order],
        frame_ids=noisy.frame_ids[order],
    )
    found = summarise(examine(part, allow_failed=True))
    kept = np.sort(order[order != 2])
    np.testing.assert_array_equal(found.rows, kept)
    np.testing.assert_array_equal(found.energies, noisy.energies[kept])
    test = mini_i.split("folded/test")
    error = np.abs(noisy.forces - test.forces)[kept]
    assert found.by_atom == pytest.approx(error.mean(axis=(0, 2)))
    (worst,) = found.worst(1)
    assert np.abs(found.errors(np.array([worst]))).max() == pytest.approx(error.max())
    np.testing.assert_array_equal(
        found.frames(np.array([worst])).positions[0], test.positions[kept[worst]]
    )
    assert f"{len(kept)} of 2500 frames" in found.where


def test_names(noisy):
    found = summarise(examine(noisy))
    other = dataclasses.replace(found, train="folded/train/9")
    assert [name for name, _ in named([found])] == ["noise"]
    assert [name.split("folded")[-1] for name, _ in named([found, found])] == ["", " #2"]
    assert [name for name, _ in named([found, other])] == [
        "noise, folded/train/200 → folded",
        "noise, folded/train/9 → folded",
    ]


@pytest.mark.parametrize("draw", [errors.distributions, structure.per_atom])
def test_predictions_of_other_builds_of_a_dataset_are_not_in_one_figure(molecule, draw):
    one, other = molecule
    build = dataclasses.replace(
        other.build, file="b.npz", checksums=(("frames", "1" * 64), other.build.checksums[1])
    )
    with pytest.raises(UsageError, match=rf"mini-i.*its frames have SHA-256 .*{'1' * 64} in b.npz"):
        draw([one, dataclasses.replace(other, build=build)])
