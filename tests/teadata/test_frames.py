import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teadata import Frames, TeaError
from teadata.errors import DataError


def make(count: int, atoms: int = 3, seed: int = 0, cell: bool = False) -> Frames:
    rng = np.random.default_rng(seed)
    return Frames(
        numbers=rng.integers(1, 10, atoms),
        positions=rng.normal(size=(count, atoms, 3)),
        energies=rng.normal(size=count) - 2.6e6,
        forces=rng.normal(size=(count, atoms, 3)),
        cell=np.tile(np.diag([5.0, 6.0, 7.0]), (count, 1, 1)) if cell else None,
        pbc=(cell,) * 3,
        stress=np.zeros((count, 3, 3)) if cell else None,
        ids=100 + np.arange(count),
    )


@given(st.integers(1, 12), st.data())
def test_indexing_is_numpys(count, data):
    frames = make(count)
    index = data.draw(
        st.one_of(
            st.slices(count),
            st.lists(st.integers(-count, count - 1), max_size=6),
            st.lists(st.booleans(), min_size=count, max_size=count),
        )
    )
    rows = index if isinstance(index, slice) else np.asarray(index, dtype=None if index else int)
    picked = frames[index]
    np.testing.assert_array_equal(picked.ids, frames.ids[rows])
    np.testing.assert_array_equal(picked.forces, frames.forces[rows])
    np.testing.assert_array_equal(picked.numbers, frames.numbers)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4))
def test_concatenate_undoes_slicing(sizes):
    whole = make(sum(sizes), cell=True)
    ends = np.cumsum([0, *sizes])
    again = Frames.concatenate([whole[a:b] for a, b in itertools.pairwise(ends)])
    for name in ("positions", "energies", "forces", "cell", "stress", "ids"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))


def test_volumes_are_those_of_boxes_and_of_slanted_cells_of_either_handedness():
    slanted = [[4, 0, 0], [1, 5, 0], [2, 3, -6]]
    cells = np.array([np.diag([2, 3, 4]), slanted, np.zeros((3, 3))])
    frames = Frames([1], np.zeros((3, 1, 3)), np.zeros(3), np.zeros((3, 1, 3)), cell=cells)
    np.testing.assert_allclose(frames.volumes, [24, 120, 0], rtol=1e-14)
    with pytest.raises(DataError, match=r"Frames\(2 frames of .* have no cell, and so no volume"):
        _ = make(2).volumes


def test_densities_are_masses_over_volumes():
    water = Frames([8, 1, 1], np.zeros((2, 3, 3)), [0, 0], np.zeros((2, 3, 3)), pbc=(True,) * 3,
                   cell=[np.diag([3.1, 3.1, 3.1]), np.diag([-3.1, 3.1, 6.2])])  # fmt: skip
    molar, avogadro = 18.015, 6.02214076e23
    expected = molar / avogadro / (3.1e-8**3 * np.array([1, 2]))
    np.testing.assert_allclose(water.densities, expected, rtol=1e-8)
    with pytest.raises(DataError, match="no cell"):
        _ = make(2).densities


def test_one_integer_gives_one_frame():
    frames = make(5)
    assert len(frames[-1]) == 1
    assert frames[-1].ids[0] == frames.ids[-1]
    with pytest.raises(IndexError, match="frame 5 of 5"):
        frames[5]


def test_arrays_cannot_be_written_to():
    frames = make(2)
    with pytest.raises(ValueError, match="read-only"):
        frames.energies[0] = 0.0


def test_wrong_shapes_are_all_named_at_once():
    with pytest.raises(DataError) as caught:
        Frames(
            numbers=[1, 1],
            positions=np.zeros((2, 4)),
            energies=np.zeros(3),
            forces=np.zeros((2, 2, 3)),
        )
    message = str(caught.value)
    assert "positions has shape (2, 4), expected (3, 2, 3)" in message
    assert "forces has shape (2, 2, 3), expected (3, 2, 3)" in message


def test_select_follows_the_order_of_the_ids():
    frames = make(6)
    np.testing.assert_array_equal(frames.select([103, 100, 103]).ids, [103, 100, 103])
    np.testing.assert_array_equal(frames.find(np.array([105, 7, 100])), [5, -1, 0])
    np.testing.assert_array_equal(frames[:0].find(np.array([100])), [-1])
    with pytest.raises(DataError, match="2 unknown frame ids, the first is 7"):
        frames.select([100, 7, 106])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (make(2, atoms=4), "different systems"),
        (make(2, cell=True), "differ in pbc"),
        (make(2, seed=3), "different systems"),
    ],
)
def test_concatenate_refuses_what_does_not_fit(other, message):
    with pytest.raises(TeaError, match=message):
        Frames.concatenate([make(2), other])


def test_ase_round_trip_keeps_everything_to_the_last_bit_or_two():
    frames = make(3, cell=True)
    images = frames.to_ase()
    assert images[0].get_potential_energy() == pytest.approx(frames.energies[0] / 23.06054783)
    again = Frames.from_ase(images)
    np.testing.assert_array_equal(again.positions, frames.positions)
    np.testing.assert_array_equal(again.ids, frames.ids)
    np.testing.assert_array_equal(again.cell, frames.cell)
    np.testing.assert_allclose(again.energies, frames.energies, rtol=1e-15)
    np.testing.assert_allclose(again.forces, frames.forces, rtol=1e-15)
    assert again.periodic


def test_from_ase_says_what_an_image_lacks():
    images = make(2).to_ase()
    del images[1].calc.results["forces"]
    with pytest.raises(DataError, match="image 1 has no forces"):
        Frames.from_ase(images)
    with pytest.raises(DataError, match="empty list"):
        Frames.from_ase([])
