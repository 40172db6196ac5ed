"""Reference labels from tblite, in the units of the project."""

from __future__ import annotations

import importlib.metadata

import numpy as np

from teadata.units import BOHR, HARTREE


def engine_version() -> str:
    """Name and version of the engine that labels."""
    return f"tblite {importlib.metadata.version('tblite')}"


def tblite_label(
    numbers: np.ndarray, positions: np.ndarray, method: str = "GFN2-xTB", accuracy: float = 0.01
) -> tuple[float, np.ndarray]:
    """Energy and forces of one molecule, from a fresh SCF.

    Parameters
    ----------
    numbers
        (A,) atomic numbers.
    positions
        (A, 3), Å.
    method
        tblite's name of the Hamiltonian.
    accuracy
        tblite's accuracy: 0.01 is a hundred times tighter than its default.

    Returns
    -------
    energy
        Total energy, kcal/mol.
    forces
        (A, 3), kcal/mol/Å.
    """
    from tblite.interface import Calculator

    calculator = Calculator(method, np.asarray(numbers), np.asarray(positions) / BOHR)
    calculator.set("verbosity", 0)
    calculator.set("accuracy", accuracy)
    result = calculator.singlepoint()
    return float(result["energy"]) * HARTREE, -np.asarray(result["gradient"]) * (HARTREE / BOHR)
