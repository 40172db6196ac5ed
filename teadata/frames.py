"""Frames: the geometries of one system with their energies and forces, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teadata import units
from teadata.atoms import INFO, arrays_of
from teadata.elements import MASSES, SYMBOLS, formula
from teadata.errors import DataError, MissingExtraError, UsageError
from teadata.given import atomic_numbers, converted
from teadata.lookup import as_array, find_rows, picked, rows_of
from teadata.typing import Floats, Ints

if TYPE_CHECKING:
    from ase import Atoms

PER_SYSTEM = ("numbers", "pbc")
"""Fields that all frames share."""

OPTIONAL = ("cell", "stress", "trajectories", "temperatures")
"""Fields that may be None."""


def cell_volumes(cell: Floats) -> Floats:
    """Volumes (N,) in Å³ of cells (N, 3, 3) in Å, of either handedness."""
    volumes: Floats = np.abs(np.linalg.det(cell))
    return volumes


@dataclass(frozen=True, eq=False, init=False)
class Frames:
    """N frames of one system of A atoms.

    The arrays are read-only float64 and int64.  A slice shares memory with what it was cut from,
    and frames share it with arrays of these types that they are made of: give a copy of an array
    that you go on changing.

    Parameters
    ----------
    numbers
        (A,) atomic numbers, or symbols.
    positions
        (N, A, 3) in Å.
    energies
        (N,) total energies in kcal/mol.
    forces
        (N, A, 3) in kcal/mol/Å.
    cell
        (N, 3, 3) cell vectors as rows, in Å; None without a cell.
    pbc
        (3,) whether each cell vector is periodic.
    stress
        (N, 3, 3) in kcal/mol/Å³, ∂E/∂ε per volume: negative under compression, as in ASE;
        None where the data have none.
    ids
        (N,) frame ids, which identify a frame within its dataset; 0 … N−1 by default.
    trajectories
        (N,) which independent simulation each frame was taken from (frames of one are
        correlated); None where that is not known.
    temperatures
        (N,) temperature of the nuclei that each frame was sampled at, in K; None where it is
        the same for all of a dataset, whose card has it, or not known.

    Raises
    ------
    DataError
        If a shape does not fit the others, the message lists every array that does not; or if
        one holds no numbers, or no whole ones where ids or atoms are expected.
    """

    numbers: Ints
    positions: Floats
    energies: Floats
    forces: Floats
    cell: Floats | None
    pbc: NDArray[np.bool_]
    stress: Floats | None
    ids: Ints
    trajectories: Ints | None
    temperatures: Floats | None

    def __init__(
        self,
        numbers: ArrayLike,
        positions: ArrayLike,
        energies: ArrayLike,
        forces: ArrayLike,
        cell: ArrayLike | None = None,
        pbc: ArrayLike = (False, False, False),
        stress: ArrayLike | None = None,
        ids: ArrayLike | None = None,
        trajectories: ArrayLike | None = None,
        temperatures: ArrayLike | None = None,
    ) -> None:
        numbers = atomic_numbers(numbers)
        energies = converted("energies", energies, np.float64)
        count, atoms = energies.size, numbers.size
        given: dict[str, tuple[ArrayLike | None, type, tuple[int, ...]]] = {
            "numbers": (numbers, np.int64, (atoms,)),
            "positions": (positions, np.float64, (count, atoms, 3)),
            "energies": (energies, np.float64, (count,)),
            "forces": (forces, np.float64, (count, atoms, 3)),
            "cell": (cell, np.float64, (count, 3, 3)),
            "pbc": (pbc, np.bool_, (3,)),
            "stress": (stress, np.float64, (count, 3, 3)),
            "ids": (np.arange(count) if ids is None else ids, np.int64, (count,)),
            "trajectories": (trajectories, np.int64, (count,)),
            "temperatures": (temperatures, np.float64, (count,)),
        }
        wrong = []
        for name, (value, dtype, shape) in given.items():
            array: NDArray[Any] | None = None
            if value is not None:
                array = converted(name, value, dtype).view()
                array.flags.writeable = False
                if array.shape != shape:
                    wrong.append(f"{name} has shape {array.shape}, expected {shape}")
            object.__setattr__(self, name, array)
        if wrong:
            raise DataError(
                f"these arrays do not make {count} frames of {atoms} atoms: " + "; ".join(wrong)
            )

    def __len__(self) -> int:
        return len(self.energies)

    def __getitem__(self, index: int | slice | ArrayLike) -> Frames:
        """Frames by slice, integer array or mask; one integer gives one frame."""
        rows: Any = index
        if isinstance(index, int | np.integer):
            if not -len(self) <= index < len(self):
                raise IndexError(f"frame {index} of {len(self)}")
            rows = slice(int(index), int(index) + 1 or None)
        elif not isinstance(index, slice):
            rows = picked(index, len(self))
        some = {
            f.name: getattr(self, f.name)
            if f.name in PER_SYSTEM or getattr(self, f.name) is None
            else getattr(self, f.name)[rows]
            for f in fields(self)
        }
        return Frames(**some)

    def __repr__(self) -> str:
        return f"Frames({len(self)} frames of {self.formula}, {self.n_atoms} atoms)"

    def _repr_html_(self) -> str:
        from teadata.output.display import html_fields

        span = f"{self.energies.min():.2f} to {self.energies.max():.2f}" if len(self) else None
        fields = {
            "frames": len(self),
            "system": f"{self.formula}, {self.n_atoms} atoms",
            "periodic": "yes" if self.periodic else "no",
            "energies, kcal/mol": span,
            "optional arrays": ", ".join(n for n in OPTIONAL if getattr(self, n) is not None),
        }
        return html_fields("Frames", fields)

    def find(self, ids: Ints) -> Ints:
        """Row of each id, (n,); −1 where there is no such frame."""
        return as_array(find_rows(self.ids, ids))

    def select(self, ids: ArrayLike) -> Frames:
        """The frames with these ids, in the order of `ids`.

        Raises
        ------
        DataError
            If an id is not among these frames' ids.
        """
        wanted = np.asarray(ids)
        if wanted.size and wanted.dtype.kind not in "iu":
            raise UsageError(f"expected ids of frames, found {ids!r:.60}")
        return self[as_array(rows_of(self.ids, np.atleast_1d(wanted.astype(np.int64))))]

    @property
    def n_atoms(self) -> int:
        """Number of atoms, A."""
        return len(self.numbers)

    @property
    def symbols(self) -> list[str]:
        """Chemical symbol of each atom."""
        return [SYMBOLS[z] for z in self.numbers]

    @property
    def formula(self) -> str:
        """Chemical formula in Hill order."""
        return formula(self.numbers)

    @property
    def periodic(self) -> bool:
        """Whether any cell vector is periodic."""
        return bool(self.pbc.any())

    @property
    def volumes(self) -> Floats:
        """Volume of each frame's cell (N,), in Å³; zero where cell vectors are missing.

        Raises
        ------
        DataError
            If the frames have no cell.
        """
        if self.cell is None:
            raise DataError(f"{self!r} have no cell, and so no volume or density")
        return cell_volumes(self.cell)

    @property
    def densities(self) -> Floats:
        """Mass density of each frame (N,), in g/cm³, by standard atomic weights.

        Raises
        ------
        DataError
            If the frames have no cell.
        """
        mass = sum(MASSES[z] for z in self.numbers)
        density: Floats = units.GRAMS_PER_CM3 * mass / self.volumes
        return density

    @classmethod
    def concatenate(cls, parts: Sequence[Frames]) -> Frames:
        """Join several Frames into one, in order.

        Raises
        ------
        DataError
            If there are none, or they differ in atoms, in periodicity, or in which of
            the optional arrays they have.
        """
        if not parts:
            raise DataError("cannot concatenate an empty list of frames")
        first = parts[0]
        for i, part in enumerate(parts):
            if not np.array_equal(part.numbers, first.numbers):
                raise DataError(
                    f"cannot concatenate frames of different systems: part 0 is "
                    f"{first.formula}, part {i} is {part.formula} or has another atom order"
                )
            if not np.array_equal(part.pbc, first.pbc):
                raise DataError(f"parts 0 and {i} differ in pbc: {first.pbc} and {part.pbc}")
            for name in OPTIONAL:
                if (getattr(part, name) is None) != (getattr(first, name) is None):
                    raise DataError(f"only one of parts 0 and {i} has {name!r}")
        joined: dict[str, Any] = {
            f.name: None
            if getattr(first, f.name) is None
            else np.concatenate([getattr(part, f.name) for part in parts])
            for f in fields(cls)
            if f.name not in PER_SYSTEM
        }
        return cls(numbers=first.numbers, pbc=first.pbc, **joined)

    def to_ase(self) -> list[Atoms]:
        """Convert to ASE atoms, with energies, forces and stress on a single-point calculator.

        In ASE's units (eV, eV/Å, eV/Å³); ``info`` carries ``frame_id``, and ``trajectory`` and
        ``temperature`` where frames have them.

        Raises
        ------
        MissingExtraError
            If ASE is not installed.
        """
        try:
            from ase import Atoms
            from ase.calculators.singlepoint import SinglePointCalculator
        except ImportError:
            raise MissingExtraError("ase", "ase", "conversion to ASE atoms") from None
        images = []
        carried: dict[str, Any] = {"frame_id": self.ids.tolist()}
        for name, field in INFO.items():
            if (values := getattr(self, field)) is not None:
                carried[name] = values.tolist()
        for i in range(len(self)):
            atoms = Atoms(
                numbers=self.numbers,
                positions=self.positions[i],
                cell=None if self.cell is None else self.cell[i],
                pbc=self.pbc,
                info={name: values[i] for name, values in carried.items()},
            )
            results = {"energy": self.energies[i] / units.EV, "forces": self.forces[i] / units.EV}
            if self.stress is not None:
                results["stress"] = self.stress[i] / units.EV
            atoms.calc = SinglePointCalculator(atoms, **results)
            images.append(atoms)
        return images

    @classmethod
    def from_ase(cls, images: Iterable[Atoms] | Atoms) -> Frames:
        """Make frames from ASE atoms whose calculators hold energies and forces in eV, eV/Å.

        Where all images have ``frame_id``, ``trajectory`` or ``temperature`` in ``info``, as
        :meth:`to_ase` writes them, they are taken.

        Parameters
        ----------
        images
            A list of atoms, or one.

        Raises
        ------
        DataError
            If there are no images, they differ in atoms or pbc, or in whether they have stress,
            or the results of one are missing, or of other positions than it has.
        """
        return cls(**arrays_of(images))
