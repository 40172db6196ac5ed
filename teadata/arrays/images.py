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
"""Name under which every image has its atomic numbers."""


@dataclass(frozen=True)
class Image:
    """The arrays of one image, by name: scalars and texts, per-atom arrays, tensors."""

    arrays: dict[str, Array]


class ImageFile(ArrayFile):
    """A file of images with the same atoms in the same order.

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
        """Yield the images; each must have these arrays in the shape they have in the first."""
        first = self._first
        for i, image in enumerate(self._images()):
            if not np.array_equal(image.arrays[NUMBERS], first[NUMBERS]):
                raise self.error(f"image {i} has other atoms, or another order, than image 0")
            for name in names:
                array = image.arrays.get(name)
                if array is None or array.shape != first[name].shape:
                    what = "no" if array is None else f"shape {array.shape} for"
                    raise self.error(
                        f"image {i} has {what} {name}, image 0 has shape {first[name].shape}"
                    )
            yield image.arrays

    def _collect(self) -> int:
        """Count the images, and keep the arrays that have one value per image."""
        if self._count is None:
            single = [name for name, array in self._first.items() if array.ndim == 0]
            kept: dict[str, list[Any]] = {name: [] for name in single}
            count = 0
            for image in self._checked([]):
                count += 1
                for name in single:
                    if (value := image.get(name)) is not None and value.ndim == 0:
                        kept[name].append(value[()])
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
        """Read a whole array."""
        if name == NUMBERS:
            return self._first[NUMBERS]
        if self._first[name].ndim == 0:
            count = self._collect()
            if len(self._scalars[name]) != count:
                raise self.error(f"only {len(self._scalars[name])} of {count} images have {name}")
            return np.array(self._scalars[name])
        return np.stack([image[name] for image in self._checked([name])])

    def pieces(self, names: Sequence[str], rows: int) -> Iterator[dict[str, Array]]:
        """Read arrays together, `rows` images at a time."""
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
                if not np.array_equal(
                    symbols, species
                ):  # nearly always the same as in the last image
                    species = symbols
                    numbers = np.array([ATOMIC_NUMBERS.get(str(s), 0) for s in symbols])
                arrays = {name: np.asarray(value) for name, value in image.info.items()}
                arrays |= {n: np.asarray(a) for n, a in image.arrays.items() if n != "species"}
                if np.size(arrays.get("stress", ())) == 9:
                    arrays["stress"] = arrays["stress"].reshape(3, 3)
                arrays[NUMBERS] = numbers
                cell = np.asarray(image.cell.T)
                if cell.any():
                    arrays["cell"], arrays["pbc"] = cell, np.asarray(image.pbc)
                yield Image(arrays)


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
    arrays = {str(n): np.asarray(v) for n, v in atoms.info.items() if np.asarray(v).dtype != object}
    arrays |= dict(atoms.arrays)
    if atoms.calc is not None:
        results = atoms.calc.results
        arrays |= {n: np.asarray(results[n]) for n in ("energy", "forces") if n in results}
        if "stress" in results:
            arrays["stress"] = atoms.get_stress(voigt=False)
    if atoms.cell.rank:
        arrays["cell"], arrays["pbc"] = atoms.cell.array, atoms.pbc
    return Image(arrays)
