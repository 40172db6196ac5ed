"""Datasets that installed packages bring.

The entry point group ``tea.datasets``: each names a function without arguments that gives pairs
of a :class:`~teadata.card.DatasetCard` and the folder that its file names are relative to.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from teadata import plugins
from teadata.card import DatasetCard
from teadata.errors import DataError, expect_path
from teadata.schema import what_is_wrong

GROUP = "tea.datasets"
"""Entry points that give datasets."""


@dataclass(frozen=True)
class Plugged:
    """A dataset that a package brings.

    Parameters
    ----------
    card, root
        Its card, and the folder that its file names are relative to.
    plugin
        Which brings it.
    """

    card: DatasetCard
    root: Path
    plugin: plugins.Plugin

    @property
    def package(self) -> str:
        """Name and version of the package."""
        return self.plugin.package


@functools.cache
def datasets(packaged: tuple[str, ...]) -> dict[str, Plugged]:
    """The datasets that installed packages bring, by id, but for those of these ids.

    What is no dataset, or has an id that is taken, is named in a
    :class:`~teadata.plugins.PluginWarning` and passed over.
    """
    taken, found = dict.fromkeys(packaged, plugins.OURS), {}
    for plugin in plugins.loaded(GROUP):
        for card, root in _given(plugin, taken):
            taken[card.id] = plugin.package
            found[card.id] = Plugged(card, root, plugin)
    return found


def _given(plugin: plugins.Plugin, taken: Mapping[str, str]) -> Iterator[tuple[DatasetCard, Path]]:
    """Yield the datasets of a plugin that can be used."""
    try:
        items = list(plugin.value())
    except (Exception, SystemExit) as error:  # whatever code that is not ours raises
        plugin.pass_over(error)
        return
    for item in items:
        try:
            card, root = _checked(item)
        except Exception as error:  # the card was made by code that is not ours, too
            plugin.pass_over(error)
            continue
        if card.id in taken:
            plugin.pass_over(f"{taken[card.id]} has a dataset {card.id!r} already")
            continue
        yield card, root


def _checked(item: Any) -> tuple[DatasetCard, Path]:
    """A card and a folder, both fit for use.

    Raises
    ------
    TeaError
        If it is something else.
    """
    pair = tuple(item) if isinstance(item, tuple | list) else ()
    if len(pair) != 2 or not isinstance(pair[0], DatasetCard):
        raise DataError(
            f"expected pairs of a DatasetCard and a folder, found {type(item).__name__}"
        )
    try:
        card = DatasetCard.model_validate(pair[0].model_dump())  # it may have been made unchecked
    except ValidationError as error:
        raise DataError(f"not a card: {what_is_wrong(error)}") from None
    root = expect_path(pair[1], f"the folder of {card.full_id}")
    if card.edition not in ("own", "plugin"):
        raise DataError(
            f"{card.full_id} says that it is of the {card.edition} edition, which is "
            "tea-benchmark's; expected plugin, or own as teadata create writes"
        )
    try:
        files = {content: root / card.file(content).name for content in ("frames", "splits")}
    except DataError as error:
        raise DataError(f"{card.full_id}: {error}") from None
    missing = [str(path) for path in files.values() if not path.is_file() and not path.is_dir()]
    if missing:
        raise DataError(f"{card.full_id}: {' and '.join(missing)} are not there")
    return card.model_copy(update={"edition": "plugin"}), root
