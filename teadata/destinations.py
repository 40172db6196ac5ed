"""Where a command may write: never over an input, nor into a dataset."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from teadata.errors import UsageError


def check_outputs(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse outputs without a name, and those that are an input or part of a dataset.

    Raises
    ------
    UsageError
        If there is one.
    """
    sources = list(inputs)
    for path in outputs:
        if path == Path() and not any(part.rpartition("=")[2] in (".", "./") for part in sys.argv):
            raise UsageError("--output: expected a name, found nothing")  # an empty text
        if not path.exists():
            continue
        for source in sources:
            if source.exists() and path.samefile(source):
                raise UsageError(
                    f"--output {path}: is {source}, which is read here, and is not replaced; "
                    "choose another name"
                )
        _check_no_dataset(path)


def check_new(path: Path, replace: bool) -> None:
    """Refuse to replace what is there with labels or predictions, unless that was asked for.

    Both may have cost days, and the name of an output is easily mistaken.  What commands make of
    them (scores, tables, figures, reports) is replaced without a question.

    Raises
    ------
    UsageError
        If there is a file, or a folder with something in it.
    """
    there = path.is_file() or (path.is_dir() and any(path.iterdir()))
    if there and not replace:
        raise UsageError(
            f"--output {path}: is there already, and is not replaced: it may hold predictions or "
            "labels; choose another name, or say --replace"
        )


def check_elsewhere(folder: Path, target: Path) -> None:
    """Refuse to replace the folder that the command runs in: a shell there would be nowhere.

    Parameters
    ----------
    folder
        The folder as it was given.
    target
        Where it really is.

    Raises
    ------
    UsageError
        If it is that folder.
    """
    if target.exists() and target.samefile(Path.cwd()):
        raise UsageError(
            f"{folder}: is the folder that this runs in, and would be replaced as a whole; give "
            "one below it, or run this from another one"
        )


def _check_no_dataset(path: Path) -> None:
    from teadata import own
    from teadata.catalog import data_root, local_root

    folders = [data_root()]
    with suppress(UsageError):  # no home folder, so no data there
        folders += [local_root("x").parent, own.folder()]
    for folder in folders:
        if folder.resolve() in path.resolve().parents:
            raise UsageError(
                f"--output {path}: belongs to the datasets in {folder}, and is not replaced; "
                "choose another name"
            )
