"""Units, and the only place where they are converted.

Inside the packages energies are in kcal/mol, lengths in Å, forces in kcal/mol/Å and
stresses in kcal/mol/Å³.  Everything else is converted at the border by the factors here:
CODATA 2018 (the defining constants of the SI, the energies of Hartree and Rydberg and the Bohr
radius) and the thermochemical calorie of 4.184 J.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from teadata.errors import UsageError, expect, unknown_name

EV = 1.602176634e-19 * 6.02214076e23 / 4184.0
"""One electronvolt in kcal/mol."""

HARTREE = 27.211386245988 * EV
"""One hartree in kcal/mol."""

RYDBERG = 13.605693122994 * EV
"""One rydberg in kcal/mol, half a hartree; Quantum ESPRESSO's unit, with forces in Ry/bohr."""

BOHR = 0.529177210903
"""One bohr in Å."""

GRAMS_PER_CM3 = 1.66053907
"""One atomic mass unit per Å³ in g/cm³ (CODATA 2018)."""

BOLTZMANN = 1.380649e-23 * 6.02214076e23 / 4184.0
"""Boltzmann's constant in kcal/mol/K."""

KINETIC = GRAMS_PER_CM3 * 1e-27 * 1e10 * 6.02214076e23 / 4184.0
"""One u Å²/fs² (mass times squared velocity) in kcal/mol."""

GIGAPASCAL = 1e9 * 1e-30 * 6.02214076e23 / 4184.0
"""One GPa in kcal/mol/Å³."""

INVERSE_FS = 1e15 / 2.99792458e10
"""One oscillation per fs as a wavenumber, in cm⁻¹."""

ENERGY_UNITS = {
    "kcal/mol": 1.0,
    "kJ/mol": 1.0 / 4.184,
    "eV": EV,
    "meV": EV / 1000.0,
    "Hartree": HARTREE,
    "Ry": RYDBERG,
}
"""Energy units that files may declare, each in kcal/mol."""

LENGTH_UNITS = {"Å": 1.0, "nm": 10.0, "Bohr": BOHR}
"""Length units that files may declare, each in Å."""

_ENERGY_SPELLINGS = {
    "ha": "Hartree",
    "eh": "Hartree",
    "a.u.": "Hartree",
    "au": "Hartree",
    "rydberg": "Ry",
    "ryd": "Ry",
}
_LENGTH_SPELLINGS = {
    "ang": "Å",
    "angstrom": "Å",
    "a": "Å",
    "nanometer": "nm",
    "a0": "Bohr",
    "a.u.": "Bohr",
    "au": "Bohr",
}


def _resolve(kind: str, text: str, known: dict[str, float], spellings: dict[str, str]) -> str:
    expect(text, str, f"a text that names a {kind}, one of: {', '.join(known)}")
    by_case = {name.casefold(): name for name in known}
    # One spelling of an Å, whether a letter with a ring, a letter and a ring, or a sign.
    spelled = unicodedata.normalize("NFKC", text.strip()).casefold()
    for lower, name in {**by_case, **spellings}.items():
        if spelled == lower.casefold():
            return name
    raise unknown_name(kind, text, known)


def energy_unit(text: str) -> str:
    """The canonical name of an energy unit, whatever its case or common spelling.

    Raises
    ------
    UsageError
        If the unit is not one of :data:`ENERGY_UNITS`.
    """
    return _resolve("energy unit", text, ENERGY_UNITS, _ENERGY_SPELLINGS)


def length_unit(text: str) -> str:
    """The canonical name of a length unit, whatever its case or common spelling.

    Raises
    ------
    UsageError
        If the unit is not one of :data:`LENGTH_UNITS`.
    """
    return _resolve("length unit", text, LENGTH_UNITS, _LENGTH_SPELLINGS)


def force_unit(text: str) -> str:
    """The canonical name of a force unit, which is spelled ``energy unit/length unit``.

    Parameters
    ----------
    text
        Both units in any spelling that :func:`energy_unit` and :func:`length_unit` know, e.g.
        ``hartree/bohr``.

    Raises
    ------
    UsageError
        If it is anything else.
    """
    expect(text, str, "a text that names a force unit, such as Hartree/Bohr")
    energy, _, length = text.rpartition("/")
    try:
        return f"{energy_unit(energy)}/{length_unit(length)}"
    except UsageError:
        raise UsageError(
            f"unknown force unit {text!r}; expected an energy unit, a slash and a length unit, "
            f"such as Hartree/Bohr; energy units: {', '.join(ENERGY_UNITS)}; length units: "
            f"{', '.join(LENGTH_UNITS)}"
        ) from None


def energy_factor(unit: str) -> float:
    """What one of this energy unit is in kcal/mol."""
    return ENERGY_UNITS[energy_unit(unit)]


def length_factor(unit: str) -> float:
    """What one of this length unit is in Å."""
    return LENGTH_UNITS[length_unit(unit)]


def force_factor(energy: str, length: str) -> float:
    """What one of this force unit (energy unit per length unit) is in kcal/mol/Å."""
    return energy_factor(energy) / length_factor(length)


@dataclass(frozen=True)
class UnitSystem:
    """Units of energy, length and force that a file is in; those of all else follow from them.

    Parameters
    ----------
    energy, length
        In any spelling that :func:`energy_unit` and :func:`length_unit` know.
    force
        In any spelling that :func:`force_unit` knows; by default that of energy over that of
        length, e.g. ``eV/Å``.

    Raises
    ------
    UsageError
        If one of them is not known.
    """

    energy: str = "kcal/mol"
    length: str = "Å"
    force: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "energy", energy_unit(self.energy))
        object.__setattr__(self, "length", length_unit(self.length))
        force = force_unit(self.force) if self.force else f"{self.energy}/{self.length}"
        object.__setattr__(self, "force", force)

    def __str__(self) -> str:
        return ", ".join([self.energy, self.length, *self.further.values()])

    @classmethod
    def stated(cls, texts: Mapping[str, str | None]) -> UnitSystem:
        """The units that texts state as ``energy_unit``, ``length_unit`` and ``force_unit``.

        Those that they do not state are as by default.
        """
        said = {kind: texts.get(f"{kind}_unit") for kind in ("energy", "length", "force")}
        return cls(**{kind: unit for kind, unit in said.items() if unit})

    @property
    def further(self) -> dict[str, str]:
        """What is to be stated besides energy and length: ``force_unit``, where it is another."""
        follows = self.force == f"{self.energy}/{self.length}"
        return {} if follows else {"force_unit": self.force}

    @property
    def stress(self) -> str:
        """Unit of stresses, e.g. ``eV/Å³``."""
        return f"{self.energy}/{self.length}³"

    @property
    def factors(self) -> dict[str, float]:
        """What one unit of each field of frames is in kcal/mol and Å."""
        energy, length = ENERGY_UNITS[self.energy], LENGTH_UNITS[self.length]
        return {
            "positions": length,
            "energies": energy,
            "forces": force_factor(*self.force.rsplit("/", 1)),
            "cell": length,
            "stress": energy / length**3,
        }

    @property
    def names(self) -> dict[str, str]:
        """Unit of each field of frames that has one."""
        return {
            "positions": self.length,
            "energies": self.energy,
            "forces": self.force,
            "cell": self.length,
            "stress": self.stress,
            "temperatures": "K",
        }


INSIDE = UnitSystem()
"""The units inside the packages: kcal/mol and Å."""

ASE = UnitSystem("eV", "Å")
"""The units of ASE, and of the programs that read through it."""
