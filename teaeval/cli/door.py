"""What is tried before something long begins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from teadata import console
from teadata.files import contents

if TYPE_CHECKING:
    from teadata import Dataset


def try_calculator(
    folder: Path,
    dataset: Dataset,
    subset: str,
    calculator: str | None,
    run: Path | None,
    device: str | None = None,
) -> None:
    """Check the units and signs of a calculator, unless its folder has been begun.

    Raises
    ------
    UnitError
        If its forces are in another unit, or their sign is flipped.
    """
    from teaeval.calculators import find_calculator
    from teaeval.checks.calculator import check_units, said_of

    if folder.exists() and (not folder.is_dir() or contents(folder)):
        return
    made = find_calculator(calculator, run, device)
    if warning := check_units(made, dataset, subset, said_of(calculator, run)):
        console.say(f"warning: {warning}", err=True)
