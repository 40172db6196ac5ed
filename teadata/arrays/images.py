"""Files of atoms, image by image: extended XYZ, ASE's trajectories and databases."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from teadata.arrays.base import ArrayFile
from teadata.errors import MissingExtraError
from teadata.typing import Array

NUMBERS = "numbers"
"""Name of the atomic numbers of every image."""


@dataclass(frozen=True)
class Image:
    """The arrays of one image, by name: scalars and texts, per-atom arrays, tensors."""

    arrays: dict[str, Array]


class ImageFile(ArrayFile):
    """A file of images that hold the same atoms in the same order.

    Each array of an image is a row.  Names, shapes and types are those of the first image.  The
    number of images is known after a pass over the file, which keeps what is one value per
    image.
    """

    def _open(self) -> None:
        first = next(self._images(), None)
        if first is None:
            raise self.error("holds no frames")
        self._first = first.arrays
        self._count: int | None = None
        self._scalars: dict[str, list[Any]] = {}

    @abstractmethod
    def _images(self) -> Iterator[Image]:
        """The images, in order."""

    def _checked(self, names: Sequence[str]) -> Iterator[dict[str, Array]]:
        """The images, each with these arrays, shaped as in the first."""
        first = self._first
        for i, image in enumerate(self._images()):
            if not np.array_equal(image.arrays[NUMBERS], first[NUMBERS]):
                raise self.error(f"image {i} has other atoms, or another order, than image 0")
            for name in names:
                found = image.arrays.get(name)
                if found is None or found.shape != first[name].shape:
                    what = "no" if found is None else f"shape {found.shape} for"
                    raise self.error(
                        f"image {i} has {what} {name}, image 0 has shape {first[name].shape}"
                    )
            yield image.arrays

    def _collect(self) -> int:
        """Count the images, and keep what is one value per image, as far as all have it."""
        if self._count is None:
            single = [name for name, array in self._first.items() if array.ndim == 0]
            kept: dict[str, list[Any]] = {name: [] for name in single}
            count = 0
            for image in self._checked([]):
                count += 1
                for name in single:
                    if (found := image.get(name)) is not None and found.ndim == 0:
                        kept[name].append(found[()])
            self._count, self._scalars = count, kept
        return self._count

    @property
    def names(self) -> Sequence[str]:
        """Names of the arrays."""
        return list(self._first)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array; all images have the same atoms."""
        shape = self._first[name].shape
        return shape if name == NUMBERS else (self._collect(), *shape)

    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of an array's values."""
        return self._first[name].dtype

    def whole(self, name: str) -> Array:
        """An array, all of it."""
        if name == NUMBERS:
            return self._first[NUMBERS]
        if self._first[name].ndim == 0:
            count = self._collect()
            if len(self._scalars[name]) != count:
                raise self.error(f"only {len(self._scalars[name])} of {count} images have {name}")
            return np.array(self._scalars[name])
        return np.stack([image[name] for image in self._checked([name])])

    def pieces(self, names: Sequence[str], rows: int) -> Iterator[dict[str, Array]]:
        """These arrays, so many images at a time."""
        images = self._checked(names)
        while some := list(itertools.islice(images, rows)):
            yield {name: np.stack([image[name] for image in some]) for name in names}


class ExtxyzFile(ImageFile):
    """Extended XYZ, through the extxyz library's C reader."""

    def _images(self) -> Iterator[Image]:
        from extxyz import iread_dicts

        from teadata.elements import NUMBERS as ATOMIC_NUMBERS

        species, numbers = np.empty(0, dtype=str), np.empty(0, dtype=np.int64)
        with self._reading("extended XYZ"):
            for image in iread_dicts(self.path):
                symbols = image.arrays["species"]
                if not np.array_equal(symbols, species):  # nearly always the last image's
                    species = symbols
                    numbers = np.array([ATOMIC_NUMBERS.get(str(s), 0) for s in symbols])
                found = {name: np.asarray(value) for name, value in image.info.items()}
                found |= {n: np.asarray(a) for n, a in image.arrays.items() if n != "species"}
                if np.size(found.get("stress", ())) == 9:
                    found["stress"] = found["stress"].reshape(3, 3)
                found[NUMBERS] = numbers
                cell = np.asarray(image.cell.T)
                if cell.any():
                    found["cell"], found["pbc"] = cell, np.asarray(image.pbc)
                yield Image(found)


class AseFile(ImageFile):
    """ASE's trajectories (.traj) and databases (.db, .json): energies in eV, lengths in Å."""

    def _open(self) -> None:
        super()._open()
        self.attributes = {"energy_unit": "eV", "length_unit": "Å"}

    def _images(self) -> Iterator[Image]:
        try:
            import ase.db
            import ase.io
        except ImportError:
            raise MissingExtraError("ase", "ase", f"reading {self.path.name}") from None
        with self._reading("file of ASE"):
            if self.path.suffix == ".traj":
                for atoms in ase.io.iread(self.path):
                    yield _image(atoms)
                return
            with ase.db.connect(self.path) as database:
                for row in database.select():
                    atoms = row.toatoms()
                    atoms.info |= {**row.key_value_pairs, **row.data}
                    yield _image(atoms)


def _image(atoms: Any) -> Image:
    """The arrays of ASE atoms: results of the calculator, info, arrays, cell."""
    found = {str(n): np.asarray(v) for n, v in atoms.info.items() if np.asarray(v).dtype != object}
    found |= dict(atoms.arrays)
    if atoms.calc is not None:
        results = atoms.calc.results
        found |= {n: np.asarray(results[n]) for n in ("energy", "forces") if n in results}
        if "stress" in results:
            found["stress"] = atoms.get_stress(voigt=False)
    if atoms.cell.rank:
        found["cell"], found["pbc"] = atoms.cell.array, atoms.pbc
    return Image(found)
