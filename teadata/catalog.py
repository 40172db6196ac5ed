"""Which datasets there are, and where their files lie."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from teadata.card import DatasetCard
from teadata.errors import DataError, UsageError, unknown_name

if TYPE_CHECKING:
    from teadata.dataset import Dataset


@functools.cache
def data_root() -> Path:
    """The folder of the embedded data: inside the installed package, or the checkout's.

    Raises
    ------
    DataError
        If neither exists, i.e. the installation is broken.
    """
    package = Path(__file__).resolve().parent
    for root in (package / "_datasets", package.parent / "datasets"):
        if (root / "cards").is_dir():
            return root
    raise DataError(
        f"no dataset cards beside {package}: the installation is incomplete; reinstall with "
        "python -m pip install --force-reinstall tea-benchmark"
    )


def ids() -> list[str]:
    """Ids of all datasets that have a card."""
    return sorted(path.stem for path in (data_root() / "cards").glob("*.yaml"))


@functools.cache
def card(dataset: str) -> DatasetCard:
    """The card of a dataset, given as ``id`` or ``id@version``.

    Raises
    ------
    UsageError
        If there is no such dataset, or not at that version.
    """
    name, _, version = dataset.partition("@")
    if name not in ids():
        raise unknown_name("dataset", name, ids())
    found = DatasetCard.read(data_root() / "cards" / f"{name}.yaml")
    if version and version != found.version:
        raise UsageError(
            f"dataset {name} is here at version {found.version}, not {version}; install the "
            f"release of tea-benchmark that carries {dataset}, or ask for {found.full_id}"
        )
    return found


def cards() -> list[DatasetCard]:
    """The cards of all datasets, by id."""
    return [card(name) for name in ids()]


def load(dataset: str) -> Dataset:
    """Open a dataset, given as ``id`` or ``id@version``.

    The arrays are read, and their files' checksums verified, on first use.

    Examples
    --------
    >>> import teadata
    >>> mini = teadata.load("mini-i")
    >>> len(mini.split("folded/train/200"))
    200

    Raises
    ------
    UsageError
        If there is no such dataset, or not at that version.
    """
    from teadata.dataset import Dataset

    return Dataset(card(dataset), data_root())
