"""Torch files of tensors, numbers and text, written in one step and read without pickles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from baselines.config import ModelConfig
from teadata.errors import DataError
from teadata.files import atomic_write


def write(path: Path, content: dict[str, Any]) -> None:
    """Write tensors, numbers and text to a torch file, in one step."""
    import torch

    # Into a stream: torch would write the name of a file into it.
    with atomic_write(path) as partial, open(partial, "wb") as stream:
        torch.save(content, stream)


def read(path: Path, expected: str) -> dict[str, Any]:
    """Read a torch file to the CPU; pickled objects in it are never loaded.

    Raises
    ------
    DataError
        If it cannot be read so; `expected` says what it should have been, and what to do.
    """
    import pickle

    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path}: expected {expected} ({reason})") from None
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected {expected}; found {type(content).__name__}")
    return content


def read_model(
    path: Path, name: str, layout: str, keys: tuple[str, ...], kind: type[ModelConfig]
) -> dict[str, Any]:
    """Read a model file, and leave out its ``format``.

    Parameters
    ----------
    path
        The file.
    name
        What it should be, with its article.
    layout
        Its ``format``.
    keys
        What it must hold.
    kind
        Class of the settings under ``config``.

    Raises
    ------
    DataError
        If it is not such a file.
    """
    expected = f"{name} of this package ({layout!r})"
    values = read(path, expected)
    if values.pop("format", None) != layout:
        raise DataError(f"{path}: expected {expected}")
    missing = [key for key in keys if key not in values]
    if missing:
        raise DataError(f"{path}: expected {expected}; it lacks {', '.join(missing)}")
    try:
        kind.model_validate(values["config"])
    except ValidationError as error:
        raise DataError(
            f"{path}: expected {expected}; its settings are not valid ({error})"
        ) from None
    return values
