"""Simulations by the engine of a dataset's labels, which those with models are compared with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, ValidationError

from teadata.card import Count, Sha256, Version, below
from teadata.errors import DataError
from teadata.provenance import sha256
from teadata.schema import StrictModel, read_yaml, what_is_wrong

if TYPE_CHECKING:
    from teadata.dataset import Dataset

FOLDER = "dynamics"
CARD_FILE = "card.yaml"


class SimulationFile(StrictModel):
    """One simulation: path below the data root, where it started, K, size in bytes, checksum."""

    name: Annotated[str, AfterValidator(below)]
    subset: str
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    bytes: Count
    sha256: Sha256


class ReferenceSimulations(StrictModel):
    """The simulations of a dataset's system by the engine of its labels.

    Parameters
    ----------
    dataset
        The dataset's id with its version: those of another version are not compared with these.
    version
        Of the simulations.
    method, settings
        What was simulated, and how.
    licence
        Of the files.
    files
        Each simulation.
    """

    dataset: str
    version: Version
    method: str
    settings: str
    licence: str
    files: list[SimulationFile] = Field(min_length=1)

    def at(self, subset: str, temperature: float) -> list[SimulationFile]:
        """The files of a subset at a temperature in K."""
        same = (subset, temperature)
        return [one for one in self.files if (one.subset, one.temperature) == same]

    def __str__(self) -> str:
        kelvins = sorted({one.temperature for one in self.files})
        subsets = dict.fromkeys(one.subset for one in self.files)
        return (
            f"{len(self.files)} by {self.method} itself, version {self.version}: "
            f"{' and '.join(subsets)} at {' and '.join(f'{k:g}' for k in kelvins)} K, "
            f"{self.settings}"
        )


def reference_simulations(dataset: Dataset) -> ReferenceSimulations | None:
    """Read the card of the simulations that come with a dataset.

    Returns
    -------
    ReferenceSimulations or None
        None if there are none of this version of the dataset.

    Raises
    ------
    DataError
        If their card cannot be read.
    """
    path = dataset.root / FOLDER / dataset.card.id / CARD_FILE
    if not path.is_file():
        return None
    try:
        found = ReferenceSimulations.of_yaml(read_yaml(path))
    except ValidationError as error:
        wrong = what_is_wrong(error)
        raise DataError(f"{path}: not a card of reference simulations: {wrong}") from None
    return found if found.dataset == dataset.card.full_id else None


def checked_path(dataset: Dataset, file: SimulationFile) -> Path:
    """The path of a simulation whose checksum is that of the card.

    Raises
    ------
    DataError
        If the file is missing or another one.
    """
    path = dataset.root / file.name
    found = f"sha256 {sha256(path)}" if path.is_file() else "no such file"
    if found != f"sha256 {file.sha256}":
        raise DataError(
            f"{path}: expected the reference simulation of {dataset.card.full_id}, sha256 "
            f"{file.sha256}, found {found}; get it again: "
            "python -m pip install --force-reinstall tea-benchmark"
        )
    return path
