"""Units that a file states although other energies and forces have been put into it since.

What ``teadata export`` writes states the units of the reference energies in it.  A program that
puts predictions in their place, ASE with a calculator for instance, copies the statement.  It says
nothing of the predictions then, and is not taken for them: the caller says their units, or they
are ASE's where the file stated those, with a warning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from teadata import units
from teadata.arrays import ArrayFile
from teadata.arrays.images import ImageFile
from teadata.errors import UsageError
from teaeval.predictions.declaring import SPELLED, option
from teaeval.predictions.findings import Finding

CONVENTION = {
    "energy_unit": units.ASE.energy,
    "length_unit": units.ASE.length,
    "force_unit": units.ASE.force,
}
"""The units of whatever ASE's calculators give."""

ANEW = "its energies and forces were written anew since then"
"""Why the units that a file states do not count."""


@dataclass(frozen=True)
class StaleUnits:
    """Units that a file states of other energies and forces than it has now.

    Parameters
    ----------
    stated
        The units by name, ``energy_unit`` and the like; empty if those of the file hold.
    by_images
        Whether the file is of images, as programs write them that read through ASE.
    """

    stated: Mapping[str, str] = field(default_factory=dict)
    by_images: bool = False

    @classmethod
    def of(cls, file: ArrayFile, names: Mapping[str, str], fields: Mapping[str, Any]) -> StaleUnits:
        """Find the stale units of a file, by its names of the arrays and what its texts say."""
        if not {"energy", "forces"} <= names.keys():
            return cls()
        if file.labels_kept(names["energy"], names["forces"]) is not False:
            return cls()
        stated = {name: fields[name] for name in SPELLED if fields[name] is not None}
        return cls(stated, isinstance(file, ImageFile))

    @property
    def conventions(self) -> dict[str, str]:
        """What holds where the caller says nothing: ASE's units, if those were stated."""
        return {
            name: unit
            for name, unit in CONVENTION.items()
            if self.by_images and name in self.stated and _same(name, self.stated[name], unit)
        }

    def warnings(self, given: Mapping[str, str]) -> list[Finding]:
        """Say whose word was taken, where it matters.

        Parameters
        ----------
        given
            What the caller says of the file.
        """
        found = []
        for name, unit in self.stated.items():
            said = given.get(name)
            if said is not None and not _same(name, unit, said):
                found.append(
                    Finding.warning(
                        f"restated-{name}",
                        expected=f"the file and {option(name)} to agree",
                        found=f"{option(name)} {said}, which is taken; the file states {unit} "
                        f"since it was exported, and {ANEW}",
                        remedy=f"nothing is to be done if the predictions are in {said}",
                    )
                )
            elif said is None and name == "energy_unit" and name in self.conventions:
                found.append(
                    Finding.warning(
                        "unit-as-exported",
                        expected="a file that states the unit of its own energies",
                        found=f"one that states {unit} since it was exported; {ANEW}, and are "
                        f"taken for {unit}, as ASE's calculators give",
                        remedy=f"say {option(name)} if the predictions are in another unit",
                    )
                )
        return found

    def explained(self, problem: Finding) -> Finding:
        """Say, where a unit is missing, why the one that the file states does not count."""
        name = problem.code.removeprefix("undeclared-")
        if name not in self.stated:
            return problem
        return Finding.error(
            problem.code,
            expected=problem.expected,
            found=f"the file states {self.stated[name]} since it was exported, but {ANEW}, and "
            "ASE's calculators give eV and eV/Å",
            remedy=f"say with {option(name)} what the predictions are in",
        )


def _same(name: str, one: str, other: str) -> bool:
    try:
        return SPELLED[name](one) == SPELLED[name](other)
    except UsageError:
        return False
