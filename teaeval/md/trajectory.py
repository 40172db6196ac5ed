"""Trajectories in H5MD files, as they are read: see :mod:`teaeval.md.h5md`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata.elements import formula
from teadata.errors import DataError, UsageError, unknown_name
from teadata.files import check_input
from teadata.output.display import Shown
from teadata.typing import Floats, Ints
from teaeval.md.h5md import FIELDS, PARTICLES, opened

if TYPE_CHECKING:
    from ase import Atoms

    from teadata import Frames


class Trajectory(Shown):
    """A trajectory in an H5MD file that :func:`teaeval.md.simulate` wrote.

    Arrays are read when they are asked for, whole; :meth:`chunks` reads them in pieces.
    Frames of a run that has not ended are NaN where it has not been yet: they are left out.

    Parameters
    ----------
    path
        The file.
    frames
        How many frames to see, the first; all that are written by default.

    Raises
    ------
    PathError
        If there is no such file.
    DataError
        If the file cannot be read, is not such a file, or has other units.
    UsageError
        If the number of frames is negative.
    """

    def __init__(self, path: Path | str, frames: int | None = None) -> None:
        self.path = Path(path)
        if frames is not None and frames < 0:
            raise UsageError(
                f"frames {frames}: expected 0 or more, the first so many; the last: [-1:]"
            )
        check_input(self.path)
        with self._open() as file:
            try:
                self._read_head(file)
                energies = file[f"{FIELDS['energies'][0]}/value"][:]
            except (KeyError, AttributeError, TypeError, ValueError, IndexError) as error:
                raise self._foreign(str(error.args[0] if error.args else error)) from None
        if not len(self._steps) == len(self._times) == len(energies):
            raise self._foreign("times and energies are not of as many frames")
        if not (np.isfinite(self._times).all() and (np.diff(self._times) > 0).all()):
            raise self._foreign("its times do not rise, so it is damaged; simulate again")
        written = len(energies)
        if np.isnan(energies).any():
            written = int(np.isnan(energies).argmax())
        self._frames = written if frames is None else min(frames, written)

    def _read_head(self, file: Any) -> None:
        """Read what is not of single frames."""
        self.numbers: Ints = file[f"{PARTICLES}/species"][:]
        self.masses: Floats = file[f"{PARTICLES}/mass"][:]
        box = file[f"{PARTICLES}/box"]
        self.pbc = np.array([text in (b"periodic", "periodic") for text in box.attrs["boundary"]])
        self.cell: Floats | None = box["edges"][:] if "edges" in box else None
        self._steps: Ints = file[f"{PARTICLES}/position/step"][:]
        self._times: Floats = file[f"{PARTICLES}/position/time"][:]
        self.fields = tuple(n for n, (place, _, _) in FIELDS.items() if place in file)
        for name in self.fields:
            place, unit, _ = FIELDS[name]
            found = file[f"{place}/value"].attrs.get("unit", unit)
            if found != unit:
                raise self._foreign(f"{place} is in {found}, expected {unit}")

    def _foreign(self, why: str) -> DataError:
        return DataError(f"{self.path}: not a trajectory that teaeval wrote ({why})")

    def _fields(self) -> dict[str, object]:
        return {
            "file": self.path,
            "frames": self._frames,
            "system": f"{formula(self.numbers)}, {len(self.numbers)} atoms",
            "ps": f"{self._times[self._frames - 1] / 1000:.4g}" if self._frames else None,
        }

    @contextmanager
    def _open(self) -> Iterator[Any]:
        try:
            with opened(self.path) as file:
                yield file
        except (OSError, KeyError, RuntimeError) as error:  # HDF5's, of what is damaged
            raise DataError(
                f"{self.path}: cannot be read as HDF5 ({error}): it is damaged, or no trajectory"
            ) from None

    def __len__(self) -> int:
        return self._frames

    @property
    def steps(self) -> Ints:
        """(N,) step of each frame."""
        return self._steps[: len(self)]

    @property
    def times(self) -> Floats:
        """(N,) time of each frame since the start, fs."""
        return self._times[: len(self)]

    @property
    def spacing(self) -> float:
        """Time between two frames, fs.

        Raises
        ------
        DataError
            If there is one frame only.
        """
        if len(self._times) < 2:
            raise DataError(f"{self.path}: one frame has no time to the next; simulate for longer")
        return float(self._times[1] - self._times[0])

    @property
    def positions(self) -> Floats:
        """(N, A, 3) in Å, never wrapped into the cell."""
        return self.read("positions")

    @property
    def velocities(self) -> Floats:
        """(N, A, 3) in Å/fs."""
        return self.read("velocities")

    @property
    def forces(self) -> Floats | None:
        """(N, A, 3) in kcal/mol/Å; None if they were not stored."""
        return self.read("forces") if "forces" in self.fields else None

    @property
    def stress(self) -> Floats | None:
        """(N, 3, 3) of the potential energy alone, kcal/mol/Å³, negative under compression.

        The pressure of the moving atoms, N k T / V, is not in it.  None if not stored.
        """
        return self.read("stress") if "stress" in self.fields else None

    @property
    def energies(self) -> Floats:
        """(N,) potential energy, kcal/mol."""
        return self.read("energies")

    @property
    def kinetic_energies(self) -> Floats:
        """(N,) kinetic energy, kcal/mol."""
        return self.read("kinetic_energies")

    @property
    def temperatures(self) -> Floats:
        """(N,) kinetic temperature in K, of the degrees of freedom that the outcome states."""
        return self.read("temperatures")

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Floats:
        """Read some frames of an array by its name, e.g. ``positions``.

        Frames are counted as in a slice of all that are to be seen: the last ten from −10 on.

        Raises
        ------
        UsageError
            If there is no such array, or it was not stored.
        """
        if name not in FIELDS:
            raise unknown_name("array", name, FIELDS)
        if name not in self.fields:
            raise UsageError(
                f"{self.path}: {name} were not stored; simulate with {name}=True in the settings, "
                f"or --{name}"
            )
        rows = slice(*slice(start, stop).indices(len(self)))
        with self._open() as file:
            found: Floats = file[f"{FIELDS[name][0]}/value"][rows]
        return found

    def chunks(self, name: str, size: int = 1000) -> Iterator[Floats]:
        """Read an array in pieces of `size` frames."""
        if size < 1:
            raise UsageError(f"pieces of {size} frames; expected one or more")
        for start in range(0, len(self), size):
            yield self.read(name, start, start + size)

    def frames(self, start: int = 0, stop: int | None = None) -> Frames:
        """Frames of positions and energies, with forces and stress where they were stored.

        Forces are zero where they were not.
        """
        from teadata import Frames

        positions = self.read("positions", start, stop)
        forces = np.zeros(positions.shape)
        if "forces" in self.fields:
            forces = self.read("forces", start, stop)
        cell = None if self.cell is None else np.tile(self.cell, (len(positions), 1, 1))
        return Frames(
            numbers=self.numbers,
            positions=positions,
            energies=self.read("energies", start, stop),
            forces=forces,
            cell=cell,
            pbc=self.pbc,
            stress=self.read("stress", start, stop) if "stress" in self.fields else None,
            ids=self.steps[start:stop],
        )

    def to_ase(self, start: int = 0, stop: int | None = None) -> list[Atoms]:
        """ASE atoms with velocities, and energies on a calculator (ASE's units)."""
        from ase import units

        images = self.frames(start, stop).to_ase()
        for atoms, velocities in zip(images, self.read("velocities", start, stop), strict=True):
            atoms.set_masses(self.masses)
            atoms.set_velocities(velocities / units.fs)
            if "forces" not in self.fields:
                del atoms.calc.results["forces"]
        return images
