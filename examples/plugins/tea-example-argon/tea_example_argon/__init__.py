"""A dataset as a package: argon-7, as ``teadata create`` made it."""

from __future__ import annotations

from pathlib import Path

from teadata import DatasetCard

FOLDER = Path(__file__).parent / "argon-7"


def datasets() -> list[tuple[DatasetCard, Path]]:
    """Cards, and the folders that their file names are relative to: the entry point."""
    return [(DatasetCard.read(FOLDER / "card.yaml"), FOLDER)]
