"""A dataset: its card, its frames, its splits."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from teadata.card import DataFile, DatasetCard
from teadata.errors import DataError
from teadata.frames import Frames
from teadata.provenance import sha256
from teadata.splits import SplitName, SplitTable


class Dataset:
    """A dataset at a version, read from files whose checksums its card states.

    Parameters
    ----------
    card
        The dataset's card.
    root
        Folder that the card's file names are relative to.
    """

    def __init__(self, card: DatasetCard, root: Path) -> None:
        self.card = card
        self.root = root

    def __repr__(self) -> str:
        return f"Dataset({self.card.full_id}: {self.card.title})"

    def path(self, entry: DataFile) -> Path:
        """Where a file of the card lies."""
        return self.root / entry.name

    def _verified(self, content: str) -> Path:
        entry = self.card.file(content)
        path = self.path(entry)
        if not path.is_file():
            raise DataError(
                f"{path}: the {content} of {self.card.full_id} are missing; reinstall tea-benchmark"
            )
        found = sha256(path)
        if found != entry.sha256:
            raise DataError(
                f"{path}: the {content} of {self.card.full_id} have sha256 {found}, the card says "
                f"{entry.sha256}; the file was changed or damaged: reinstall tea-benchmark"
            )
        return path

    @cached_property
    def frames(self) -> Frames:
        """All frames of the dataset, in file order.

        Raises
        ------
        DataError
            If the file is missing or its checksum is not the card's.
        """
        from teadata.formats import hdf5

        return hdf5.read(self._verified("frames"))

    @cached_property
    def splits(self) -> SplitTable:
        """Which frames belong to which subset and role.

        Raises
        ------
        DataError
            If the file is missing or its checksum is not the card's.
        """
        return SplitTable.read(self._verified("splits"))

    def split(self, name: str | SplitName) -> Frames:
        """The frames of a split, in rank order.

        Parameters
        ----------
        name
            ``<subset>/<role>[/<size>]``, e.g. ``"folded/train/200"`` or ``"folded/test"``.

        Raises
        ------
        UsageError
            If there is no such split; the message names those there are.
        """
        return self.frames.select(self.splits.ids(name))
