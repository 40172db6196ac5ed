"""Folders of DeePMD-kit: ``type.raw``, ``type_map.raw`` and ``set.*`` with one npy per array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from teadata.arrays.base import ArrayFile
from teadata.arrays.stress import from_virials
from teadata.elements import NUMBERS
from teadata.typing import Array

TYPES, TYPE_MAP, NO_PBC = "type.raw", "type_map.raw", "nopbc"
"""Names of the files that say which atoms there are, and whether they are periodic."""

UNITS = {"energy_unit": "eV", "length_unit": "Å"}
"""DeePMD-kit's convention."""

NAMES = {"coord": "positions", "energy": "energy", "force": "forces", "box": "cell"}
"""Names of the arrays here, by the names of their files."""


def is_deepmd(path: Path) -> bool:
    """Whether a path is a folder of DeePMD-kit's."""
    return path.is_dir() and (path / TYPES).is_file()


class DeepmdFile(ArrayFile):
    """A folder of DeePMD-kit: eV and Å, frames of all sets one after another.

    ``positions`` and ``forces`` (N, A, 3), ``energy`` (N,), ``cell`` (N, 3, 3), ``numbers`` (A,),
    ``pbc`` (3,); ``stress`` (N, 3, 3) with ASE's sign, which is −virial / volume.

    Raises
    ------
    DataError
        If a file is missing, damaged or of another shape, types have no chemical symbol, or the
        folder is of the mixed type, whose frames are of several systems.
    """

    folders = True

    def _open(self) -> None:
        self.conventions = UNITS
        sets = sorted(path for path in self.path.glob("set.*") if path.is_dir())
        if not sets:
            raise self.error(
                "is a folder of DeePMD-kit without set.*; make them of its raw files with dpdata"
            )
        self._numbers = self._elements()
        self._sets = [self._arrays_of(folder) for folder in sets]
        there = [set(arrays) for arrays in self._sets]
        if any(names != there[0] for names in there):
            raise self.error(
                f"its sets have different files: {sets[0].name} has {', '.join(sorted(there[0]))}; "
                "complete them, or take one set out"
            )
        self._counts = [len(arrays["coord"]) for arrays in self._sets]

    def _elements(self) -> Array:
        """Atomic numbers (A,) by types and their map."""
        with self._reading("folder of DeePMD-kit"):
            types = np.loadtxt(self.path / TYPES, dtype=np.int64, ndmin=1).reshape(-1)
        if not (self.path / TYPE_MAP).is_file():
            raise self.error(
                f"has no {TYPE_MAP}, so which elements its types are is not known; write their "
                "symbols into it, one a line"
            )
        with self._reading("folder of DeePMD-kit"):
            symbols = (self.path / TYPE_MAP).read_text(encoding="utf-8").split()
        unknown = [symbol for symbol in symbols if symbol not in NUMBERS]
        if unknown or not symbols or types.min(initial=0) < 0 or types.max() >= len(symbols):
            raise self.error(
                f"expected types 0 to {len(symbols) - 1} of the elements in {TYPE_MAP}, found "
                f"{types.min()} to {types.max()}"
                + (f" and {unknown[0]!r}, which is no element" if unknown else "")
            )
        return np.array([NUMBERS[symbol] for symbol in symbols])[types]

    def _arrays_of(self, folder: Path) -> dict[str, Array]:
        """The arrays of a set, left in their files."""
        if (folder / "real_atom_types.npy").exists():
            raise self.error(
                f"{folder.name} has real_atom_types.npy: the mixed type, whose frames are of "
                "several systems, is not read; write one folder for each system with dpdata"
            )
        atoms = len(self._numbers)
        widths = {"coord": 3 * atoms, "energy": 1, "force": 3 * atoms, "box": 9, "virial": 9}
        arrays = {}
        for name, width in widths.items():
            path = folder / f"{name}.npy"
            if not path.is_file():
                continue
            with self._reading("folder of DeePMD-kit"):
                found = np.load(path, mmap_mode="r", allow_pickle=False)
            count = found.shape[0] if found.ndim else 0
            if found.dtype.kind != "f" or found.size != count * width:
                raise self.error(
                    f"{folder.name}/{name}.npy has {found.dtype} of shape {found.shape}, expected "
                    f"numbers (N, {width}) for {atoms} atoms"
                )
            arrays[name] = found
        if "coord" not in arrays:
            raise self.error(f"{folder.name} has no coord.npy")
        lengths = {name: len(array) for name, array in arrays.items()}
        if len(set(lengths.values())) != 1:
            raise self.error(
                f"the arrays of {folder.name} have different numbers of frames: "
                f"{', '.join(f'{name} {count}' for name, count in lengths.items())}"
            )
        return arrays

    @property
    def _periodic(self) -> bool:
        return not (self.path / NO_PBC).exists()

    @property
    def names(self) -> Sequence[str]:
        """Names of the arrays."""
        known = [name for file, name in NAMES.items() if file in self._sets[0]]
        if not self._periodic and "cell" in known:
            known.remove("cell")
        if "virial" in self._sets[0] and "cell" in known:
            known.append("stress")
        return [*known, "numbers", *(["pbc"] if "cell" in known else [])]

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array."""
        atoms, count = len(self._numbers), sum(self._counts)
        shapes = {
            "numbers": (atoms,),
            "pbc": (3,),
            "energy": (count,),
            "positions": (count, atoms, 3),
            "forces": (count, atoms, 3),
        }
        return shapes.get(name, (count, 3, 3))

    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of an array's values."""
        known = {"numbers": np.dtype(np.int64), "pbc": np.dtype(np.bool_)}
        files = {here: file for file, here in NAMES.items()} | {"stress": "virial"}
        return known[name] if name in known else self._sets[0][files[name]].dtype

    def whole(self, name: str) -> Array:
        """Read a whole array."""
        if name == "numbers":
            return self._numbers
        if name == "pbc":
            return np.array([True] * 3)
        return np.concatenate([piece[name] for piece in self.pieces([name], 4096)])

    def pieces(self, names: Sequence[str], rows: int) -> Iterator[dict[str, Array]]:
        """Read arrays together, `rows` rows at a time."""
        for arrays, count in zip(self._sets, self._counts, strict=True):
            for start in range(0, count, rows):
                some = slice(start, min(start + rows, count))
                yield {name: self._rows(arrays, name, some) for name in names}

    def _rows(self, arrays: dict[str, Array], name: str, rows: slice) -> Array:
        shape = (rows.stop - rows.start, *self.shape(name)[1:])
        if name == "stress":
            cell = np.array(arrays["box"][rows], np.float64).reshape(shape)
            virial = np.array(arrays["virial"][rows], np.float64).reshape(shape)
            return from_virials(virial, cell)
        file = next(file for file, here in NAMES.items() if here == name)
        return np.array(arrays[file][rows]).reshape(shape)
