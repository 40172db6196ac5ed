"""A patch that pins the files of an official dataset in its card."""

from __future__ import annotations

import difflib
import re

from teadata import catalog
from teadata.errors import DataError, UsageError


def patch(dataset: str) -> str:
    """Make a unified diff that pins the files a dataset was made from in its card.

    It applies in a checkout with ``git apply``.

    Raises
    ------
    UsageError
        If there is no such dataset, or it is not an official one.
    DataError
        If its data are not on this machine.
    """
    import yaml

    card = catalog.card(dataset)
    if card.edition == "own":
        raise UsageError(f"{card.full_id} is your own: its card has its checksums already")
    if card.edition != "official":
        raise UsageError(f"{card.full_id} comes with the package: its card pins it already")
    if not card.files or card.source is None:
        raise DataError(
            f"the data of {card.full_id} are not on this machine: fetch or ingest them first"
        )
    path = catalog.packaged_card(card.id)
    old = path.read_text(encoding="utf-8")
    block = yaml.safe_dump(
        {"source": card.source.model_dump(mode="json", exclude_defaults=True)},
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=200,
    )
    new, count = re.subn(r"(?m)^source:\n(?:[ -].*\n?)*", lambda _: block, old)
    assert count == 1  # every official card has one
    name = f"datasets/cards/{path.name}"
    return "".join(
        difflib.unified_diff(
            old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{name}", f"b/{name}"
        )
    )
