"""A file of extended XYZ, read in parts: many frames at once where they are regular."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial

from teadata.arrays.extxyz import bulk
from teadata.arrays.extxyz.ahead import in_order
from teadata.arrays.extxyz.careful import CarefulReader
from teadata.arrays.extxyz.parts import Cutter, Part
from teadata.arrays.extxyz.template import Templates
from teadata.arrays.extxyz.text_file import open_text
from teadata.arrays.images import Block, Image, ImageFile, in_blocks


class ExtxyzFile(ImageFile):
    """Extended XYZ, plain or compressed by gzip.

    Raises
    ------
    DataError
        If a frame does not have the lines it says, or a line is not what the frame's columns
        are: the message names image, line and column.
    """

    def _open(self) -> None:
        # whether each frame is as this package wrote it; None for frames that it did not write
        self._written: set[bool | None] = set()
        self._passed = False
        self._templates = Templates()
        super()._open()

    def labels_kept(self, energy: str, forces: str) -> bool | None:
        """Tell whether energies and forces are still those that the file's units were stated for.

        A program that writes a frame anew puts other words behind its checksum.
        """
        if not self._passed and self._written == {True}:
            self._collect()  # look at the other frames, too
        if self._written == {None}:
            return None
        ours = {(f"{prefix}energy", f"{prefix}forces") for prefix in ("", "REF_")}
        return self._written == {True} and (energy, forces) in ours

    def _images(self) -> Iterator[Image]:
        for block in self._blocks():
            yield from block.images()

    def _blocks(self) -> Iterator[Block]:
        return self._read(atoms=True)

    def _headers(self) -> Iterator[Block]:
        """The images without what their atoms have."""
        return self._read(atoms=False)

    def _read(self, *, atoms: bool) -> Iterator[Block]:
        with self._reading("extended XYZ file"), open_text(self.path, self.label) as file:
            work, parts = partial(self._part, atoms=atoms), Cutter(file, self.error).parts()
            with closing(in_order(work, parts)) as results:
                for blocks, written in results:
                    self._written |= written
                    yield from blocks
            self._passed = True

    def _part(self, part: Part, atoms: bool) -> tuple[list[Block], set[bool | None]]:
        """The images of a part, and whether this package wrote them."""
        try:
            return bulk.blocks(part, self._templates, atoms=atoms)
        except bulk.IrregularError:
            reader = CarefulReader(self.error)
            images = reader.images(part) if atoms else reader.headers(part)
            return list(in_blocks(images)), reader.written
