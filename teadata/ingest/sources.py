"""Files of labelled frames, read a piece at a time: npz, extended XYZ, HDF5.

What is looked at on opening is small: names, shapes, types, units, energies.  Positions and
forces stay in the file until they are asked for, and never are all in memory.
"""

from __future__ import annotations

import itertools
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from teadata.elements import NUMBERS, formula
from teadata.errors import DataError
from teadata.formats import npz
from teadata.frames import Ints
from teadata.ingest.archives import FRAMES, Found, guard

Array = NDArray[Any]

ALIASES = {
    "positions": ("R", "positions", "pos", "coordinates", "coords"),
    "energies": ("E", "energies", "energy", "REF_energy"),
    "forces": ("F", "forces", "force", "REF_forces"),
    "numbers": ("z", "numbers", "atomic_numbers", "species", "nuclear_charges"),
    "cell": ("cell", "cells"),
    "lattice": ("lattice",),
    "pbc": ("pbc",),
    "stress": ("stress", "stresses"),
    "temperatures": ("temperatures", "temperature"),
    "energy_unit": ("e_unit", "energy_unit"),
    "length_unit": ("r_unit", "length_unit"),
}
"""Names of each field: sGDML's, ours, and others that are common."""

PER_FRAME = ("positions", "energies", "forces", "cell", "stress", "temperatures")

PIECE = 16 << 20
"""Bytes of positions that are read at a time."""


@dataclass(frozen=True)
class Header:
    """What a file says of all its frames.

    ``numbers`` (A,); ``energies`` (N,), in the file's unit; ``single`` if they are float32;
    ``pbc`` (3,) or None where there is no cell; ``optional`` names the fields beyond positions,
    energies and forces; units None where not declared.
    """

    numbers: Ints
    energies: NDArray[np.float64]
    single: bool
    pbc: tuple[bool, ...] | None
    optional: frozenset[str]
    energy_unit: str | None
    length_unit: str | None

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self.energies)

    @property
    def formula(self) -> str:
        """Hill formula."""
        return formula(self.numbers)


class Source(ABC):
    """A file of labelled frames.

    Raises
    ------
    DataError
        On opening, or while it is read: if it is damaged or is not frames of one system.
    """

    def __init__(self, found: Found) -> None:
        self.label = found.label
        self.path = found.path
        self.given = found.given
        self.header = self._open()

    @abstractmethod
    def _open(self) -> Header: ...

    @abstractmethod
    def pieces(self) -> Iterator[dict[str, Array]]:
        """The fields of :data:`PER_FRAME` that there are, in the file's units, in pieces."""

    def _rows(self) -> int:
        """Frames of a piece."""
        return max(1, PIECE // (24 * len(self.header.numbers)))

    def _fail(self, message: str) -> DataError:
        return DataError(f"{self.label}: {message}")

    def _field(self, names: Iterable[str], field: str, required: bool = True) -> str | None:
        """The name that a field goes by in the file."""
        there = [alias for alias in ALIASES[field] if alias in names]
        if len(there) > 1:
            raise self._fail(f"holds {field} twice, as {' and '.join(there)}; keep one")
        if there:
            return there[0]
        if required:
            raise self._fail(
                f"expected {field} under one of {', '.join(ALIASES[field])}; found "
                f"{', '.join(sorted(names)) or 'nothing'}"
            )
        return None

    def _names(self, there: Iterable[str]) -> dict[str, str]:
        """The name in the file of every field that is there."""
        required = ("positions", "energies", "forces", "numbers")
        there = list(there)
        found = {field: self._field(there, field, field in required) for field in ALIASES}
        return {field: name for field, name in found.items() if name is not None}

    def _header(
        self, names: Mapping[str, str], small: Mapping[str, Array], shapes: Mapping[str, Any]
    ) -> Header:
        """The header of a file of arrays, whose shapes fit each other."""
        numbers = np.asarray(small["numbers"])
        if numbers.ndim == 2:
            if not (numbers == numbers[:1]).all():
                raise self._fail("its frames have different atoms, or orders; split it by system")
            numbers = numbers[0]
        if numbers.dtype.kind in "SU":
            numbers = np.array([NUMBERS.get(str(npz.text(s)), 0) for s in numbers])
        energies = small["energies"]
        if energies.dtype.kind != "f":
            raise self._fail(f"energies are {energies.dtype}, expected floating-point numbers")
        count, atoms = energies.size, numbers.size
        expected: dict[str, tuple[int, ...]] = {
            "positions": (count, atoms, 3),
            "forces": (count, atoms, 3),
        }
        expected |= {"cell": (count, 3, 3), "stress": (count, 3, 3), "temperatures": (count,)}
        wrong = [
            f"{names[field]} has shape {tuple(shapes[field])}, expected {shape}"
            for field, shape in expected.items()
            if field in names and tuple(shapes[field]) != shape
        ]
        if wrong:
            raise self._fail(f"{count} energies of {atoms} atoms do not fit: {'; '.join(wrong)}")
        optional = {"cell" if field == "lattice" else field for field in names}
        pbc = small.get("pbc")
        if pbc is None and "cell" in optional:
            pbc = np.array([True] * 3)
        return Header(
            numbers=numbers.astype(np.int64),
            energies=energies.reshape(-1).astype(np.float64),
            single=energies.dtype.itemsize < 8,
            pbc=None if pbc is None else tuple(map(bool, np.broadcast_to(pbc, 3))),
            optional=frozenset(optional) & {"cell", "stress", "temperatures"},
            energy_unit=npz.text(small["energy_unit"]) if "energy_unit" in small else None,
            length_unit=npz.text(small["length_unit"]) if "length_unit" in small else None,
        )


class _Stream:
    """An array of an npz archive, a few rows at a time."""

    def __init__(self, stream: IO[bytes]) -> None:
        library: Any = npy  # numpy has no types for these
        read = library.read_array_header_1_0
        if library.read_magic(stream) != (1, 0):
            read = library.read_array_header_2_0
        self.shape: tuple[int, ...]
        self.shape, self.fortran, self.dtype = read(stream)
        self.stream = stream

    def rows(self, count: int) -> Array:
        """The next rows."""
        size = count * int(np.prod(self.shape[1:])) * self.dtype.itemsize
        data = self.stream.read(size)
        if len(data) < size:
            raise EOFError("an array ends before its last frame")
        return np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])


class NpzSource(Source):
    """sGDML's npz, and others with such names: arrays are never unpickled."""

    def _open(self) -> Header:
        try:
            with zipfile.ZipFile(self.path) as archive:
                guard(self.path, sum(info.file_size for info in archive.infolist()))
                there = [name.removesuffix(".npy") for name in archive.namelist()]
                self.names = self._names(there)
                shapes = {field: self._shape(archive, field) for field in self.names}
        except (zipfile.BadZipFile, EOFError, zlib.error) as error:
            raise self._fail(f"truncated, damaged or no npz ({error}); copy it again") from None
        except (OSError, ValueError) as error:
            raise self._fail(f"cannot be read ({error})") from None
        large = {"positions", "forces", "stress", "cell", "temperatures"}
        small = [field for field in self.names if field not in large]
        arrays = npz.load_arrays(self.path, [self.names[field] for field in small])
        loaded = {field: arrays[self.names[field]] for field in small}
        self.lattice = loaded.get("lattice")
        if "cell" in self.names and self.lattice is not None:
            raise self._fail("holds both a lattice and cells; keep one")
        return self._header(self.names, loaded, shapes)

    def _shape(self, archive: zipfile.ZipFile, field: str) -> tuple[int, ...]:
        with archive.open(f"{self.names[field]}.npy") as stream:
            header = _Stream(stream)
        if header.dtype.hasobject:
            raise self._fail(
                f"{self.names[field]} holds pickled Python objects, which are never loaded "
                "because they can run code; save plain arrays"
            )
        if header.fortran and len(header.shape) > 1 and field in PER_FRAME:
            raise self._fail(
                f"{self.names[field]} is in Fortran order, which cannot be read frame by frame; "
                "save numpy.ascontiguousarray of it"
            )
        return header.shape

    def pieces(self) -> Iterator[dict[str, Array]]:
        """The frames, decompressed as they are read."""
        try:
            with ExitStack() as stack:
                archive = stack.enter_context(zipfile.ZipFile(self.path))
                streams = {
                    field: _Stream(stack.enter_context(archive.open(f"{name}.npy")))
                    for field, name in self.names.items()
                    if field in PER_FRAME
                }
                for start in range(0, self.header.count, self._rows()):
                    count = min(self._rows(), self.header.count - start)
                    piece = {field: stream.rows(count) for field, stream in streams.items()}
                    if self.lattice is not None:  # sGDML keeps lattice vectors as columns
                        piece["cell"] = np.broadcast_to(self.lattice.T, (count, 3, 3))
                    yield piece
        except (zipfile.BadZipFile, EOFError, zlib.error) as error:
            raise self._fail(f"truncated or damaged ({error}); copy it again") from None


class HDF5Source(Source):
    """HDF5 with one dataset per field, at the top or in the only group."""

    def _open(self) -> Header:
        import h5py

        try:
            with h5py.File(self.path, "r") as file:
                top = list(file)
                group = file
                if len(top) == 1 and isinstance(file[top[0]], h5py.Group):
                    group = file[top[0]]
                self.group = group.name
                there = [name for name in group if isinstance(group[name], h5py.Dataset)]
                self.names = self._names(there)
                attributes = {**file.attrs, **group.attrs}
                shapes = {field: group[name].shape for field, name in self.names.items()}
                small = {
                    field: np.asarray(group[name][()])
                    for field, name in self.names.items()
                    if field not in PER_FRAME or field == "energies"
                }
        except OSError as error:
            raise self._fail(f"not a readable HDF5 file ({error})") from None
        for field in ("energy_unit", "length_unit"):
            for alias in ALIASES[field]:
                if alias in attributes:
                    small[field] = np.array([str(npz.text(np.asarray(attributes[alias])))])
        self.lattice = small.get("lattice")
        return self._header(self.names, small, shapes)

    def pieces(self) -> Iterator[dict[str, Array]]:
        """The frames, slice by slice."""
        import h5py

        try:
            with h5py.File(self.path, "r") as file:
                group = file[self.group]
                for start in range(0, self.header.count, self._rows()):
                    rows = slice(start, min(start + self._rows(), self.header.count))
                    piece = {
                        field: np.asarray(group[name][rows]).reshape(
                            -1, *group[name].shape[1:] if field != "energies" else ()
                        )
                        for field, name in self.names.items()
                        if field in PER_FRAME
                    }
                    if self.lattice is not None:
                        count = len(piece["energies"])
                        piece["cell"] = np.broadcast_to(self.lattice.T, (count, 3, 3))
                    yield piece
        except OSError as error:
            raise self._fail(f"truncated or damaged ({error}); copy it again") from None


class ExtxyzSource(Source):
    """Extended XYZ, through the extxyz library's C reader."""

    def _images(self) -> Iterator[Any]:
        from extxyz import iread_dicts
        from extxyz.cextxyz import ExtXYZError

        try:
            yield from iread_dicts(self.path)
        except (ExtXYZError, ValueError, UnicodeDecodeError) as error:
            raise self._fail(f"not readable as extended XYZ ({error})") from None

    def _open(self) -> Header:
        energies, first = [], None
        for i, image in enumerate(self._images()):
            if first is None:
                first = image
                names = {*image.info, *image.arrays}
                self.energy = str(self._field(names, "energies"))
                self.forces = str(self._field(names, "forces"))
            self._check(i, image, first)
            energies.append(float(image.info[self.energy]))
        if first is None:
            raise self._fail("holds no frames")
        symbols = [str(s) for s in first.arrays["species"]]
        unknown = sorted({s for s in symbols if s not in NUMBERS})
        if unknown:
            raise self._fail(f"unknown elements {', '.join(unknown)}")
        self.stressed = "stress" in first.info and np.size(first.info["stress"]) == 9
        celled = bool(np.asarray(first.cell).any())
        optional = {"cell"} if celled else set()
        optional |= {"stress"} if self.stressed else set()
        optional |= {"temperatures"} if "temperature" in first.info else set()
        said = {f: str(first.info[f]) for f in ("energy_unit", "length_unit") if f in first.info}
        return Header(
            numbers=np.array([NUMBERS[s] for s in symbols]),
            energies=np.array(energies),
            single=False,
            pbc=tuple(map(bool, first.pbc)) if celled else None,
            optional=frozenset(optional),
            energy_unit=said.get("energy_unit"),
            length_unit=said.get("length_unit"),
        )

    def _check(self, i: int, image: Any, first: Any) -> None:
        """Refuse an image that is not like the first."""
        missing = [key for key in (self.energy,) if key not in image.info]
        missing += [key for key in ("species", "pos", self.forces) if key not in image.arrays]
        if missing:
            raise self._fail(f"image {i} has no {', '.join(missing)}")
        if not np.array_equal(image.arrays["species"], first.arrays["species"]):
            raise self._fail(f"image {i} has other atoms, or another order, than image 0")
        for key in ("energy_unit", "length_unit", "stress", "temperature"):
            if (key in image.info) != (key in first.info):
                raise self._fail(f"only one of images 0 and {i} has {key}")
        for key in ("energy_unit", "length_unit"):
            if image.info.get(key) != first.info.get(key):
                raise self._fail(f"images 0 and {i} declare different {key}")

    def pieces(self) -> Iterator[dict[str, Array]]:
        """The frames, parsed as they are read."""
        images = self._images()
        while some := list(itertools.islice(images, self._rows())):
            piece = {
                "positions": np.stack([image.arrays["pos"] for image in some]),
                "energies": np.array([float(image.info[self.energy]) for image in some]),
                "forces": np.stack([image.arrays[self.forces] for image in some]),
            }
            if "cell" in self.header.optional:
                piece["cell"] = np.stack([image.cell.T for image in some])
            if self.stressed:
                piece["stress"] = np.stack([np.reshape(i.info["stress"], (3, 3)) for i in some])
            if "temperatures" in self.header.optional:
                piece["temperatures"] = np.array([float(i.info["temperature"]) for i in some])
            yield piece


KINDS: dict[str, type[Source]] = {
    "npz": NpzSource,
    "hdf5": HDF5Source,
    "extxyz": ExtxyzSource,
}


def open_source(found: Found) -> Source:
    """Open a file of frames by its suffix."""
    suffix = Path(found.path).suffix.lower()
    return KINDS[FRAMES[suffix]](found)
