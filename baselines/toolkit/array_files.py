"""Model files that are arrays by name (npz): settings, elements, and weights of any shape."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from baselines.config import ModelConfig, parse
from teadata.errors import DataError
from teadata.files import atomic_write

ConfigT = TypeVar("ConfigT", bound=ModelConfig)

PREFIX = "param/"
"""What the name of a weight begins with in the file."""


def write(path: Path, form: str, config: ModelConfig, trained: dict[str, Any]) -> None:
    """Write a trained model.

    Parameters
    ----------
    path
        The file.
    form
        Name and version of the format.
    config
        The settings.
    trained
        ``weights`` by name, ``elements`` (atomic numbers), and their ``energies`` in kcal/mol.
    """
    weights = {f"{PREFIX}{name}": value for name, value in trained["weights"].items()}
    with atomic_write(path) as partial, open(partial, "wb") as stream:
        np.savez(
            stream,
            format=form,
            config=json.dumps(config.model_dump(mode="json")),
            elements=np.array(trained["elements"]),
            energies=trained["energies"],
            **weights,
        )


def read(path: Path, what: str, form: str, kind: type[ConfigT]) -> tuple[ConfigT, dict[str, Any]]:
    """Read the settings and the trained state that :func:`write` wrote.

    Parameters
    ----------
    path
        The file.
    what
        What it should be, for the error: ``a PhysNet model``.
    form
        Name and version of the format.
    kind
        Class of the settings.

    Raises
    ------
    DataError
        If the file is not such a model.
    """
    expected = f"{path}: expected {what} of this package ({form!r})"
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            values = {name: file[name] for name in file.files}
        if str(values["format"]) != form:
            raise DataError(expected)
        config = parse(kind, json.loads(str(values["config"])), str(path))
        elements, energies = values["elements"].tolist(), values["energies"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{expected} ({error})") from None
    weights = {
        name.removeprefix(PREFIX): value
        for name, value in values.items()
        if name.startswith(PREFIX)
    }
    return config, {"weights": weights, "elements": elements, "energies": energies}
