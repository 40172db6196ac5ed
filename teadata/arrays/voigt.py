"""Symmetric tensors of six values, as ASE writes stress."""

from __future__ import annotations

import numpy as np

from teadata.typing import Array


def from_voigt(stress: Array) -> Array:
    """Stress (…, 6) in Voigt's order xx, yy, zz, yz, xz, xy, as (…, 3, 3)."""
    stress = np.asarray(stress)
    return stress[..., [0, 5, 4, 5, 1, 3, 4, 3, 2]].reshape(*stress.shape[:-1], 3, 3)
