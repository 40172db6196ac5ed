"""Random features: the transform, and the kernels they tend to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.linalg import hadamard

pytest.importorskip("torch")
import torch

from baselines.fchl.sorf import Sorf, hadamard_transform


@pytest.mark.parametrize("d", [1, 2, 8, 128])
def test_transform_is_sylvesters_matrix(d):
    values = torch.randn(3, d, 5, dtype=torch.float64)
    expected = torch.from_numpy(hadamard(d).astype(float)) @ values
    torch.testing.assert_close(hadamard_transform(values.clone()), expected)


@pytest.mark.parametrize("transforms", [1, 2, 3])
def test_projection_is_the_product_of_the_matrices(transforms):
    sorf = Sorf.draw(2, 16, 3, transforms, 2.5, seed=0)
    dense = hadamard(16) / 4.0
    vectors = np.random.default_rng(0).normal(size=(16, 7))
    for element in range(2):
        rows = []
        for stack in range(3):
            product = np.eye(16)
            for sign in sorf.signs[element, :, stack].numpy():
                product = dense @ np.diag(sign) @ product
            rows.append(4.0 / 2.5 * product)
        matrix = np.concatenate(rows)
        found = sorf.project(torch.from_numpy(vectors), element)
        np.testing.assert_allclose(found, matrix @ vectors, atol=1e-12)
        part = sorf.project(torch.from_numpy(vectors), element, slice(1, 2))
        np.testing.assert_allclose(part, rows[1] @ vectors, atol=1e-12)
        back = np.random.default_rng(1).normal(size=(48, 7))
        adjoint = sorf.adjoint(torch.from_numpy(back), element)
        np.testing.assert_allclose(adjoint, matrix.T @ back, atol=1e-12)


def kernel(sorf: Sorf, vectors: torch.Tensor) -> float:
    """Product of the features of two vectors (2, d) of an element."""
    angles = sorf.angles(vectors.T.contiguous(), 0)
    features = angles.cos() * sorf.amplitude
    return float(features[:, 0] @ features[:, 1])


@pytest.mark.parametrize(("transforms", "limit"), [(1, "cosines"), (2, "gauss"), (3, "gauss")])
def test_kernel_tends_to_its_limit_at_the_monte_carlo_rate(transforms, limit):
    """The error falls as 1/√N_f: by 4 when the features are 16 times as many.

    The rows of W are all as long as a Gaussian's are on average, which the Gaussian kernel is
    the limit of many dimensions of: with d of them it is off by about its |δ|⁴/4d-th part.
    """
    rng = np.random.default_rng(5)
    d, sigma = 64, 1.0
    p = torch.from_numpy(rng.normal(size=(2, d)) * 0.75 ** np.arange(d))
    delta = (p[0] - p[1]).numpy() / sigma
    square = float(delta @ delta)
    exact = {"cosines": np.cos(delta).prod(), "gauss": math.exp(-0.5 * square)}
    found = {
        stacks: np.array(
            [kernel(Sorf.draw(1, d, stacks, transforms, sigma, seed), p) for seed in range(200)]
        )
        for stacks in (4, 64)
    }
    assert 3.0 < found[4].std() / found[64].std() < 5.3
    tolerance = 4.0 * found[64].std() / math.sqrt(200)
    if limit == "gauss":
        tolerance += exact["gauss"] * square**2 / (4 * d)
    assert abs(found[64].mean() - exact[limit]) < tolerance
    other = exact["gauss" if limit == "cosines" else "cosines"]
    assert abs(found[64].mean() - other) > 2.0 * tolerance


def test_features_of_different_elements_are_uncorrelated():
    """The kernel of two elements is zero, also of atoms with the same environment."""
    vector = torch.randn(16, 1, dtype=torch.float64)
    products = []
    for seed in range(200):
        sorf = Sorf.draw(2, 16, 16, 1, 3.0, seed)
        first, second = (sorf.angles(vector, element).cos() for element in range(2))
        products.append(float((first * second).sum()) * sorf.amplitude**2)
    assert abs(np.mean(products)) < 4.0 * np.std(products) / math.sqrt(200)
    assert np.std(products) < 0.1


def test_draws_depend_on_the_seed_only():
    first, again, other = (Sorf.draw(2, 8, 2, 1, 1.0, seed) for seed in (0, 0, 1))
    assert torch.equal(first.signs, again.signs)
    assert torch.equal(first.phases, again.phases)
    assert not torch.equal(first.phases, other.phases)
    assert set(first.signs.unique().tolist()) == {-1.0, 1.0}
