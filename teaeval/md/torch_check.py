"""Whether torch-sim moves atoms with the forces that a calculator gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from teadata import Frames
from teadata.errors import TeaError
from teadata.typing import Floats
from teadata.units import EV
from teaeval.calculators import evaluate
from teaeval.md.settings import Settings
from teaeval.md.torch_batch import ENGINE, MovingBatch, model_of

FRAMES = 8
"""Test frames that the two are compared on."""

ALIKE = 0.01
"""Forces may differ by this share of their root mean square: the precision of float32 and of a
GPU's products is better, and another unit, cutoff or set of weights is farther off."""

LEAST = 1e-3
"""eV/Å, which forces may always differ by; eV for energies of an atom."""

ENERGIES_ALIKE = 0.1
"""Energies, less their mean, may differ by this share: float32 rounds those of a large system."""


class ModelDiffersError(TeaError):
    """The model of torch-sim that a calculator makes is another one than the calculator."""


class EvaluatedModel:
    """A model of torch-sim as an object with ``predict(frames)``, evaluated as in a simulation.

    Parameters
    ----------
    model
        From :func:`teaeval.md.torch_batch.model_of`.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, frames: Frames) -> tuple[Floats, Floats]:
        """Energies (n,) in kcal/mol and forces (n, A, 3) in kcal/mol/Å of n frames, as a batch."""
        batch = MovingBatch(self.model, frames.to_ase(), Settings())
        batch.evaluate(keep=True)
        return batch.energies() * EV, batch.forces() * EV


def checked_model(calculator: Any, name: str, test: Frames) -> EvaluatedModel:
    """Make the model of torch-sim of a calculator, and compare the two on some frames.

    Parameters
    ----------
    calculator
        One that has ``torch_sim_model()``.
    name
        What errors call it.
    test
        Frames of the system that is to be simulated; their labels are not looked at.

    Returns
    -------
    EvaluatedModel
        The model that is simulated.

    Raises
    ------
    UsageError
        If there is no such model, or the engine does not take the system.
    ModelDiffersError
        If its forces, or the differences of its energies, are not those of the calculator.
    CalculationError
        If one of the two fails on a frame.
    """
    model = EvaluatedModel(model_of(calculator, name))
    frames = test[np.unique(np.linspace(0, len(test) - 1, FRAMES).astype(np.int64))]
    energies, forces = evaluate(model, frames)
    expected_energies, expected = evaluate(calculator, frames)
    if np.isfinite(expected).all():  # else nothing is known of the model
        _compare_forces(forces, expected, name)
    if np.isfinite(expected_energies).all():
        _compare_energies(energies, expected_energies, name, frames.n_atoms)
    return model


def _compare_forces(forces: Floats, expected: Floats, name: str) -> None:
    size, apart = float(np.sqrt((expected**2).mean())), np.abs(forces - expected)
    if (apart <= ALIKE * size + LEAST * EV).all():  # False for NaN
        return
    worst = np.unravel_index(int(np.nan_to_num(apart, nan=np.inf).argmax()), apart.shape)
    frame, atom, axis = (int(i) for i in worst)
    raise ModelDiffersError(
        f"--engine {ENGINE}: torch_sim_model() of {name} is another model than its calculator: "
        f"expected its forces, with a root mean square of {size / EV:.4g} eV/Å on {len(forces)} "
        f"test frames; {'xyz'[axis]} of atom {atom} in the {_ordinal(frame)} of these is "
        f"{forces[worst] / EV:.4g} eV/Å, and the calculator's {expected[worst] / EV:.4g}"
        f"{_factor(forces, expected)}. Nothing was simulated. Have torch_sim_model() give the "
        "total energies (eV) and forces (eV/Å) of the same model, or leave --engine out"
    )


def _compare_energies(energies: Floats, expected: Floats, name: str, atoms: int) -> None:
    """Compare energies less their mean: another zero of energy moves no atom."""
    found, wanted = energies - energies.mean(), expected - expected.mean()
    if (np.abs(found - wanted) <= ENERGIES_ALIKE * np.abs(wanted).max() + LEAST * EV * atoms).all():
        return
    raise ModelDiffersError(
        f"--engine {ENGINE}: torch_sim_model() of {name} is another model than its calculator: its "
        f"energies on {len(energies)} test frames have a spread of {np.ptp(energies) / EV:.4g} eV, "
        f"and the calculator's of {np.ptp(expected) / EV:.4g}, though the forces are the same. "
        "Nothing was simulated. Have torch_sim_model() give total energies in eV, or leave "
        "--engine out"
    )


def _factor(forces: Floats, expected: Floats) -> str:
    """By which factor all forces are off, in words, if they are."""
    if not np.isfinite(forces).all() or not (square := float((expected**2).sum())):
        return ""
    factor = float((forces * expected).sum()) / square
    rest = float(((forces - factor * expected) ** 2).sum())
    return f": all are {factor:.4g} times these" if rest < ALIKE**2 * square else ""


def _ordinal(index: int) -> str:
    return ("first", "second", "third")[index] if index < 3 else f"{index + 1}th"
