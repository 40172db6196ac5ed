"""The slope of predicted energies or forces, and the units that would explain it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log

from teadata import units
from teaeval.checks.sample import Regression
from teaeval.predictions.declaring import option
from teaeval.predictions.findings import Evidence, Finding

SURE_R2, LIKELY_R2 = 0.9, 0.8
"""Share of the variance the reference must explain, for a slope that a model might have
(:data:`POSSIBLE`), and for one that none has."""

POSSIBLE = (0.2, 2.5)
"""Slopes that a model might have by itself."""

NARROW, WIDE = 0.05, 0.25
"""Relative distance within which a slope is taken for a unit's factor: one that a model might
have, and one that none has."""

MEAN = 1e-3
"""Relative distance within which the ratio of mean energies is taken for a factor."""

WEAK_R2 = 0.1
"""Share of the variance that energies must explain for their mean to prove a unit."""

CRUDE_R2 = 0.2
"""Share of the variance that a crude model must explain for a slope that no model has."""

CRUDE, CRUDE_USUAL = (0.4, 1.4), 0.8
"""Slopes that a crude model has in the right unit, and the one that is taken for usual."""

RARE = {"meV": 0.2, "Hartree": 0.25, "Ry": 0.5}
"""How much less likely, as a distance of logarithms, these units of a crude model are."""

MISTAKEN = " taken for "
"""Between the unit that values were in and the one that they were converted from."""

ALIKE = 1.3
"""Two slopes of one model differ by less than this factor."""


def close(value: float, other: float) -> bool:
    """Whether two positive numbers are equal within :data:`NARROW`."""
    return abs(log(value / other)) < log(1 + NARROW)


def mistaken() -> dict[str, float]:
    """Slopes of values that were taken for eV, ASE's unit, and converted to kcal/mol.

    Values in rydberg are not suspected: poor models have slopes near 1/13.6, too.
    """
    return {
        f"{unit}{MISTAKEN}eV": units.EV / factor
        for unit, factor in units.ENERGY_UNITS.items()
        if unit not in ("eV", "Ry")
    }


def shown(unit: str) -> str:
    """A unit of :class:`Quantity` as a person would write it."""
    energy, mistaken, rest = unit.partition(MISTAKEN)
    length = f"/{rest.partition('/')[2]}" if "/" in rest else ""
    return f"{energy}{length}{MISTAKEN}{rest}" if mistaken else unit


def rarity(unit: str) -> float:
    """How much less likely than others a unit of :class:`Quantity` is, see :data:`RARE`."""
    return RARE.get(unit.partition(MISTAKEN)[0].partition("/")[0], 0.0)


def _or(candidates: list[str]) -> str:
    return " or ".join(map(shown, candidates))


@dataclass(frozen=True)
class Quantity:
    """Regression of energies or forces, and the units that could be behind it.

    Parameters
    ----------
    name, declared
        ``energy`` or ``forces``, and the unit that was declared.
    fit
        Regression on the reference, the sign taken away.
    factors
        Slope that values in each unit would have.
    mended
        What was done to the values before, to follow their slope in a sentence.
    free
        Whether the unit of forces, which was not declared, can be: they alone are in another.
    """

    name: str
    declared: str
    fit: Regression
    factors: Mapping[str, float]
    mended: str = ""
    free: bool = False

    @property
    def extreme(self) -> bool:
        """Whether the slope is one that no model has by itself."""
        return not POSSIBLE[0] <= self.fit.slope <= POSSIBLE[1]

    def candidates(self, energy: str = "", length: str = "", *, proven: bool = False) -> list[str]:
        """Units whose factor equals the slope, the likeliest first.

        Parameters
        ----------
        energy, length
            For forces: the units of energy and length that are likelier than others.
        proven
            Whether the energies were found in the unit `energy`, though another was declared.
        """
        slope = self.fit.slope
        if slope <= 0 or self.fit.r2 < (LIKELY_R2 if self.extreme else SURE_R2):
            return []
        ranked = []
        for unit, factor in self.factors.items():
            unit_energy, _, unit_length = unit.rpartition("/")
            wide = self.extreme or (proven and unit_energy == energy)
            distance = abs(log(slope / factor))
            if distance < min(log(1 + (WIDE if wide else NARROW)), abs(log(slope))) and not close(
                factor, 1
            ):
                unlikely = 0.1 * (bool(energy) and unit_energy != energy)
                unlikely += 0.1 * (MISTAKEN in unit and unit_energy != energy)
                unlikely += 0.05 * (bool(length) and unit_length != length)
                ranked.append((distance + unlikely, unit))
        ranked.sort()
        return [
            unit
            for rank, unit in ranked
            if rank < ranked[0][0] + NARROW or close(self.factors[unit], self.factors[ranked[0][1]])
        ]

    def with_mistaken(self, length: str = "") -> Quantity:
        """Also consider that values were taken for eV; only if kcal/mol were declared.

        What says kcal/mol may come from a calculator of ASE's, whose eV were converted.

        Parameters
        ----------
        length
            For forces: the declared unit of length.
        """
        if self.declared.removesuffix(f"/{length}") != "kcal/mol":
            return self
        end = f"/{length}" if length else ""
        twice = {f"{unit}{end}": factor for unit, factor in mistaken().items()}
        return replace(self, factors={**self.factors, **twice})

    def crude_candidates(self, length: str = "", energy: str = "") -> list[str]:
        """Units in which a crude model's slope would be more usual, the likeliest first.

        Parameters
        ----------
        length
            For forces: the unit of length, which is not doubted.
        energy
            For forces: the unit that the energies were found in, which is not doubted either.
        """
        proven = bool(energy)
        if self.fit.r2 < (WEAK_R2 if proven else CRUDE_R2) or not (proven or self.extreme):
            return []
        ranked = []
        as_declared = abs(log(max(self.fit.slope, 1e-300) / CRUDE_USUAL))
        for unit, factor in self.factors.items():
            slope = self.fit.slope / factor
            unit_energy, _, unit_length = unit.rpartition("/") if length else (unit, "", "")
            meant = unit_length == length and energy in ("", unit_energy)
            if meant and factor != 1 and CRUDE[0] < slope < CRUDE[1]:
                distance = abs(log(slope / CRUDE_USUAL))
                unlikely = 0.15 * (MISTAKEN in unit) + rarity(unit)
                if distance < as_declared:
                    ranked.append((distance + unlikely, unit))
        return [unit for _, unit in sorted(ranked)]

    def evidence(self, candidates: list[str]) -> dict[str, Evidence]:
        """The numbers behind a diagnosed unit."""
        return {
            "unit": candidates[0],
            "alternatives": ", ".join(candidates[1:]),
            "factor": self.factors[candidates[0]],
            "slope": self.fit.slope,
            "r2": self.fit.r2,
        }

    def _remedy(self, candidates: list[str]) -> str:
        """How a unit is declared, or values are converted that were taken for another."""
        plain = [unit for unit in candidates if MISTAKEN not in unit]
        if not plain:
            unit = candidates[0].partition(MISTAKEN)[0]
            return (
                "have the calculator give eV and eV/Å: teaeval.calculators.in_units(calculator, "
                f"{unit!r}) converts what it gives; or declare {unit} where a file was said to be "
                "in eV"
            )
        how = f" ({option('force_unit')} {plain[0]})" if self.free else ""
        return f"declare {_or(plain)}{how}, or convert the values"

    def error(self, candidates: list[str], further: str, **evidence: Evidence) -> Finding:
        """Make the error that the values are in another unit."""
        unit, *others = candidates
        return Finding.error(
            f"unit-of-{self.name}",
            expected=f"{self.name} in {self.declared}, as declared",
            found=f"{self.fit}{self.mended}{further}, as values in {_or(candidates)} would have",
            remedy=self._remedy(candidates)
            + ("" if others else f"; teaeval score --fix units takes them for {shown(unit)}"),
            evidence=self.evidence(candidates) | evidence,
        )

    def warning(self, candidates: list[str], why: str, **evidence: Evidence) -> Finding:
        """Make the warning that values may be in another unit, or the model off by its factor."""
        return Finding.warning(
            f"scale-of-{self.name}",
            expected=f"{self.name} in {self.declared}, as declared, with a slope near 1",
            found=f"{self.fit}{self.mended}, as values in {_or(candidates)} would have, or "
            f"a model that is off by this factor: {why}",
            remedy=f"if it is the unit, {self._remedy(candidates)}; nothing is to be done if the "
            "model is like that",
            evidence=self.evidence(candidates) | evidence,
        )
