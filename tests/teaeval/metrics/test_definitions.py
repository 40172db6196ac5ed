from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from teadata import formats
from teadata.errors import UsageError
from teaeval.metrics.definitions import errors, net_forces
from teaeval.metrics.frame_errors import FrameErrors, Quantities, force_errors

values = st.integers(-(10**9), 10**9).map(lambda i: i / 1e5)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 4), st.just(3)))
    return draw(arrays(float, shape, elements=values)), draw(arrays(float, shape, elements=values))


def table_of(energies, forces, reference, reference_forces, numbers, groups=None):
    made, _ = force_errors(forces, reference_forces, Quantities.of(numbers, groups))
    table = {"E": FrameErrors.of(energies, reference)} | made
    return {name: found.errors(relative=name == "E") for name, found in table.items()}


def test_a_case_computed_by_hand():
    found = errors(np.array([1.0, 2.0, -4.0]), np.array([0.0, 4.0, -5.0]))
    assert found.mae == pytest.approx((1 + 2 + 1) / 3)
    assert found.rmse == pytest.approx(np.sqrt((1 + 4 + 1) / 3))
    assert found.max == 2
    assert found.mean_reference == pytest.approx((0 + 4 + 5) / 3)
    mean = -1 / 3
    variance = ((0 - mean) ** 2 + (4 - mean) ** 2 + (-5 - mean) ** 2) / 3
    assert found.std_reference == pytest.approx(np.sqrt(variance))
    assert found.count == 3


def test_energies_are_normalised_relative_to_the_lowest():
    found = errors(np.array([-99.0, -98.0]), np.array([-100.0, -96.0]), relative=True)
    assert found.mean_reference == 2
    assert found.std_reference == 2


@given(pairs())
def test_formulas_written_another_way(pair):
    predicted, reference = pair
    found = errors(predicted, reference)
    flat = [(float(p), float(r)) for p, r in zip(predicted.ravel(), reference.ravel(), strict=True)]
    n = len(flat)
    assert found.mae == pytest.approx(sum(abs(p - r) for p, r in flat) / n)
    assert found.rmse == pytest.approx((sum((p - r) ** 2 for p, r in flat) / n) ** 0.5)
    assert found.max == max(abs(p - r) for p, r in flat)
    assert found.mean_reference == pytest.approx(sum(abs(r) for _, r in flat) / n)
    mean = sum(r for _, r in flat) / n
    spread = (sum((r - mean) ** 2 for _, r in flat) / n) ** 0.5
    assert found.std_reference == pytest.approx(spread, rel=1e-6, abs=1e-6)


@given(pairs())
def test_mae_rmse_and_max_are_ordered(pair):
    found = errors(*pair)
    assert found.mae <= found.rmse * (1 + 1e-12)
    assert found.rmse <= found.max * (1 + 1e-12)


@given(pairs(), st.floats(0.01, 100))
def test_percentages_do_not_depend_on_the_unit(pair, factor):
    predicted, reference = pair
    found, scaled = errors(predicted, reference), errors(factor * predicted, factor * reference)
    for name in ("mae", "rmse", "max", "mean_reference", "std_reference"):
        assert getattr(scaled, name) == pytest.approx(factor * getattr(found, name), abs=1e-6)


@given(pairs(), st.integers(0, 2**32 - 1))
def test_order_of_frames_does_not_matter(pair, seed):
    predicted, reference = pair
    order = np.random.default_rng(seed).permutation(len(predicted))
    shuffled = errors(predicted[order], reference[order])
    for name, value in vars(errors(predicted, reference)).items():
        assert getattr(shuffled, name) == pytest.approx(value)


def test_si7_over_si8_is_a_property_of_the_test_set(small):
    rng = np.random.default_rng(0)
    ratios = []
    for noise in (0.1, 1.0, 30.0):
        table = table_of(
            small.energies + rng.normal(0, noise, len(small)),
            small.forces + rng.normal(0, noise, small.forces.shape),
            small.energies,
            small.forces,
            small.numbers,
        )
        ratios.append([e.std_reference / e.mean_reference for e in table.values()])
    np.testing.assert_allclose(ratios, [ratios[0]] * 3)


def test_elements_partition_the_forces(small):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=small.forces.shape)
    table = table_of(
        small.energies, small.forces + noise, small.energies, small.forces, small.numbers
    )
    assert list(table) == ["E", "F", "F(H)", "F(C)", "F(N)", "F(O)"]
    parts = [table[f"F({symbol})"] for symbol in "HCNO"]
    assert sum(part.count for part in parts) == table["F"].count == small.forces.size
    mean = sum(part.mae * part.count for part in parts) / table["F"].count
    assert mean == pytest.approx(table["F"].mae)
    assert max(part.max for part in parts) == table["F"].max
    assert table["E"].mae == table["E"].max == 0


def test_net_force_by_hand():
    forces = np.arange(2 * 4 * 3, dtype=float).reshape(2, 4, 3)
    net = net_forces(forces, [[0, 2], [3]])
    assert net.shape == (2, 2, 3)
    np.testing.assert_array_equal(net[1, 0], forces[1, 0] + forces[1, 2])
    np.testing.assert_array_equal(net[:, 1], forces[:, 3])


def test_rows_of_the_real_frame_of_challenge_iii(repository, tmp_path):
    """The published rows have std/mean |F| of 1.31, which this frame alone shows already."""
    text = (repository / "tests/data/challenge3_frame.extxyz").read_text()
    path = tmp_path / "frame.xyz"
    path.write_text(text.replace("energy=", "energy_unit=kcal/mol energy=", 1))
    frame = formats.read(path)
    forces = np.repeat(frame.forces, 2, axis=0)
    energies = np.repeat(frame.energies, 2)
    molecule = list(range(98, 114))
    table = table_of(energies, forces + 1.0, energies, forces, frame.numbers, {"mol": [molecule]})
    assert table["F"].std_reference / table["F"].mean_reference == pytest.approx(1.307, abs=5e-4)
    assert list(table)[-1] == "F(mol)"
    assert table["F(mol)"].mae == pytest.approx(16)  # sixteen atoms, each 1 off
    # far larger in percent than any element's, as in the tables
    percent = {name: row.mae / row.mean_reference for name, row in table.items() if name != "E"}
    assert percent["F(mol)"] > 3 * max(percent[f"F({symbol})"] for symbol in "HCN")


@pytest.mark.parametrize("shape", [(3, 2), (0,)])
def test_shapes_that_cannot_be_compared(shape):
    with pytest.raises(UsageError, match="equal, non-empty shapes"):
        errors(np.zeros(shape), np.zeros((0,)))
