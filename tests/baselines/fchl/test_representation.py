"""The representation against qmllib's, its own limits and its symmetries."""

from __future__ import annotations

import numpy as np
import pytest

from teadata import Frames, load
from teadata.errors import DataError

pytest.importorskip("torch")
pytest.importorskip("vesin")
import torch

from baselines.fchl.dense import fchl19
from baselines.fchl.dispatch import representation
from baselines.fchl.representation import Layout, Representation

ORGANIC = [1, 6, 7, 8]


@pytest.fixture(scope="module")
def golden(repository):
    with np.load(repository / "tests" / "data" / "fchl19_qmllib.npz") as arrays:
        return dict(arrays)


def parameters(values) -> dict[str, float]:
    names = (
        "nRs2", "nRs3", "eta2", "eta3", "rcut", "acut",
        "two_body_decay", "three_body_decay", "three_body_weight",
    )  # fmt: skip
    found = dict(zip(names, values.tolist(), strict=True))
    return found | {"nRs2": int(found["nRs2"]), "nRs3": int(found["nRs3"])}


@pytest.mark.parametrize("name", ["A", "B", "C", "D", "A_perm_elements"])
@pytest.mark.parametrize("system", ["ethanol", "fha"])
def test_golden_numbers(golden, settings, molecule, system, name):
    stored = {key: golden[f"{system}/{name}/{key}"] for key in ("rep", "grad", "elements")}
    frames = molecule(golden[f"{system}/Z"], golden[f"{system}/R"][None])
    config = settings(**parameters(golden[f"{system}/{name}/params"]))
    values, gradients = fchl19(frames, config, stored["elements"].tolist(), gradients=True)
    step = -(-gradients.shape[2] // stored["grad"].shape[1])
    np.testing.assert_allclose(values[0], stored["rep"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(gradients[0][:, ::step], stored["grad"], rtol=0, atol=1e-12)


def test_golden_numbers_of_a_linear_molecule(golden, settings, molecule):
    frames = molecule(golden["co2/Z"], golden["co2/R_linear"][None])
    config = settings(**parameters(golden["ethanol/A/params"]))
    values, gradients = fchl19(frames, config, ORGANIC, gradients=True)
    step = -(-gradients.shape[2] // golden["co2/grad_linear"].shape[1])
    np.testing.assert_allclose(values[0], golden["co2/rep_linear"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        gradients[0][:, ::step], golden["co2/grad_linear"], rtol=0, atol=1e-12
    )


def test_single_precision(golden, settings, molecule):
    frames = molecule(golden["fha/Z"], golden["fha/R"][None])
    exact, slopes = fchl19(frames, settings(), ORGANIC, gradients=True)
    values, gradients = fchl19(frames, settings(dtype="float32"), ORGANIC, gradients=True)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, exact, rtol=0, atol=1e-5 * np.abs(exact).max())
    np.testing.assert_allclose(gradients, slopes, rtol=0, atol=1e-5 * np.abs(slopes).max())


@pytest.mark.parametrize("name", ["mini-i", pytest.param("mini-ii", marks=pytest.mark.slow)])
def test_equals_qmllib_on_the_datasets(name, settings):
    representations = pytest.importorskip("qmllib.representations")
    frames = load(name).split("complete/test")[:2]
    for cutoffs in ((6.0, 6.0), (8.0, 5.0)):
        config = settings(rcut=cutoffs[0], acut=cutoffs[1])
        values, gradients = fchl19(frames, config, ORGANIC, gradients=True)
        for n in range(len(frames)):
            expected, slopes = representations.generate_fchl19(
                frames.numbers, frames.positions[n], elements=ORGANIC,
                rcut=cutoffs[0], acut=cutoffs[1], gradients=True,
            )  # fmt: skip
            np.testing.assert_allclose(values[n], expected, rtol=0, atol=1e-9)
            np.testing.assert_allclose(gradients[n], slopes, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_equals_qmllib_on_random_clusters(seed, settings, molecule):
    representations = pytest.importorskip("qmllib.representations")
    rng = np.random.default_rng(seed)
    elements = [1, 6, 7, 8, 16]
    numbers = rng.choice(elements, size=12)
    grid = np.stack(np.meshgrid(*[np.arange(3.0)] * 3), axis=-1).reshape(-1, 3)
    positions = 1.5 * rng.permutation(grid)[:12] + 0.2 * rng.normal(size=(12, 3))
    config = settings(rcut=4.0, acut=3.5, nRs2=11, nRs3=7)
    values, gradients = fchl19(molecule(numbers, positions[None]), config, elements, True)
    expected, slopes = representations.generate_fchl19(
        numbers, positions, elements=elements, rcut=4.0, acut=3.5, nRs2=11, nRs3=7, gradients=True
    )
    np.testing.assert_allclose(values[0], expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(gradients[0], slopes, rtol=0, atol=1e-10)


def test_published_values_of_hydrogen(settings, molecule):
    values, _ = fchl19(molecule([1, 1], [[[0, 0, 0], [0, 0, 0.74]]]), settings(), [1])
    expected = [1.75977788, 1.89268157, 1.21725188, 0.71659823]
    np.testing.assert_allclose(values[0, 0, :4], expected, atol=1e-8)


def test_periodic_equals_the_cell_repeated(crystal, settings):
    """Values and slopes in a cell smaller than the cutoff are those within a large cluster."""
    config = settings(rcut=5.0, acut=4.5)
    values, gradients = fchl19(crystal, config, ORGANIC, gradients=True)
    shifts = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3), axis=-1).reshape(-1, 3)
    shifts = shifts[np.argsort((shifts**2).sum(axis=1), kind="stable")]
    positions = (crystal.positions[0] + (shifts @ crystal.cell[0])[:, None]).reshape(1, -1, 3)
    cluster = Frames(
        numbers=np.tile(crystal.numbers, len(shifts)),
        positions=positions,
        energies=np.zeros(1),
        forces=np.zeros(positions.shape),
    )
    repeated, slopes = fchl19(cluster, config, ORGANIC, gradients=True)
    np.testing.assert_allclose(values[0], repeated[0, :4], rtol=0, atol=1e-12)
    # an atom moves with all its images
    moved = slopes[0, :4].reshape(4, values.shape[2], len(shifts), 4, 3).sum(axis=2)
    np.testing.assert_allclose(gradients[0], moved, rtol=0, atol=1e-11)


def test_a_large_cell_changes_nothing(small, settings):
    boxed = Frames(
        numbers=small.numbers,
        positions=small.positions[:2] + 3.0,
        energies=small.energies[:2],
        forces=small.forces[:2],
        cell=np.tile(60.0 * np.eye(3), (2, 1, 1)),
        pbc=(True, True, True),
    )
    for periodic, free in zip(
        fchl19(boxed, settings(), ORGANIC, True), fchl19(small[:2], settings(), ORGANIC, True),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_allclose(periodic, free, rtol=0, atol=1e-11)


def test_symmetries(small, settings, molecule):
    """Translation, rotation, inversion, and permutation within a species."""
    rng = np.random.default_rng(0)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    values, gradients = fchl19(small[:1], settings(), ORGANIC, gradients=True)
    positions = small.positions[:1] @ rotation + [3.0, -2.0, 1.0]
    turned, slopes = fchl19(molecule(small.numbers, positions), settings(), ORGANIC, True)
    np.testing.assert_allclose(turned, values, rtol=0, atol=1e-11)
    np.testing.assert_allclose(slopes, gradients @ rotation, rtol=0, atol=1e-10)
    order = np.concatenate(
        [rng.permutation(np.flatnonzero(small.numbers == z)) for z in np.unique(small.numbers)]
    )
    shuffled = molecule(small.numbers[order], small.positions[:1, order])
    np.testing.assert_allclose(
        fchl19(shuffled, settings(), ORGANIC)[0], values[:, order], rtol=0, atol=1e-12
    )


def test_gradients_are_finite_differences(crystal, settings):
    config, step = settings(rcut=5.0, acut=4.5), 1e-4
    _, gradients = fchl19(crystal, config, ORGANIC, gradients=True)
    rng = np.random.default_rng(1)
    direction = rng.normal(size=crystal.positions.shape[1:])
    shifted = [
        Frames(
            numbers=crystal.numbers, positions=crystal.positions + sign * step * direction,
            energies=[0], forces=np.zeros((1, 4, 3)), cell=crystal.cell, pbc=crystal.pbc,
        )
        for sign in (1, -1)
    ]  # fmt: skip
    ahead, behind = (fchl19(frames, config, ORGANIC)[0] for frames in shifted)
    expected = np.einsum("iMax,ax->iM", gradients[0], direction)
    np.testing.assert_allclose((ahead - behind)[0] / (2 * step), expected, rtol=0, atol=1e-6)


def test_smooth_at_the_cutoff(settings, molecule):
    """A neighbour that leaves takes its features to zero, and their slopes with them."""
    for reach in (-1e-6, 1e-6):
        frames = molecule([6, 1, 8], [[[0, 0, 0], [0, 0, 1.1], [0, 6.0 + reach, 0]]])
        gone = molecule([6, 1, 8], [[[0, 0, 0], [0, 0, 1.1], [0, 20.0, 0]]])
        values, gradients = fchl19(frames, settings(), ORGANIC, gradients=True)
        without, _ = fchl19(gone, settings(), ORGANIC)
        np.testing.assert_allclose(values[0, 0], without[0, 0], atol=1e-11)
        assert np.abs(gradients[0, 0, :, 2]).max() < 1e-6


@pytest.mark.parametrize("make", [representation, Representation], ids=["compiled", "torch"])
def test_pullback_is_the_transposed_jacobian(mini_i, crystal, settings, make):
    calculated = make(settings(rcut=5.0, acut=4.5), ORGANIC)
    for frames in (mini_i.split("folded/train/3"), crystal):
        for env in calculated.environments(frames):
            cotangent = torch.randn(len(env), calculated.size, dtype=torch.float64)
            values, slopes = calculated.jacobian(env)
            torch.testing.assert_close(values, calculated.values(env), rtol=0, atol=1e-12)
            found = calculated.pullback(env, cotangent)
            for p, (part, slope) in enumerate(zip(env.slots, slopes, strict=True)):
                touched = cotangent[:, calculated.layout.touched(p)]
                expected = torch.einsum("nkxc,nc->nkx", slope, touched)
                torch.testing.assert_close(found[:, part], expected, rtol=0, atol=1e-10)
            assert (found[~env.mask] == 0).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_compiled_and_on_any_device_are_the_same(mini_i, crystal, settings, threads):
    """What a GPU calculates, on the CPU: the other way to the same numbers."""
    collinear = Frames(
        numbers=[1, 6, 6, 1],
        positions=[[[0, 0, 0], [1.1, 0, 0], [2.3, 0, 0], [3.4, 0, 0]]],
        energies=[0],
        forces=np.zeros((1, 4, 3)),
    )
    config, before = settings(rcut=5.0, acut=4.5), torch.get_num_threads()
    compiled, general = representation(config, ORGANIC), Representation(config, ORGANIC)
    torch.set_num_threads(threads)
    for frames in (mini_i.split("folded/train/2"), crystal, collinear):
        for env in compiled.environments(frames):
            values, slopes = compiled.jacobian(env)
            expected, expected_slopes = general.jacobian(env)
            torch.testing.assert_close(values, expected, rtol=0, atol=1e-12)
            torch.testing.assert_close(slopes, expected_slopes, rtol=0, atol=1e-11)
    torch.set_num_threads(before)


def test_size_and_layout():
    assert Layout(4, 24, 20).size == 496
    assert Layout(3, 24, 22).size == 336
    layout = Layout(3, 5, 4)
    blocks = [layout.two_body(p) for p in range(3)]
    blocks += [layout.three_body(p, q) for p in range(3) for q in range(p, 3)]
    covered = np.concatenate([np.arange(part.start, part.stop) for part in blocks])
    assert covered.tolist() == list(range(layout.size))


def test_an_unknown_element_is_an_error(small, settings):
    with pytest.raises(DataError, match="knows nothing of N, O"):
        fchl19(small[:1], settings(), [1, 6])


def test_atoms_at_the_same_place_are_an_error(settings, molecule):
    with pytest.raises(DataError, match="frame 0: atoms 0 and 1 are at the same place"):
        fchl19(molecule([1, 1], [[[0, 0, 0], [0, 0, 1e-5]]]), settings(), [1])


def test_an_atom_alone_has_no_features(settings, molecule):
    values, gradients = fchl19(molecule([1], [[[0, 0, 0]]]), settings(), [1], gradients=True)
    assert not values.any()
    assert not gradients.any()
