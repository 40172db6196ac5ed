"""What is made of the labels before a training."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize("shift_by", ["mean", "lse", "atomic_number"])
def test_energies_of_the_elements(shift_by, settings, small):
    from baselines.so3krates.data import element_energies
    from baselines.toolkit.composition import composition_energy

    shifts = {1: -10.0, 6: -100.0, 7: -200.0, 8: -300.0} if shift_by == "atomic_number" else None
    elements, energies = element_energies(settings(shift_by=shift_by, shifts=shifts), small)
    offset = composition_energy(small, elements, energies, "SO3krates")
    if shifts is None:
        assert offset == pytest.approx(small.energies.mean(), rel=1e-12)
    else:
        assert offset == sum(shifts[z] for z in small.numbers.tolist())
    if shift_by == "mean":
        assert np.ptp(energies) == 0
