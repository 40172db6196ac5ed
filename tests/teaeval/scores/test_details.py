"""Details, each computed once more by plain loops."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import teaeval
from teadata import Frames
from teaeval import PredictionError
from teaeval.metrics.force_distribution import MAGNITUDES, ForceDistribution
from teaeval.metrics.jackknife import student_t
from teaeval.scores.record import Score


@pytest.fixture(scope="module")
def shifted(mini_i) -> tuple[teaeval.Prediction, Frames]:
    test = mini_i.split("folded/test")
    rng = np.random.default_rng(3)
    scale = 1 + 0.2 * rng.normal(size=test.forces.shape[:2])
    prediction = teaeval.Prediction(
        "mini-i",
        "folded",
        test.energies + 7.0 + rng.normal(0, 1, len(test)),
        test.forces * scale[:, :, None] + rng.normal(0, 2, test.forces.shape),
        frame_ids=test.ids,
        train="folded/train/200",
    )
    return prediction, test


@pytest.fixture(scope="module")
def score(shifted) -> Score:
    return teaeval.score(shifted[0], with_details=True, replicates=0)


def test_energies(shifted, score):
    prediction, test = shifted
    error = [float(p - r) for p, r in zip(prediction.energies, test.energies, strict=True)]
    n = len(error)
    shift = sum(error) / n
    found = score.details.energy
    assert found.shift == pytest.approx(shift) == pytest.approx(7.0, abs=0.1)
    about = [e - shift for e in error]
    assert found.mae_shifted == pytest.approx(sum(map(abs, about)) / n)
    assert found.rmse_shifted == pytest.approx(math.sqrt(sum(e * e for e in about) / n))
    assert found.max_shifted == pytest.approx(max(map(abs, about)))
    assert found.mae_per_atom == pytest.approx(score.row("E").mae / 42)
    assert found.rmse_per_atom == pytest.approx(score.row("E").rmse / 42)
    assert found.mae_per_atom_shifted == pytest.approx(found.mae_shifted / 42)
    for quantile in found.quantiles:
        share = sum(abs(e) <= quantile.error for e in error) / n
        assert share == pytest.approx(quantile.share, abs=1 / n)


def test_force_vectors_and_bins(shifted, score):
    prediction, test = shifted
    magnitude = vector = cosine = 0.0
    bins = [[0, 0.0, 0.0] for _ in MAGNITUDES]
    for p_frame, r_frame in zip(prediction.forces.tolist(), test.forces.tolist(), strict=True):
        for p, r in zip(p_frame, r_frame, strict=True):
            length_p, length_r = math.hypot(*p), math.hypot(*r)
            magnitude += abs(length_p - length_r)
            vector += math.dist(p, r)
            cosine += sum(a * b for a, b in zip(p, r, strict=True)) / length_p / length_r
            place = max(i for i, low in enumerate(MAGNITUDES) if length_r >= low)
            bins[place][0] += 1
            bins[place][1] += length_r
            bins[place][2] += sum(abs(a - b) for a, b in zip(p, r, strict=True)) / 3
    atoms = len(test) * 42
    found = score.details.forces
    assert found.magnitude_mae == pytest.approx(magnitude / atoms)
    assert found.vector_mae == pytest.approx(vector / atoms)
    assert found.cosine == pytest.approx(cosine / atoms)
    listed = {b.low: b for b in found.by_magnitude}
    for low, (count, force, error) in zip(MAGNITUDES, bins, strict=True):
        assert (low in listed) == (count > 0)
        if count:
            assert listed[low].atoms == count
            assert listed[low].mean_force == pytest.approx(force / count)
            assert listed[low].mae == pytest.approx(error / count)


def test_intervals_of_means(shifted):
    """Each holds its value, and is where trajectories left out one by one by hand put it."""
    prediction, test = shifted
    score = teaeval.score(prediction, with_details=True, replicates=1)
    forces, energy = score.details.forces, score.details.energy
    assert forces.cosine_interval[0] < forces.cosine < forces.cosine_interval[1] < 1
    low, high = energy.rmse_shifted_interval
    assert low < energy.rmse_shifted < high
    vector = np.linalg.norm(prediction.forces - test.forces, axis=2).mean(axis=1)
    units = np.unique(test.trajectories, return_inverse=True)[1]
    count = units.max() + 1
    means = np.array([vector[units != unit].mean() for unit in range(count)])
    mean = vector.mean()
    relative = np.sqrt((count - 1) / count * ((means - mean) ** 2).sum()) / mean
    factor = np.exp(student_t((count - 1) / (1 + 3.5 * count * relative**2)) * relative)
    np.testing.assert_allclose(forces.vector_interval, [mean / factor, mean * factor])


def test_atoms_and_residues(shifted, score):
    prediction, test = shifted
    error = np.abs(prediction.forces - test.forces).mean(axis=(0, 2))
    found = score.details.forces
    assert [atom.name for atom in found.by_atom] == [f"{s}{i}" for i, s in enumerate(test.symbols)]
    np.testing.assert_allclose([atom.mae for atom in found.by_atom], error)
    assert [residue.name for residue in found.by_residue] == "ACE1 ALA2 ALA3 ALA4 NME5".split()
    sizes = [6, 10, 10, 10, 6]
    mean = np.average([residue.mae for residue in found.by_residue], weights=sizes)
    assert mean == pytest.approx(score.row("F").mae)


@given(st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 1.0]))
def test_quantiles_are_of_the_values(errors, share):
    forces = np.zeros((len(errors), 1, 3))
    forces[:, 0, 0] = forces[:, 0, 1] = forces[:, 0, 2] = errors
    every = np.ones(len(errors), dtype=bool)
    found = ForceDistribution.of(forces, np.zeros_like(forces), every).quantile(share)
    exact = sorted(errors)[math.ceil(share * len(errors) - 1e-9) - 1]
    assert exact <= found <= exact * (1 + 2**-11)


def test_sums_of_pieces_are_those_of_all():
    rng = np.random.default_rng(0)
    p, r = rng.normal(size=(2, 90, 5, 3))
    scored = rng.random(90) < 0.8
    p[~scored] = np.nan
    whole, first, second = (
        ForceDistribution.of(p[part], r[part], scored[part])
        for part in (slice(None), slice(0, 40), slice(40, None))
    )
    joined = first + second
    np.testing.assert_array_equal(np.isfinite(whole.vector), scored)
    for name, value in vars(whole).items():
        np.testing.assert_allclose(getattr(joined, name), value, rtol=1e-12)
    np.testing.assert_array_equal(joined.histogram, whole.histogram)


def test_errors_grow_with_the_distance_to_the_training_set(mini_i):
    """A model that knows its training frames and fails by how far others are."""
    test, train = mini_i.split("folded/test"), mini_i.split("folded/train/100")
    from teadata.structure.fingerprint import fingerprints, nearest

    both = Frames.concatenate([test, train])
    values = fingerprints(both).values
    distance = nearest(values[: len(test)], values[len(test) :])[0]
    rng = np.random.default_rng(0)
    prediction = teaeval.Prediction(
        "mini-i",
        "folded",
        test.energies + 50 * distance,
        test.forces + 10 * distance[:, None, None] * rng.choice([-1, 1], test.forces.shape),
        frame_ids=test.ids,
        train="folded/train/100",
    )
    found = teaeval.score(prediction, with_details=True, replicates=0).details.novelty
    assert (found.train, found.train_frames, found.frames) == ("folded/train/100", 100, 2000)
    assert found.force_correlation == pytest.approx(1, abs=1e-9)
    maes = [b.force_mae for b in found.bins]
    assert maes == sorted(maes)
    for b in found.bins:
        assert 10 * b.low <= b.force_mae <= 10 * b.high
    other = dataclasses.replace(prediction, train="my own data")
    assert teaeval.score(other, with_details=True, replicates=0).details.novelty is None


def test_they_are_shown_and_verified(shifted, run, tmp_path):
    teaeval.write_prediction(tmp_path / "p.h5", shifted[0])
    done = run("teaeval", "score", tmp_path / "p.h5", "--details", "-o", tmp_path / "score.json")
    assert done.returncode == 0, done.stderr
    for text in ("E shifted by its mean error of 7.0", "cosine", "99.9%", "ALA3", "over 160"):
        assert text in done.stdout
    verified = run("teaeval", "verify", tmp_path / "score.json", "--prediction", tmp_path / "p.h5")
    assert verified.returncode == 0, verified.stdout
    record = Score.model_validate_json((tmp_path / "score.json").read_text())
    assert record.details is not None
    markdown = run("teaeval", "score", tmp_path / "p.h5", "--details", "--markdown").stdout
    assert "| ALA3 |" in markdown
    assert "| \\| \\|p\\| − \\|r\\| \\| |" in markdown


def test_failed_frames_are_counted_never_dropped(shifted, run, tmp_path):
    prediction, test = shifted
    forces = prediction.forces.copy()
    forces[[3, 8], 1, 2] = np.nan
    energies = prediction.energies.copy()
    energies[[8, 11]] = np.inf
    broken = dataclasses.replace(
        prediction,
        energies=energies[:-5],
        forces=forces[:-5],
        frame_ids=prediction.frame_ids[:-5],
    )
    with pytest.raises(PredictionError) as caught:
        teaeval.score(broken)
    codes = {item.code for item in caught.value.findings}
    assert codes >= {"missing-frames", "not-finite-forces", "not-finite-energy"}
    found = teaeval.score(broken, allow_failed=True, with_details=True)
    cover = found.coverage
    assert (cover.frames, cover.scored, cover.missing, cover.not_finite) == (2500, 2492, 5, 3)
    rest = np.setdiff1d(np.arange(2495), [3, 8, 11])
    error = np.abs(prediction.forces[rest] - test.forces[rest])
    assert found.row("F").mae == pytest.approx(error.mean())
    assert found.row("F").count == error.size
    assert found.row("F").std_reference == pytest.approx(test.forces.std())  # of the whole test set
    low, high = found.row("F").mae_interval
    assert low < found.row("F").mae < high
    assert sum("[not-finite-" in text or "[missing" in text for text in found.warnings) == 3
    teaeval.write_prediction(tmp_path / "broken.npz", broken)
    assert run("teaeval", "score", tmp_path / "broken.npz").returncode == 1
    shown = run("teaeval", "score", tmp_path / "broken.npz", "--allow-failed")
    assert shown.returncode == 0
    assert "INCOMPLETE: 8 of 2500 frames failed (5 missing, 3 not finite)" in shown.stdout


def test_when_every_frame_failed_there_is_no_score(shifted):
    nothing = dataclasses.replace(shifted[0], forces=shifted[0].forces * np.nan)
    with pytest.raises(PredictionError, match=r"not-finite-forces.*no frame is left") as caught:
        teaeval.score(nothing, allow_failed=True)
    assert "--allow-failed" not in caught.value.told()
    one = nothing.forces.copy()
    one[0] = 0.0
    with pytest.raises(PredictionError, match=r"allow_failed=True\) scores the others"):
        teaeval.score(dataclasses.replace(nothing, forces=one))
