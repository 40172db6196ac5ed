"""Frames on their way from the user's files to a dataset, on disk, system by system.

Files of text cannot be read from the middle, and splits are only known once every frame was
seen.  So each frame is written once to a stock in kcal/mol and Å, from which any can be read.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from teadata import units
from teadata.audit.finding import name_ids
from teadata.create.reader import Piece, Reader
from teadata.elements import SYMBOLS, formula
from teadata.errors import DataError, IncompleteError, UsageError
from teadata.formats import hdf5
from teadata.formats.layout import CHUNK
from teadata.frames import Frames
from teadata.layouts import layout_of
from teadata.structure.duplicates import Signatures
from teadata.typing import Floats, Ints

MOST_SYSTEMS = 64
"""Systems that are kept apart; of more than these one must be chosen."""

ROWS = 1024
"""Frames that are read from the stock at a time."""

SYSTEM = tuple[bytes, tuple[bool, ...], str]
"""Atomic numbers in order, which directions are periodic, and charge and multiplicity."""


@dataclass
class Shelf:
    """Frames of one system with the same fields: a file, and what is kept of each frame.

    ``ids`` are the frames' places in all files together.
    """

    path: Path
    writer: hdf5.Writer
    ids: list[Ints] = field(default_factory=list)


@dataclass
class System:
    """The frames of one system.

    ``state`` is their charge and multiplicity, as in :mod:`teadata.create.states`.  ``files`` (N,)
    are the numbers of the files they come from, ``keys`` the values of keys that were asked for;
    all in the order in which the frames were read.  ``theories`` are the levels of theory that a
    file states of its frames, by its number.
    """

    numbers: Ints
    pbc: tuple[bool, ...]
    state: str = ""
    shelves: dict[tuple[str, ...], Shelf] = field(default_factory=dict)
    ids: list[Ints] = field(default_factory=list)
    files: list[Ints] = field(default_factory=list)
    signed: list[Signatures] = field(default_factory=list)
    energies: list[Floats] = field(default_factory=list)
    keys: dict[str, list[str]] = field(default_factory=dict)
    theories: dict[int, set[str]] = field(default_factory=dict)

    @property
    def formula(self) -> str:
        """Hill formula."""
        return formula(self.numbers)

    @property
    def order(self) -> str:
        """The atoms in order, e.g. ``C2 O H6``."""
        ends = np.flatnonzero(np.diff(self.numbers, append=-1)) + 1
        counts = np.diff(ends, prepend=0)
        return " ".join(
            f"{SYMBOLS[self.numbers[end - 1]]}{count if count > 1 else ''}"
            for end, count in zip(ends, counts, strict=True)
        )

    @property
    def count(self) -> int:
        """Number of frames."""
        return sum(map(len, self.ids))

    @property
    def fields(self) -> list[str]:
        """Fields that all frames have, beyond positions, energies and forces."""
        every = [set(names) for names in self.shelves]
        return sorted(set.intersection(*every) - {"positions", "energies", "forces"})

    def left_out(self) -> list[str]:
        """What is left out because only some of the frames have it, in words."""
        counts: Counter[str] = Counter()
        for fields, shelf in self.shelves.items():
            counts.update(dict.fromkeys(fields, sum(map(len, shelf.ids))))
        return [
            f"the {name} of {count} frames is left out, because the other {self.count - count} "
            "have none"
            for name, count in sorted(counts.items())
            if count < self.count
        ]

    def all_ids(self) -> Ints:
        """Places (N,) of the frames in all files together."""
        return np.concatenate(self.ids)

    def signatures(self) -> Signatures:
        """What the frames are compared by."""
        return Signatures.joined(self.signed)

    def read(self, ids: Ints) -> Frames:
        """The frames with these ids, in this order, with the fields that all have."""
        parts, order = [], []
        for shelf in self.shelves.values():
            there = np.flatnonzero(np.isin(ids, np.concatenate(shelf.ids)))
            if len(there):
                parts.append(self._common(hdf5.read(shelf.path, ids[there])))
                order.append(there)
        frames = parts[0] if len(parts) == 1 else Frames.concatenate(parts)
        return frames[np.argsort(np.concatenate(order), kind="stable")]

    def _common(self, frames: Frames) -> Frames:
        optional = {name: getattr(frames, name) for name in self.fields}
        return Frames(
            numbers=frames.numbers,
            positions=frames.positions,
            energies=frames.energies,
            forces=frames.forces,
            pbc=frames.pbc,
            ids=frames.ids,
            **optional,
        )

    def pieces(self, ids: Ints) -> Iterator[Frames]:
        """The frames with these ids, some at a time."""
        for start in range(0, len(ids), ROWS):
            yield self.read(ids[start : start + ROWS])


def _is_stale(reader: Reader, stated: str, said: str | None) -> bool:
    """Whether the unit that a file states was stated of other labels, and is to be said.

    ASE's own units are taken where the user says nothing, as ASE's calculators give them.
    """
    if said is None and stated in (units.ASE.energy, units.ASE.length, units.ASE.force):
        return False
    names = reader.told.names
    kept = reader.opened.labels_kept(names.get("energies", ""), names.get("forces", ""))
    return kept is False


@dataclass(frozen=True)
class Taken:
    """What was taken from a file: number of frames, and its units; ``label`` is how it is shown.

    ``assumed`` is whether the length is in Å because nothing else was said.  The units are None
    where no frame was taken.
    """

    path: Path
    label: str
    frames: int
    units: units.UnitSystem | None
    assumed: bool
    reader: Reader


class Stock:
    """The frames of several files.

    Parameters
    ----------
    folder
        A folder to keep them in.
    energy_unit, length_unit, force_unit
        Units of files that state none; forces are in that of energy over that of length where
        nothing says another.
    system
        Formula of the only system that is kept, or None.
    """

    def __init__(
        self,
        folder: Path,
        energy_unit: str | None = None,
        length_unit: str | None = None,
        force_unit: str | None = None,
        system: str | None = None,
    ) -> None:
        self.folder = folder
        self.said = {
            "energy_unit": energy_unit,
            "length_unit": length_unit,
            "force_unit": force_unit,
        }
        self.only = system
        self.systems: dict[SYSTEM, System] = {}
        self.counts: dict[SYSTEM, int] = {}
        self.frames = 0
        self.taken: list[Taken] = []
        self.needed: set[str] = set()

    def add(self, reader: Reader, label: str) -> None:
        """Read a file, which is shown under a label.

        Raises
        ------
        IncompleteError
            If its unit of energy is not known, or a label is missing or ambiguous.
        DataError
            If it is damaged, or holds NaN or infinity.
        """
        count = 0
        resolved: units.UnitSystem | None = None
        for piece in reader.pieces():
            count += len(piece.places)
            key = (piece.numbers.tobytes(), piece.pbc, piece.state)
            self.counts[key] = self.counts.get(key, 0) + len(piece.places)
            if not piece.arrays:  # of a system that is not taken, and nothing was read of it
                continue
            resolved = resolved or self._units(reader)  # they are the same throughout
            if self._wanted(piece, key):
                self._store(reader, piece, key, resolved)
        if not count:
            raise reader.opened.error("holds no frames")
        assumed = resolved is not None and self._assumes_length(reader)
        self.taken.append(Taken(reader.path, label, count, resolved, assumed, reader))
        self.frames += count

    def finish(self) -> None:
        """Write what is not written yet.

        Raises
        ------
        UsageError
            If the user gave a unit, and every file states another.
        """
        for kind, said in self.said.items():
            if said is None or kind in self.needed:
                continue
            for item in self.taken:
                if (stated := item.reader.told.units.get(kind)) is not None:
                    raise UsageError(
                        f"{item.path}: states {stated}, and {_option(kind)} says {said}; leave "
                        f"{_option(kind)} out, or correct the file"
                    )
        for system in self.systems.values():
            for shelf in system.shelves.values():
                shelf.writer.close()

    def _wanted(self, piece: Piece, key: SYSTEM) -> bool:
        if self.only is not None and formula(piece.numbers) != self.only:
            return False
        return key in self.systems or len(self.systems) < MOST_SYSTEMS

    def _units(self, reader: Reader) -> units.UnitSystem:
        """Units of a file: its own, else the user's, else the format's."""
        energy = self._unit(reader, "energy_unit", units.energy_unit)
        length = self._unit(reader, "length_unit", units.length_unit)
        force = self._unit(reader, "force_unit", units.force_unit)
        if energy is None:
            likely, why = units.ASE.energy, "Programs that use ASE write eV"
            if (layout := layout_of(reader.opened.names)) is not None:
                likely = layout.energy_unit
                why = f"Its arrays are named as those of {layout.origin}, which are in {likely}"
            raise IncompleteError(
                f"{reader.path}: does not say in which unit its energies are, and nothing is "
                "guessed; say it with --energy-unit, one of "
                f"{', '.join(units.ENERGY_UNITS)}. Forces are in this unit per unit of length, "
                f"unless --force-unit says another. {why}",
                ["--energy-unit", likely],
            )
        return units.UnitSystem(energy, length or units.INSIDE.length, force or "")

    def _unit(self, reader: Reader, kind: str, canonical: Callable[[str], str]) -> str | None:
        """One unit of a file; None if nothing says it."""
        stated, said = reader.told.units.get(kind), self.said[kind]
        try:
            stated = None if stated is None else canonical(stated)
        except UsageError as error:
            raise reader.opened.error(f"its {kind}: {error}") from None
        stale = stated is not None and _is_stale(reader, stated, said)
        if stale:
            stated = None
        if said is not None and stated in (None, canonical(said)):
            self.needed.add(kind)
        unit = stated or said or (None if stale else reader.opened.conventions.get(kind))
        if unit is None and stale:
            option, ase = _option(kind), getattr(units.ASE, kind.removesuffix("_unit"))
            raise IncompleteError(
                f"{reader.path}: states the unit {reader.told.units[kind]} since teadata "
                "exported it, and its energies and forces were written anew since then, by "
                f"ASE in eV and eV/Å; say with {option} what they are in",
                [option, ase],
            )
        return unit

    def _assumes_length(self, reader: Reader) -> bool:
        """Whether lengths are taken for Å because neither the file nor the user says more."""
        said = reader.told.units.get("length_unit") or self.said["length_unit"]
        return said is None and not reader.opened.conventions

    def _store(self, reader: Reader, piece: Piece, key: SYSTEM, resolved: units.UnitSystem) -> None:
        ids = self.frames + piece.places
        frames = _converted(reader, piece, ids, resolved)
        system = self.systems.setdefault(key, System(piece.numbers, piece.pbc, piece.state))
        shelf = self._shelf(system, tuple(sorted(piece.arrays)))
        self._check_room(frames)
        shelf.writer.append(frames)
        shelf.ids.append(ids)
        system.ids.append(ids)
        system.files.append(np.full(len(ids), len(self.taken)))
        system.theories.setdefault(len(self.taken), set()).update(piece.theories)
        system.signed.append(Signatures.of(frames))
        system.energies.append(frames.energies)
        for name, values in piece.keys.items():
            system.keys.setdefault(name, []).extend(values)

    def _shelf(self, system: System, fields: tuple[str, ...]) -> Shelf:
        if fields not in system.shelves:
            number = sum(len(other.shelves) for other in self.systems.values())
            path = self.folder / f"{number:04d}.h5"
            writer = hdf5.Writer(path, name="stock", theory="unknown")
            system.shelves[fields] = Shelf(path, writer)
        return system.shelves[fields]

    def _check_room(self, frames: Frames) -> None:
        """Refuse to write if the disk is nearly full: HDF5 crashes Python on a full disk."""
        needed = 96 * frames.n_atoms * max(len(frames), CHUNK)
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise DataError(
                f"{self.folder.parent}: {free} bytes are free, and the dataset needs more; make "
                "room, or set TEADATA_HOME to a folder on a larger disk"
            )


def _option(kind: str) -> str:
    """The option that says a unit."""
    return f"--{kind.replace('_', '-')}"


def _converted(reader: Reader, piece: Piece, ids: Ints, stated: units.UnitSystem) -> Frames:
    """A piece in kcal/mol and Å."""
    arrays = {
        name: np.multiply(array, stated.factors.get(name, 1.0), dtype=np.float64)
        for name, array in piece.arrays.items()
    }
    bad = {
        name: ~np.isfinite(array.reshape(len(ids), -1)).all(axis=1)
        for name, array in arrays.items()
    }
    if found := [name for name, rows in bad.items() if rows.any()]:
        frames = name_ids(piece.places[np.any([bad[name] for name in found], axis=0)])
        raise reader.opened.error(
            f"{frames}: NaN or infinity in {' and '.join(found)}; remove such frames from the file "
            "(they are numbered from 0), or compute them again"
        )
    return Frames(numbers=piece.numbers, pbc=piece.pbc, ids=ids, **arrays)
