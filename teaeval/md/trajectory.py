"""Trajectories in H5MD files (de Buyl et al., Comput. Phys. Commun. 185, 1546, 2014).

A file has all its frames from the start, empty ones not a number, and its structure is not touched
while they are filled in: a process that is killed leaves a file that can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from teadata.elements import formula
from teadata.errors import DataError
from teadata.files import atomic_write
from teadata.output.display import Shown
from teadata.provenance import DISTRIBUTION, package_version
from teadata.typing import Floats, Ints

if TYPE_CHECKING:
    from ase import Atoms

    from teadata import Frames

CHUNK_BYTES = 1 << 18
"""Size of a chunk of the file, about."""

PARTICLES = "particles/all"
FIELDS: dict[str, tuple[str, str, tuple[int, ...]]] = {
    "positions": (f"{PARTICLES}/position", "Angstrom", (0, 3)),
    "velocities": (f"{PARTICLES}/velocity", "Angstrom fs-1", (0, 3)),
    "forces": (f"{PARTICLES}/force", "kcal mol-1 Angstrom-1", (0, 3)),
    "energies": ("observables/potential_energy", "kcal mol-1", ()),
    "kinetic_energies": ("observables/kinetic_energy", "kcal mol-1", ()),
    "temperatures": ("observables/temperature", "K", ()),
    "stress": ("observables/stress", "kcal mol-1 Angstrom-3", (3, 3)),
}
"""Each array: its place in the file, its unit, its shape per frame, 0 for the atoms."""

ALWAYS = ("positions", "velocities", "energies", "kinetic_energies", "temperatures")


class Writer:
    """Writes frames of a simulation to an H5MD file.

    Parameters
    ----------
    path
        An existing file, made by :meth:`create`.
    """

    def __init__(self, path: Path) -> None:
        import h5py

        try:
            self._file = h5py.File(path, "r+", locking=False)  # to be read meanwhile
        except OSError as error:
            raise DataError(f"{path}: cannot be opened for writing ({error})") from None
        self._data = {
            name: self._file[f"{place}/value"]
            for name, (place, _, _) in FIELDS.items()
            if place in self._file
        }

    @staticmethod
    def create(
        path: Path,
        atoms: Atoms,
        steps: Ints,
        timestep: float,
        optional: tuple[str, ...] = (),
    ) -> None:
        """Make a file with room for all frames, filled with NaN.

        Parameters
        ----------
        path
            File to make.
        atoms
            The system.
        steps
            (N,) step of each frame.
        timestep
            fs.
        optional
            Which of ``forces`` and ``stress`` are stored.
        """
        import h5py

        with atomic_write(path) as partial, h5py.File(partial, "w") as file:
            _describe(file, atoms)
            first = None
            for name in (*ALWAYS, *optional):
                place, unit, shape = FIELDS[name]
                group = file.create_group(place)
                data = _empty(group, (len(steps), *(size or len(atoms) for size in shape)))
                data.attrs["unit"] = unit
                if first is None:
                    first = group
                    group["step"] = steps
                    group["time"] = steps * timestep
                    group["time"].attrs["unit"] = "fs"
                else:  # one array in the file under many names
                    group["step"], group["time"] = first["step"], first["time"]

    def write(self, start: int, frames: Mapping[str, ArrayLike]) -> None:
        """Write frames from number `start` on, and flush the file."""
        for name, values in frames.items():
            array = np.asarray(values)
            self._data[name][start : start + len(array)] = array
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Buffer:
    """Frames that are not written yet, from number `start` on."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.frames: list[dict[str, Any]] = []

    def append(self, frame: dict[str, Any]) -> None:
        """Keep a frame, its arrays by name."""
        self.frames.append(frame)

    def flush(self, writer: Writer) -> None:
        """Write all that are kept."""
        if self.frames:
            names = self.frames[0]
            writer.write(self.start, {n: np.stack([f[n] for f in self.frames]) for n in names})
            self.start += len(self.frames)
            self.frames = []


def _empty(group: Any, shape: tuple[int, ...]) -> Any:
    """A dataset of NaN whose chunks are all there, so that filling it in changes no structure."""
    import h5py

    frame = max(1, int(np.prod(shape[1:], dtype=np.int64))) * 8
    chunk = (min(shape[0], max(1, CHUNK_BYTES // frame)), *shape[1:])
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk(chunk)
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_value(np.array(np.nan))
    space = h5py.h5s.create_simple(shape)
    made = h5py.h5d.create(group.id, b"value", h5py.h5t.IEEE_F64LE, space, layout)
    return h5py.Dataset(made)


def _describe(file: Any, atoms: Atoms) -> None:
    """What H5MD says of a file and its box."""
    head = file.create_group("h5md")
    head.attrs["version"] = np.array([1, 1])
    head.create_group("author").attrs["name"] = "unknown"
    creator = head.create_group("creator")
    creator.attrs["name"], creator.attrs["version"] = DISTRIBUTION, package_version()
    particles = file.create_group(PARTICLES)
    particles["species"] = atoms.numbers.astype(np.int64)
    particles["mass"] = atoms.get_masses()
    particles["mass"].attrs["unit"] = "u"
    box = particles.create_group("box")
    box.attrs["dimension"] = 3
    box.attrs["boundary"] = [b"periodic" if axis else b"none" for axis in atoms.pbc]
    if atoms.cell.rank:
        box["edges"] = atoms.cell.array
        box["edges"].attrs["unit"] = "Angstrom"


def _opened(path: Path) -> Any:
    """Open the file for reading, also while this process has it open for writing.

    HDF5 wants a file that is opened twice locked twice or not at all.
    """
    import h5py

    try:
        return h5py.File(path)
    except OSError:
        return h5py.File(path, locking=False)


def cut(path: Path, frames: int) -> None:
    """Rewrite a file with its first frames only."""
    import h5py

    with (
        atomic_write(path) as partial,
        _opened(path) as old,
        h5py.File(partial, "w") as new,
    ):
        shared: dict[str, Any] = {}

        def copy(name: str, item: Any) -> None:
            if isinstance(item, h5py.Group):
                made = new.require_group(name)
            elif name.rpartition("/")[2] in ("step", "time", "value"):
                key = name.rpartition("/")[2]
                if key in shared:
                    new[name] = shared[key]
                    return
                made = new.create_dataset(name, data=item[:frames])
                if key != "value":
                    shared[key] = made
            else:
                made = new.create_dataset(name, data=item[()])
            for attribute, value in item.attrs.items():
                made.attrs[attribute] = value

        _visit(old, copy)


def _visit(group: Any, visitor: Any, prefix: str = "") -> None:
    """Call the visitor with every name in a file, also with several names of one array."""
    for key, item in group.items():
        name = f"{prefix}{key}"
        visitor(name, item)
        if hasattr(item, "items"):
            _visit(item, visitor, f"{name}/")


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
    DataError
        If the file cannot be read, or is not such a file.
    """

    def __init__(self, path: Path | str, frames: int | None = None) -> None:
        self.path = Path(path)
        with self._open() as file:
            try:
                self.numbers: Ints = file[f"{PARTICLES}/species"][:]
                self.masses: Floats = file[f"{PARTICLES}/mass"][:]
                box = file[f"{PARTICLES}/box"]
                self.pbc = np.array(
                    [text in (b"periodic", "periodic") for text in box.attrs["boundary"]]
                )
                self.cell: Floats | None = box["edges"][:] if "edges" in box else None
                self._steps: Ints = file[f"{PARTICLES}/position/step"][:]
                self._times: Floats = file[f"{PARTICLES}/position/time"][:]
                energies = file[f"{FIELDS['energies'][0]}/value"][:]
                self.fields = tuple(n for n, (place, _, _) in FIELDS.items() if place in file)
            except KeyError as error:
                raise DataError(
                    f"{self.path}: not a trajectory that teaeval wrote ({error.args[0]})"
                ) from None
        written = len(energies)
        if np.isnan(energies).any():
            written = int(np.isnan(energies).argmax())
        self._frames = written if frames is None else min(frames, written)

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
            file = _opened(self.path)
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read as HDF5 ({error})") from None
        with file:
            yield file

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
        """Time between two frames, fs."""
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
        """Read some frames of an array by its name, e.g. ``positions``."""
        end = len(self) if stop is None else min(stop, len(self))
        with self._open() as file:
            found: Floats = file[f"{FIELDS[name][0]}/value"][start:end]
        return found

    def chunks(self, name: str, size: int = 1000) -> Iterator[Floats]:
        """Read an array in pieces of `size` frames."""
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
            ids=self.steps[start : start + len(positions)],
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
