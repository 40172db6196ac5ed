"""Why positions match no frame: another unit, or another order of the atoms."""

from __future__ import annotations

import pytest

from teadata.units import BOHR


@pytest.mark.parametrize("ids", [True, False])
def test_positions_in_bohr(diagnosed, noisy, mini_i, ids):
    test = mini_i.split("folded/test")
    found = diagnosed(
        noisy,
        mini_i,
        positions=test.positions / BOHR,
        frame_ids=noisy.frame_ids if ids else None,
    )
    assert list(found) == ["unit-of-positions"]
    assert found["unit-of-positions"].evidence["unit"] == "Bohr"


@pytest.mark.parametrize("ids", [True, False])
def test_positions_with_the_atoms_in_another_order(diagnosed, swapped, noisy, mini_i, ids):
    test = mini_i.split("folded/test")
    found = diagnosed(
        noisy,
        mini_i,
        positions=swapped(test.positions, 0, 5),
        frame_ids=noisy.frame_ids if ids else None,
    )
    assert list(found) == ["permuted-positions"]
    assert found["permuted-positions"].evidence["atoms"] == 2
