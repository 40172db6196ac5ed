"""A dataset: its card, its frames, its splits."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from teadata.arrays import IN_MEMORY
from teadata.card import DataFile, DatasetCard
from teadata.errors import DataError, UsageError
from teadata.frames import Frames
from teadata.provenance import sha256_of
from teadata.splits import SplitName, SplitTable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from teadata.stored_frames import AnyFrames


@lru_cache(maxsize=64)
def _digest(path: Path, device: int, inode: int, size: int, changed: int) -> str:
    """SHA-256 of a file; computed once per process unless the file changes."""
    return sha256_of(path)


class Dataset:
    """A dataset at a version, read from files whose checksums its card states.

    A file is hashed before its first use in a process, and again if its inode, size or time
    of modification has changed.  Hashing reads the whole file, in small pieces.

    Parameters
    ----------
    card
        The dataset's card.
    root
        Folder that the card's file names are relative to.
    in_memory
        Bytes of forces of a test set that are held in memory; a larger one stays in its file.
    """

    def __init__(self, card: DatasetCard, root: Path, in_memory: int = IN_MEMORY) -> None:
        self.card = card
        self.root = root
        self.in_memory = in_memory

    def __repr__(self) -> str:
        return f"Dataset({self.card.full_id}: {self.card.title})"

    def _repr_html_(self) -> str:
        from teadata.output.display import html_fields

        card = self.card
        fields = {
            "dataset": f"{card.full_id} ({card.edition} edition)",
            "title": card.title,
            "level of theory": card.level_of_theory.method,
            "subsets": ", ".join(card.subsets),
        }
        return html_fields("Dataset", fields)

    def path(self, entry: DataFile) -> Path:
        """Path of a file that the card names."""
        return self.root / entry.name

    def require(self, frames_sha256: str, splits_sha256: str | None = None) -> None:
        """Check that this dataset is the one that some checksums are of.

        Only the card is asked: that the files are the card's is checked before their first use.

        Parameters
        ----------
        frames_sha256, splits_sha256
            Checksums of the frames, and of the splits if they matter.

        Raises
        ------
        DataError
            If the frames or the splits are other ones; the message says which.
        """
        expected = {"frames": frames_sha256, "splits": splits_sha256}
        for content, wanted in expected.items():
            present = self.card.file(content).sha256
            if wanted not in (None, present):
                raise DataError(
                    f"{self.card.full_id}: its {content} here have sha256 {present}, expected "
                    f"{wanted}; go on with the data that were used before, or start anew in "
                    "another folder"
                )

    @property
    def _remedy(self) -> str:
        if self.card.edition == "mini":
            return "reinstall tea-benchmark"
        if self.card.edition == "own":
            return (
                f"put the file back, or remove the dataset (teadata remove {self.card.full_id}) "
                "and create it again"
            )
        if self.card.edition == "plugin":
            return "install the package again that brings it"
        return f"fetch or ingest {self.card.id} again, with --replace"

    def _verified(self, content: str) -> Path:
        entry = self.card.file(content)
        path = self.path(entry)
        if not path.exists():
            raise DataError(
                f"{path}: the {content} of {self.card.full_id} are missing; {self._remedy}"
            )
        stat = path.stat()
        digest = _digest(path, stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if digest != entry.sha256:
            raise DataError(
                f"{path}: the {content} of {self.card.full_id} have sha256 {digest}, the card says "
                f"{entry.sha256}; the file was changed or damaged: {self._remedy}"
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
        return self.read()

    def read(self, ids: ArrayLike | None = None) -> Frames:
        """Read the frames with these ids, or all, without keeping them.

        Raises
        ------
        DataError
            If the file is missing or damaged, or has no frame of one of these ids.
        """
        path = self._verified("frames")
        if path.suffix in (".zarr", ".zip"):
            from teadata.formats import zarr

            frames = zarr.read(path)
            return frames if ids is None else frames.select(ids)
        from teadata.formats import hdf5

        return hdf5.read(path, ids)

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
        """The frames of a split, in rank order, without reading the others into memory.

        Parameters
        ----------
        name
            ``<subset>/<role>[/<size>]``, e.g. ``"folded/train/200"`` or ``"folded/test"``.

        Raises
        ------
        UsageError
            If there is no such split; the message names those there are.
        DataError
            If a file is missing or its checksum is not the card's.
        """
        ids = self.splits.ids(name)
        if "frames" in self.__dict__:  # all are in memory already
            return self.frames.select(ids)
        return self.read(ids)

    def test_set(self, subset: str) -> AnyFrames:
        """The test split of a subset; if it is larger than `in_memory`, it stays in its file.

        Raises
        ------
        UsageError
            If there is no such subset.
        DataError
            If a file is missing or its checksum is not the card's.
        """
        ids = self.splits.held_ids(f"{subset}/test")
        atoms = self.card.system.n_atoms or 0
        if "frames" in self.__dict__ or len(ids) * atoms * 24 <= self.in_memory:
            return self.split(f"{subset}/test")
        from teadata.stored_frames import open_frames

        return open_frames(self._verified("frames"), ids)

    def trajectory(self, index: int) -> Frames:
        """A continuous trajectory: its frames in the order of time, the card's spacing apart.

        Parameters
        ----------
        index
            Index of the trajectory in the card.

        Raises
        ------
        UsageError
            If the card has no such trajectory, or not all of it is stored; the message names
            those there are.
        DataError
            If a file is missing or its checksum is not the card's.
        """
        from teadata.formats import hdf5

        known = [run.index for run in self.card.trajectories if run.continuous]
        if index not in known:
            raise UsageError(
                f"{self.card.full_id} has no continuous trajectory {index}; it has "
                f"{', '.join(map(str, known)) or 'none'}"
            )
        path = self._verified("frames")
        return hdf5.read(path, hdf5.trajectory_ids(path, index))
