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


def test_from_ase_takes_one_image_and_what_to_ase_carries():
    plain = make(3)
    frames = Frames(
        plain.numbers, plain.positions, plain.energies, plain.forces,
        trajectories=[4, 4, 7], temperatures=[300.0, 300.0, 500.0],
    )  # fmt: skip
    again = Frames.from_ase(frames.to_ase())
    np.testing.assert_array_equal(again.trajectories, [4, 4, 7])
    np.testing.assert_array_equal(again.temperatures, [300, 300, 500])
    assert len(Frames.from_ase(frames.to_ase()[1])) == 1


def test_from_ase_refuses_results_of_other_positions():
    from ase.build import molecule
    from ase.calculators.emt import EMT

    images, shared = [molecule("CH4") for _ in range(2)], EMT()
    for seed, atoms in enumerate(images):
        atoms.rattle(0.05, seed=seed)
        atoms.calc = shared
        atoms.get_forces()
    with pytest.raises(DataError, match="image 0 is not at the positions"):
        Frames.from_ase(images)
    moved = make(2).to_ase()
    moved[1].positions += 0.1
    with pytest.raises(DataError, match="image 1 is not at the positions"):
        Frames.from_ase(moved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda atoms: atoms.set_pbc(False), "image 1 has pbc .*False.*, image 0 has .*True"),
        (lambda atoms: atoms.calc.results.pop("stress"), "only one of images 0 and 1 has a stress"),
        (lambda atoms: atoms.calc.results.update(energy=None), "image 1 has no energy"),
        (lambda atoms: atoms.info.update(frame_id="x"), "frame_id'. is 'x', expected a whole"),
        (lambda atoms: atoms.set_cell([9, 9, 9]), "image 1 is not at the positions"),
    ],
)
def test_from_ase_refuses_images_that_differ(change, message):
    images = make(2, cell=True).to_ase()
    change(images[1])
    with pytest.raises(DataError, match=message):
        Frames.from_ase(images)


def test_from_ase_numbers_images_where_not_all_have_an_id():
    images = make(3).to_ase()
    del images[1].info["frame_id"]
    assert Frames.from_ase(images).ids.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"numbers": [6.5, 1]}, r"numbers: expected whole numbers, found \[6.5\]"),
        ({"numbers": [0, 1]}, "numbers: expected atomic numbers from 1 to 118, found 0"),
        ({"numbers": [-1, 1]}, "expected atomic numbers from 1 to 118, found -1"),
        ({"numbers": ["C", "Q"]}, "numbers: 'Q' is the symbol of no element"),
        ({"ids": [1.7]}, r"ids: expected whole numbers, found \[1.7\]"),
        ({"ids": ["a"]}, "ids: expected an array of numbers"),
        ({"positions": [[[1], [1, 2]]]}, "positions: expected an array of numbers"),
        ({"forces": np.zeros((1, 2, 3)) + 1j}, "forces: expected an array of numbers, .*complex"),
    ],
)
def test_frames_refuse_what_would_become_other_numbers(given, message):
    usual = {"numbers": [6, 1], "positions": np.zeros((1, 2, 3)), "energies": [0.0],
             "forces": np.zeros((1, 2, 3))}  # fmt: skip
    with pytest.raises(DataError, match=message):
        Frames(**(usual | given))


def test_frames_take_symbols():
    frames = Frames(["C", "H"], np.zeros((1, 2, 3)), [0.0], np.zeros((1, 2, 3)))
    assert frames.numbers.tolist() == [6, 1]


def test_frames_take_tensors():
    import torch

    positions = torch.zeros((1, 2, 3), requires_grad=True)
    frames = Frames(torch.tensor([6, 1]), positions, torch.ones(1), torch.zeros((1, 2, 3)))
    assert frames.formula == "CH"
    assert frames.positions.dtype == np.float64


@pytest.mark.parametrize("index", ["a", 1.5, None, [[0, 1]], [True], [0, 7]])
def test_an_index_that_is_none_is_an_index_error(index):
    with pytest.raises(IndexError):
        make(3)[index]
