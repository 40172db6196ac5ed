"""Stress as other programs write it: as six values, or as virials."""

from __future__ import annotations

import numpy as np

from teadata.frames import cell_volumes
from teadata.typing import Array


def from_voigt(stress: Array) -> Array:
    """Stress (…, 6) in Voigt's order xx, yy, zz, yz, xz, xy, as (…, 3, 3)."""
    stress = np.asarray(stress)
    return stress[..., [0, 5, 4, 5, 1, 3, 4, 3, 2]].reshape(*stress.shape[:-1], 3, 3)


def from_virials(virials: Array, cells: Array) -> Array:
    """Stress of virials (N, 3, 3), in a unit of energy, in these cells (N, 3, 3).

    Virials are positive under compression, as those of QUIP, MACE and DeePMD-kit, and stress is
    negative, as ASE's.  A cell without a volume gives stress that is not finite.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        stress: Array = -virials / cell_volumes(cells)[:, None, None]
    return stress
