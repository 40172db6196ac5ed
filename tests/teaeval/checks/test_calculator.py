"""A calculator in another unit is told so before it is simulated with."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
import pytest

from teadata.errors import UsageError
from teadata.units import EV
from teaeval.calculators import evaluate, in_units
from teaeval.checks.calculator import UnitError, check_units


class Model:
    """The reference's forces times a factor, with noise relative to them; learned only in part.

    The noise adds up to zero, as errors of a potential do, unless it is `pushing`.
    """

    def __init__(self, test, factor, noise=0.0, learned=1.0, pushing=False):
        self.pushing = pushing
        self.known = dict(zip(test.ids.tolist(), test.forces, strict=True))
        self.factor, self.noise, self.learned = factor, noise, learned
        self.rng = np.random.default_rng(0)
        self.spread = test.forces.std()

    def predict(self, frames):
        forces = np.array([self.known[i] for i in frames.ids.tolist()])
        noise = self.noise * self.spread * self.rng.normal(size=forces.shape)
        if not self.pushing:
            noise -= noise.mean(axis=1, keepdims=True)
        return np.zeros(len(frames)), self.factor * self.learned * (forces + noise)


@pytest.mark.parametrize("subset", ["folded", "unfolded"])
@pytest.mark.parametrize(
    ("noise", "learned"), [(0.01, 1), (0.1, 1), (0.5, 0.7), (1, 0.5), (3, 0.3)]
)
def test_a_model_in_the_right_unit_is_never_refused(mini_i, subset, noise, learned):
    model = Model(mini_i.split(f"{subset}/test"), 1.0, noise, learned)
    assert check_units(model, mini_i, subset) is None


def test_forces_that_do_not_add_up_to_zero_are_warned_of(mini_i):
    """As those that a network gives without an energy."""
    model = Model(mini_i.split("folded/test"), 1.0, 0.03, pushing=True)
    warning = check_units(model, mini_i, "folded")
    assert "forces of all atoms add up to" in warning
    share = float(re.search(r"\((\S+) % of what forces in random directions do", warning)[1])
    assert 2 < share < 4
    assert "langevin does not" in warning


@pytest.mark.parametrize(("factor", "unit"), [(EV, "kcal/mol"), (1 / EV, "eV")])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_calculator_in_another_unit_is_refused(mini_i, factor, unit, noise):
    model = Model(mini_i.split("folded/test"), factor, noise)
    with pytest.raises(UnitError, match=f"as values in {unit}/Å have.* Nothing was simulated"):
        check_units(model, mini_i, "folded")


@pytest.mark.parametrize(("factor", "unit"), [(EV, "kcal/mol"), (1 / EV, "eV")])
@pytest.mark.parametrize("learned", [0.6, 1.0])
def test_a_crude_one_is_warned_of(mini_i, factor, unit, learned):
    model = Model(mini_i.split("folded/test"), factor, 1.0, learned)
    warning = check_units(model, mini_i, "folded", ("--run", "runs/my run"))
    assert f"as values in {unit}/Å have that were taken for" in warning
    assert "or a model that is off by this factor" in warning
    if unit == "kcal/mol":
        assert "in_units(find_calculator(model='runs/my run'), 'kcal/mol')" in warning
        assert "--calculator units:make in place of --run 'runs/my run'" in warning


@pytest.mark.parametrize("noise", [0.0, 0.5, 1.0])
def test_gradients_are_refused(mini_i, noise):
    model = Model(mini_i.split("folded/test"), -1.0, noise)
    with pytest.raises(UnitError, match="the sign is flipped"):
        check_units(model, mini_i, "folded")


def zero(forces):
    return 0 * forces


def zero_on_a_frame(forces):
    forces[3] = 1e-9
    return forces


def not_finite(forces):
    forces[2, 0, 0] = np.nan
    return forces


def without_an_atom(forces):
    forces[:, 5] = 0
    return forces


def of_other_atoms(forces):
    return np.random.default_rng(1).permuted(forces, axis=1)


def constant(forces):
    return np.full(forces.shape, 3.0)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (zero, "all forces on 8 of 8 test frames of mini-i folded are zero, where the reference's"),
        (zero_on_a_frame, "all forces on 1 of 8 test frames"),
        (not_finite, "forces on 1 of 8 test frames of mini-i folded are not finite"),
        (without_an_atom, r"no force acts on 1 of 42 atoms \(number 5\)"),
        (of_other_atoms, "nothing to do with the reference's"),
        (constant, "nothing to do with the reference's"),
    ],
)
def test_forces_that_are_none_are_warned_of(mini_i, changed, said):
    class Changed(Model):
        def predict(self, frames):
            energies, forces = super().predict(frames)
            return energies, changed(forces)

    warning = check_units(Changed(mini_i.split("folded/test"), 1.0), mini_i, "folded")
    assert re.search(said, warning)


def test_what_is_simulated_one_at_a_time_is_asked_so(mini_i):
    class Both(Model):
        """Right as a batch; of another unit as ASE asks for forces."""

        def get_potential_energy(self, atoms):
            return 0.0

        def get_forces(self, atoms):
            (row,) = np.flatnonzero(np.isclose(test.positions, atoms.positions).all(axis=(1, 2)))
            return test.forces[row]

    test = mini_i.split("folded/test")
    assert check_units(Both(test, 1.0), mini_i, "folded") is None
    with pytest.raises(UnitError, match="taken for eV"):
        check_units(Both(test, 1.0), mini_i, "folded", batched=False)


def test_the_advice_mends_it(mini_i):
    from ase.calculators.calculator import Calculator

    class InKcal(Calculator):
        implemented_properties = ("energy", "forces")

        def calculate(self, atoms=None, properties=None, changes=None):
            super().calculate(atoms, properties, changes)
            same = np.isclose(test.positions, self.atoms.positions).all(axis=(1, 2))
            (row,) = np.flatnonzero(same)
            self.results = {"energy": test.energies[row], "forces": test.forces[row]}

    test = mini_i.split("folded/test")
    with pytest.raises(UnitError, match="kcal/mol"):
        check_units(InKcal(), mini_i, "folded")
    mended = in_units(InKcal(), "kcal/mol")
    assert check_units(mended, mini_i, "folded") is None
    energies, forces = evaluate(mended, test[:3])
    np.testing.assert_allclose(energies, test.energies[:3], rtol=1e-12)
    np.testing.assert_allclose(forces, test.forces[:3], rtol=1e-10, atol=1e-10)
    with pytest.raises(UsageError, match="unknown energy unit"):
        in_units(InKcal(), "kcal")


def test_no_recorded_baseline_would_be_refused():
    """Errors as large as those of the quick trainings, on every test set that was recorded."""
    import teadata
    from baselines.accuracy import record

    largest: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in record.read_records(record.RECORDS):
        for training in one.trainings:
            for subset in training.seeds[0].tests:
                errors = training.values(subset, "F")
                largest[one.dataset.partition("@")[0], subset].append(max(errors))
    assert sum(map(len, largest.values())) > 30
    for (name, subset), errors in largest.items():
        dataset = teadata.load(name)
        test = dataset.split(f"{subset}/test")
        for error in errors:
            noise = error / (0.8 * test.forces.std())
            assert check_units(Model(test, 1.0, noise), dataset, subset) is None
