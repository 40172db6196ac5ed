"""JAX's settings while a model calculates."""

from __future__ import annotations

from baselines.so3krates import session as backend


def test_the_session_leaves_jax_as_it_was(settings):
    import jax

    def state():
        return jax.config.jax_enable_x64, jax.config.jax_default_matmul_precision

    before = state()
    with backend.session(settings(dtype="float64"), "cpu"):
        assert state() == (True, "highest")
    assert state() == before
