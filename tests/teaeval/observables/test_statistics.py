"""Blocks, errors and floors of what is measured; wells of a map."""

from __future__ import annotations

import numpy as np
import pytest

from teadata.errors import DataError
from teaeval.md import record
from teaeval.observables import vibrations
from teaeval.observables.distances import distance
from teaeval.observables.quantities import Axis, Curve, Histogram, Map, Mean, Spectrum
from teaeval.observables.statistics import blocked, estimate, halves, separation
from teaeval.observables.wells import wells
from teaeval.resampling import SHARE

LENGTH = Histogram("x", Axis("x", "Å", -6.0, 0.25, 48))


def series(rng, frames: int, memory: float) -> np.ndarray:
    """An autoregressive series of variance one."""
    x, noise = np.empty(frames), rng.standard_normal(frames)
    x[0] = noise[0]
    for i in range(1, frames):
        x[i] = memory * x[i - 1] + np.sqrt(1 - memory**2) * noise[i]
    return x


def cut(values, pieces: int = 40):
    return [LENGTH.part(piece) for piece in np.array_split(values, pieces)]


def test_intervals_hold_the_mean_as_often_as_they_say():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(200):
        found = blocked([cut(series(rng, 400, 0.9)) for _ in range(2)])
        mean = estimate(*LENGTH.ratio(found.rows))
        inside.append(mean.low <= 0 <= mean.high)
    assert 0.9 <= np.mean(inside) <= 0.99


def test_trajectories_that_stay_where_they_are_are_one_block_each():
    rng = np.random.default_rng(0)
    left, right = (cut(place + 0.1 * rng.standard_normal(1000)) for place in (-2.0, 2.0))
    found = blocked([left, right])
    assert len(found.rows) == 2
    assert found.short
    assert estimate(*LENGTH.ratio(found.rows)).error == pytest.approx(2, abs=0.1)
    together = blocked([left, left])
    assert len(together.rows) == 10
    assert not together.short


def test_blocks_are_longer_than_the_correlation():
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(2000)
    moving = np.repeat([-2.0, 2.0], 1000)  # once, from one place to another
    quick, slow = blocked([cut(noise)]), blocked([cut(moving + 0.1 * noise)])
    assert len(quick.rows) == 5
    assert quick.correlation < 3
    assert len(slow.rows) == 3
    assert 2000 / 3 > 2 * slow.correlation > 400
    np.testing.assert_allclose(slow.total[-1], 2000)


def test_blocks_of_different_lengths_count_as_they_are():
    sums, numbers = np.array([10.0, 10.0, 4.0]), np.array([10.0, 10.0, 2.0])
    found = estimate(sums, numbers)
    assert found.value == pytest.approx(24 / 22)
    off = sums - found.value * numbers
    assert found.error == pytest.approx(np.sqrt(1.5 * (off @ off)) / 22)
    assert np.isnan(estimate(sums[:1], numbers[:1]).error)


def test_halves_of_the_reference_say_what_a_distance_is_worth():
    assert halves(4).tolist() == [
        [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1], [0, 0, 1, 1],
    ]  # fmt: skip
    assert halves(30).shape == (1000, 30)
    assert (halves(30).sum(axis=1) == 15).all()
    rng = np.random.default_rng(2)
    rows = np.stack([LENGTH.part(rng.standard_normal(300)).row for _ in range(10)])
    same = np.stack([LENGTH.part(rng.standard_normal(300)).row for _ in range(10)])
    other = np.stack([LENGTH.part(0.5 + rng.standard_normal(300)).row for _ in range(10)])
    for measure, apart in (("hellinger", 0.17), ("wasserstein", 0.5)):
        near = separation(LENGTH, measure, same, rows, 200)
        far = separation(LENGTH, measure, other, rows, 200)
        assert near.value < near.halves_most
        assert far.value > 1.5 * far.halves_most
        assert far.value == pytest.approx(apart, abs=0.08)
        assert far.low < far.value < far.high
    with pytest.raises(DataError, match="nothing was counted"):
        separation(LENGTH, "hellinger", 0 * same, rows)


def test_means_and_curves_have_distances_too():
    lasting = Mean("lifetime", "ps")
    first = np.array([[10.0, 5.0], [6.0, 4.0]])
    second = np.array([[3.0, 3.0], [5.0, 3.0], [4.0, 3.0], [4.0, 3.0]])
    found = separation(lasting, "difference", first, second, 100)
    assert found.value == pytest.approx(16 / 9 - 16 / 12)
    assert 0 <= found.halves <= found.halves_most < found.value
    # a block in which nothing ended counts with the time that it lasted
    unbroken = np.array([[10.0, 5.0], [6.0, 0.0]])
    assert separation(lasting, "difference", unbroken, second).value == pytest.approx(
        16 / 5 - 4 / 3
    )
    assert estimate(*lasting.ratio(unbroken)).blocks == 2
    curve = Curve("c", Axis("lag", "fs", 0.0, 1.0, 4), "")
    rows = np.stack([curve.part(np.array([1.0, 0.5, 0.2, x])).row for x in (0.0, 0.2)])
    assert curve.shown(rows.sum(axis=0))[-1] == pytest.approx(0.1)
    assert separation(curve, "difference", rows[:1], rows[1:]).value == pytest.approx(0.1)


def test_wells_are_found_across_the_edge_of_a_map():
    x, y = (Axis(name, "°", -180.0, 10.0, 36, periodic=True) for name in "φψ")
    rng = np.random.default_rng(0)
    one = rng.normal((-175, 60), 15, (3000, 2))
    two = rng.normal((-60, -40), 15, (1000, 2))
    few = rng.normal((60, 60), 10, (40, 2))
    angles = (np.concatenate([one, two, few]) + 180) % 360 - 180
    quantity = Map("residue", x, y)
    first, second = wells(quantity, quantity.part(angles).row)
    assert abs((first.x + 175 + 180) % 360 - 180) <= 10
    assert first.y == pytest.approx(60, abs=10)
    assert (second.x, second.y) == (pytest.approx(-60, abs=10), pytest.approx(-40, abs=10))
    row = quantity.part(angles).row
    shares = [float(row @ well.bins.ravel() / row.sum()) for well in (first, second)]
    assert shares == pytest.approx([3000 / 4040, 1000 / 4040], abs=0.02)


def test_intervals_hold_their_value_and_shares_end_at_one():
    outside = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        one, other = (rng.multinomial(500, np.full(30, 1 / 30), size=3) for _ in range(2))
        rows = [np.concatenate([part, np.zeros((3, 3))], axis=1) for part in (one, other)]
        found = separation(Histogram("x", Axis("x", "", 0.0, 1.0, 30)), "hellinger", *rows, 200)
        assert found.low <= found.value <= found.high
        outside += found.low == found.value
        apart = distance(one, other, replicates=200)
        assert apart.low <= apart.value <= apart.high
    assert outside  # where percentiles alone would not
    share = estimate(np.array([5.0, 10, 10]), np.array([10.0, 10, 10]), SHARE)
    assert (share.low, share.high) == (pytest.approx(0.116, abs=0.001), 1.0)


def test_intervals_of_shipped_records(repository):
    """Records of an earlier version had shares of 1.04, and distances below their intervals."""
    from teaeval.hydrogen.record import read_record

    runs = [record.read(path) for path in sorted(repository.glob("examples/simulations/*.json"))]
    quantities = [one for run in runs for one in run.observables]
    for one in quantities:
        assert all(d.low <= d.value <= d.high for d in one.distances)
        assert all(0 <= w.share.low <= w.share.high <= 1 for w in one.wells)
    known = [read_record(path) for path in repository.glob("examples/hydrogen/*.json")]
    seen = [state.observed for one in known for state in one.states if state.observed]
    assert len(quantities) > 300
    assert len(seen) > 100
    assert all(0 <= one.molecular.low <= one.molecular.high <= 1 for one in seen)


def test_values_outside_the_bins_count():
    """A molecule that leaves its sheet: however far, its frames are not those of the reference."""
    quantity = Histogram("height", Axis("height", "Å", 0.0, 0.1, 150))
    rng = np.random.default_rng(0)
    near = [rng.normal(3.2, 0.1, 100) for _ in range(5)]
    reference = np.stack([quantity.part(values).row for values in near])

    def apart(measure: str, lifted: int, by: float) -> float:
        moved = [np.append(v[lifted:], v[:lifted] + by) for v in near]
        rows = np.stack([quantity.part(values).row for values in moved])
        assert quantity.outside(rows.sum(axis=0)) == (0.0, lifted / 100)
        assert quantity.shown(rows.sum(axis=0)).sum() * 0.1 == pytest.approx(1 - lifted / 100)
        return separation(quantity, measure, rows, reference, 50).value

    # √(1 − Σ √(p q)): a share s that is elsewhere makes it √(1 − √(1 − s))
    assert apart("hellinger", 60, 16.0) == pytest.approx(np.sqrt(1 - np.sqrt(0.4)), abs=0.005)
    assert apart("hellinger", 100, 16.0) == 1
    assert apart("wasserstein", 60, 16.0) == pytest.approx(0.6 * 16, rel=1e-2)
    assert apart("wasserstein", 100, 1000.0) == pytest.approx(1000, rel=1e-3)
    around = Histogram("angle", Axis("angle", "°", -180.0, 10.0, 36, periodic=True))
    assert around.outside(around.part(np.array([-190.0, 170.0, 540.0])).row) == (0, 0)


def test_the_end_of_a_spectrum_counts():
    axis = Axis("wavenumber", "1/cm", 0.0, 10.0, 400)
    quantity = Spectrum("all atoms", axis, "cm")
    wavenumbers = np.arange(0.0, 8000.0, 10.0)

    def row(peak: float) -> np.ndarray:
        density = np.exp(-0.5 * ((wavenumbers - peak) / 30) ** 2)
        density /= np.trapezoid(density, wavenumbers)
        return quantity.part(vibrations.shares(wavenumbers, density, axis)).row[None]

    assert quantity.outside(row(3000.0)[0])[1] < 1e-9
    assert quantity.outside(row(6000.0)[0])[1] == pytest.approx(1)
    found = separation(quantity, "hellinger", row(6000.0), row(3000.0))
    assert found.value == pytest.approx(1)
    moved = separation(quantity, "wasserstein", row(6000.0), row(3000.0))
    assert moved.value == pytest.approx(3000, rel=1e-2)
