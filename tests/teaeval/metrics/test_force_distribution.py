"""Force errors by direction, tail and strength, against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from teaeval.metrics.force_distribution import ForceDistribution


@pytest.fixture
def forces() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    reference = rng.normal(0, 20, size=(40, 6, 3))
    return reference + rng.standard_t(3, size=reference.shape), reference


def of(predicted: np.ndarray, reference: np.ndarray) -> ForceDistribution:
    return ForceDistribution.of(predicted, reference, np.isfinite(predicted).all(axis=(1, 2)))


def test_two_pieces_add_up_to_the_whole(forces):
    whole = of(*forces)
    added = of(*(x[:13] for x in forces)) + of(*(x[13:] for x in forces))
    for name, values in vars(whole).items():
        np.testing.assert_allclose(getattr(added, name), values, rtol=1e-12, err_msg=name)


def test_quantiles_are_those_of_numpy_to_their_resolution(forces):
    errors = np.abs(forces[0] - forces[1]).ravel()
    for share in (0.5, 0.9, 0.99):
        exact = np.quantile(errors, share, method="inverted_cdf")
        assert exact <= of(*forces).quantile(share) <= exact * (1 + 2**-12)


def test_turned_vectors_keep_their_length(forces):
    reference = forces[1]
    found = of(-reference, reference)
    np.testing.assert_allclose(found.cosine, -1)
    np.testing.assert_allclose(found.magnitude, 0, atol=1e-12)
    np.testing.assert_allclose(
        found.vector, 2 * np.linalg.norm(reference, axis=2).mean(axis=1), rtol=1e-12
    )


def test_a_frame_without_a_prediction_counts_nowhere(forces):
    predicted, reference = forces[0].copy(), forces[1]
    predicted[7] = np.nan
    found, others = of(predicted, reference), of(*(np.delete(x, 7, axis=0) for x in forces))
    assert np.isnan(found.mae[7])
    assert np.isnan(found.cosine[7])
    assert found.frames == others.frames == 39
    np.testing.assert_array_equal(found.by_atom, others.by_atom)
    np.testing.assert_array_equal(found.histogram, others.histogram)
