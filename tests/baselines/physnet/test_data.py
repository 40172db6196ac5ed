"""Frames that PhysNet does not take."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.physnet import PhysNet
from teadata.errors import DataError


def test_periodic_systems_are_refused(reference, settings, small, tmp_path, frames):
    crystal = frames(small.numbers, small.positions, pbc=True, cell=50 * np.eye(3))
    message = "are periodic along xyz; .* expected pbc False: choose another model"
    with pytest.raises(DataError, match=message):
        reference.predict(crystal)
    with pytest.raises(DataError, match=message):
        PhysNet(settings()).fit(crystal, crystal, tmp_path)
    assert list(tmp_path.iterdir()) == []
    boxed = frames(small.numbers, small.positions[:1], cell=50 * np.eye(3))
    free = frames(small.numbers, small.positions[:1])
    assert reference.predict(boxed).energies == reference.predict(free).energies
