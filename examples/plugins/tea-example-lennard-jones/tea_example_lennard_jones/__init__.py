"""Calculators of folders as a package: a folder with ``lennard-jones.json`` is a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from teadata.errors import DataError

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

FILE = "lennard-jones.json"


def calculator_of(folder: Path, device: str | None = None) -> Calculator | None:
    """Make the ASE calculator of a folder, None for one of another kind: the entry point.

    The file has ``epsilon`` in eV and ``sigma`` in Å.

    Raises
    ------
    DataError
        If the file is there and is something else.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        said = json.loads(path.read_text())
        epsilon, sigma = float(said["epsilon"]), float(said["sigma"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: expected epsilon and sigma ({error!r})") from None
    from ase.calculators.lj import LennardJones

    return LennardJones(epsilon=epsilon, sigma=sigma, rc=100.0)
