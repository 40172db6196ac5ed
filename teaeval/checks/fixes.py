"""Fix a prediction as a finding says.  Nothing is fixed unless it was asked for.

Each function returns a new prediction and one line for the score.  ``Prediction.source`` still
says what the file declared.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from teadata import units
from teadata.arrays import StoredArray
from teadata.errors import UsageError, expect, unknown_name
from teaeval.checks.quantity import MISTAKEN, shown
from teaeval.predictions.findings import Finding
from teaeval.predictions.prediction import PREDICTION, Prediction

Fixed = tuple[Prediction, str]


def fix_units(prediction: Prediction, quantity: Literal["energy", "forces"], unit: str) -> Fixed:
    """Reinterpret energies or forces in another unit than the declared one.

    Parameters
    ----------
    prediction
        In kcal/mol and kcal/mol/Å, converted from the units that its source declares.
    quantity
        Which values.
    unit
        The right unit; for forces an energy unit per length unit, e.g. ``eV/Å``.  For values in
        kcal/mol that were converted from eV, ``kcal/mol taken for eV``.

    Raises
    ------
    UsageError
        If there is no such unit.
    """
    expect(prediction, Prediction, PREDICTION)
    unit, mistaken, instead = unit.partition(MISTAKEN)
    if mistaken:
        factor = units.energy_factor(unit) / units.energy_factor(instead.partition("/")[0])
        field = {"energy": "energies", "forces": "forces"}[quantity]
        changed: dict[str, Any] = {field: getattr(prediction, field) * factor}
        fixed = replace(prediction, **changed)
        return fixed, f"fixed: {quantity} in {unit} had been{mistaken}{instead}"
    declared = units.UnitSystem.stated(prediction.source)
    if quantity == "energy":
        factor = units.energy_factor(unit) / declared.factors["energies"]
        fixed = replace(prediction, energies=prediction.energies * factor)
        return fixed, f"fixed: energy taken as {unit}, declared {declared.energy}"
    factor = units.force_factor(*unit.rsplit("/", 1)) / declared.factors["forces"]
    fixed = replace(prediction, forces=prediction.forces * factor)
    return fixed, f"fixed: forces taken as {unit}, declared {declared.force}"


def fix_per_atom(prediction: Prediction, atoms: int) -> Fixed:
    """Multiply energies by the number of atoms: those per atom were given instead."""
    expect(prediction, Prediction, PREDICTION)
    fixed = replace(prediction, energies=prediction.energies * atoms)
    return fixed, f"fixed: energy taken as per atom, multiplied by {atoms}"


def fix_sign(prediction: Prediction) -> Fixed:
    """Flip the sign of the forces: gradients were given instead."""
    expect(prediction, Prediction, PREDICTION)
    return replace(prediction, forces=-prediction.forces), "fixed: sign of the forces flipped"


def fix_atoms(prediction: Prediction, belongs: Sequence[int]) -> Fixed:
    """Reorder the forces of the atoms to the dataset's order.

    Parameters
    ----------
    prediction
        Its positions and numbers stay as they are.
    belongs
        (A,) for each atom of the prediction, the atom of the dataset whose forces it has.

    Raises
    ------
    UsageError
        If `belongs` is not a permutation of the prediction's atoms.
    """
    expect(prediction, Prediction, PREDICTION)
    place = np.asarray(belongs)
    atoms = prediction.forces.shape[1]
    if not np.array_equal(np.sort(place), np.arange(atoms)):
        raise UsageError(f"expected a permutation of {atoms} atoms, found {list(belongs)}")
    source = np.argsort(place)
    forces = (
        prediction.forces.reordered(source)
        if isinstance(prediction.forces, StoredArray)
        else prediction.forces[:, source]
    )
    moved = int((place != np.arange(atoms)).sum())
    return replace(
        prediction, forces=forces
    ), f"fixed: forces of {moved} of {atoms} atoms reordered"


def _units(prediction: Prediction, finding: Finding) -> Fixed:
    quantity: Literal["energy", "forces"] = (
        "energy" if finding.code == "unit-of-energy" else "forces"
    )
    unit, others = str(finding.evidence["unit"]), finding.evidence["alternatives"]
    if others:
        raise UsageError(
            f"the unit of {quantity} may be {shown(unit)}, {others}: declare which it is, instead "
            "of a fix"
        )
    return fix_units(prediction, quantity, unit)


def _per_atom(prediction: Prediction, finding: Finding) -> Fixed:
    others = finding.evidence["alternatives"]
    if others:
        raise UsageError(
            f"the energies may be per atom, or total ones in {others}: multiply them yourself or "
            "declare their unit, instead of a fix"
        )
    atoms = finding.evidence["atoms"]
    assert isinstance(atoms, int)
    return fix_per_atom(prediction, atoms)


def _sign(prediction: Prediction, finding: Finding) -> Fixed:
    return fix_sign(prediction)


def _atoms(prediction: Prediction, finding: Finding) -> Fixed:
    belongs = finding.evidence["belongs"]
    assert isinstance(belongs, tuple)
    return fix_atoms(prediction, belongs)


FIXES: dict[str, dict[str, Callable[[Prediction, Finding], Fixed]]] = {
    "units": {"unit-of-energy": _units, "unit-of-forces": _units},
    "per-atom": {"energy-per-atom": _per_atom},
    "sign": {"sign-of-forces": _sign},
    "atoms": {"permuted-atoms": _atoms},
}
"""The fixes that can be asked for, and the function that fixes each finding."""


def apply(
    prediction: Prediction, findings: Iterable[Finding], wanted: Collection[str]
) -> tuple[Prediction, list[str]]:
    """Apply the wanted fixes to the errors among the findings.

    The fixed prediction has not been checked: check it again.

    Parameters
    ----------
    prediction
        What was predicted; it is left as it is.
    findings
        The findings of :func:`teaeval.check`; warnings are not fixed.
    wanted
        Names of :data:`FIXES`.

    Returns
    -------
    prediction
        A new one, or the same if there was nothing to fix.
    notes
        One line for each thing that was done.

    Raises
    ------
    UsageError
        If there is no such fix, or a unit cannot be told from another.
    """
    for name in wanted:
        if name not in FIXES:
            raise unknown_name("fix", name, FIXES)
    ways = {code: way for name in wanted for code, way in FIXES[name].items()}
    notes = []
    for finding in findings:
        if finding.severity == "error" and finding.code in ways:
            prediction, note = ways[finding.code](prediction, finding)
            notes.append(note)
    return prediction, notes
