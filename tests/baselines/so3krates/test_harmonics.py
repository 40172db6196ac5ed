"""Spherical harmonics: orthonormal, and each degree by itself."""

from __future__ import annotations

import numpy as np


def test_spherical_harmonics_are_orthonormal_and_turn_within_their_degree():
    import jax

    from baselines.so3krates import harmonics

    rng = np.random.default_rng(2)
    # Exact for polynomials up to degree 8: Gauss-Legendre in z, equal angles around it
    nodes, weights = np.polynomial.legendre.leggauss(8)
    angles = 2 * np.pi * np.arange(16) / 16
    z = np.repeat(nodes, 16)
    r, phi = np.sqrt(1 - z**2), np.tile(angles, 8)
    points = np.stack([r * np.cos(phi), r * np.sin(phi), z], axis=1)
    weight = np.repeat(weights, 16) * 2 * np.pi / 16
    with jax.enable_x64(True):
        values = np.asarray(harmonics.spherical_harmonics(points, (1, 2, 3, 4)))
        np.testing.assert_allclose(values.T @ (weight[:, None] * values), np.eye(24), atol=1e-12)
        rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        turned = np.asarray(harmonics.spherical_harmonics(points @ rotation, (1, 2, 3, 4)))
    wigner, *_ = np.linalg.lstsq(values, turned, rcond=None)
    np.testing.assert_allclose(values @ wigner, turned, atol=1e-10)
    np.testing.assert_allclose(wigner.T @ wigner, np.eye(24), atol=1e-10)
    for part in harmonics.slices((1, 2, 3, 4)):
        outside = np.ones(24, dtype=bool)
        outside[part] = False
        assert np.abs(wigner[part][:, outside]).max() < 1e-10
