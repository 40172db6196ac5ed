"""Cutoff functions."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize("kind", ["cosine", "phys", "polynomial", "exponential"])
def test_cutoff_functions_fall_from_one_to_zero(kind):
    import jax

    from baselines.so3krates.radial import cutoff

    with jax.enable_x64(True):
        at = np.array([1e-9, 1.0, 2.5, 4.0, 5.0, 6.0])
        values = np.asarray(cutoff(at, 5.0, kind))
        slopes = np.asarray(jax.vmap(jax.grad(lambda d: cutoff(d, 5.0, kind)))(at))
    assert values[0] == pytest.approx(1.0)
    assert (np.diff(values[:5]) < 0).all()
    assert not values[4:].any()
    assert np.isfinite(slopes).all()
    assert not slopes[4:].any()
