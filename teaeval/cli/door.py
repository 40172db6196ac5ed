"""What is tried before something long begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teadata import console
from teadata.files import contents

if TYPE_CHECKING:
    from teadata import Dataset


def try_calculator(
    folder: Path,
    dataset: Dataset,
    subset: str,
    make: Callable[[], Any],
    said: tuple[str, str],
    *,
    batched: bool = False,
) -> None:
    """Check the units and signs of what is to be simulated, unless its folder has been begun.

    Parameters
    ----------
    folder
        Where it is to be simulated.
    dataset, subset
        Whose test frames have the reference.
    make
        Makes the calculator that moves the atoms.
    said
        The option that named it, and its value.
    batched
        Whether its ``predict(frames)`` will be used.

    Raises
    ------
    UnitError
        If its forces are in another unit, or their sign is flipped.
    """
    from teaeval.checks.calculator import check_units

    if folder.exists() and (not folder.is_dir() or contents(folder)):
        return
    if warning := check_units(make(), dataset, subset, said, batched=batched):
        console.say(f"warning: {warning}", err=True)
