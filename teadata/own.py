"""Where a user's own datasets lie: ``TEADATA_HOME/own/<name>/<version>``."""

from __future__ import annotations

import re
from pathlib import Path

from teadata.card import ID
from teadata.errors import UsageError

CARD = "card.yaml"
"""Name of the card in a dataset's folder."""


def folder() -> Path:
    """The folder of the user's own datasets.

    Raises
    ------
    UsageError
        If the user has no home folder.
    """
    from teadata.remote.settings import home

    return home() / "own"


def root(name: str, version: str) -> Path:
    """The folder of one version of a dataset."""
    return folder() / name / version


def version_key(version: str) -> tuple[int, ...]:
    """What versions are sorted by: ``0.10.0`` comes after ``0.9.0``."""
    return tuple(map(int, version.split(".")))


def versions(name: str) -> list[str]:
    """Versions of a dataset that are here, the newest last; none if there is no such dataset."""
    if not re.fullmatch(ID, name):
        return []
    try:
        there = [path.parent.name for path in (folder() / name).glob(f"*/{CARD}")]
    except (OSError, UsageError):
        return []
    return sorted((v for v in there if re.fullmatch(r"\d+\.\d+\.\d+", v)), key=version_key)


def newest(name: str) -> str | None:
    """The newest version of a dataset; None if there is none."""
    there = versions(name)
    return there[-1] if there else None


def names() -> list[str]:
    """Names of the user's own datasets that are here."""
    try:
        return sorted(path.name for path in folder().iterdir() if versions(path.name))
    except (OSError, UsageError):
        return []
