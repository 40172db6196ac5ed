"""Files of trajectories in the making: their layout, the writer, and what is cut off at the end.

H5MD (de Buyl et al., Comput. Phys. Commun. 185, 1546, 2014).  A file has all its frames from the
start, empty ones not a number, and its structure is not touched while they are filled in: a process
that is killed leaves a file that can be read.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from teadata.errors import DataError
from teadata.files import atomic_write
from teadata.provenance import DISTRIBUTION, package_version
from teadata.typing import Ints

if TYPE_CHECKING:
    from ase import Atoms

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
    after
        Frames that it has already, of a simulation that goes on.
    remove
        What is to be removed to begin the simulation anew; by default the file's folder.

    Raises
    ------
    DataError
        If it cannot be opened, is none, or does not have these frames.
    """

    def __init__(self, path: Path, after: int = 0, remove: Path | None = None) -> None:
        import h5py

        self._path, self._remove = path, remove or path.parent
        try:
            # to be read meanwhile; r+ would make a file of none
            if not path.stat().st_size:
                raise self._unfit("is empty")
            self._file = h5py.File(path, "r+", locking=False)
        except OSError as error:
            raise self._unfit(f"cannot be opened for writing ({error})") from None
        try:
            self._data = {
                name: self._file[f"{place}/value"]
                for name, (place, _, _) in FIELDS.items()
                if place in self._file
            }
            there = self._data["energies"][:after]
        except (OSError, KeyError, RuntimeError) as error:
            self.close()
            raise self._unfit(f"is no trajectory, or damaged ({error})") from None
        if len(there) < after or not np.isfinite(there).all():
            self.close()
            raise self._unfit(f"has not the {after} frames that were written before the checkpoint")

    def _unfit(self, why: str) -> DataError:
        return DataError(
            f"{self._path}: {why}, so the simulation cannot go on; to begin it anew: "
            f"rm -r {shlex.quote(str(self._remove))}"
        )

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
        """Write frames from number `start` on, and flush the file.

        Raises
        ------
        DataError
            If the file has no room for them, or they cannot be written, as on a full disk.
        """
        try:
            for name, values in frames.items():
                array, data = np.asarray(values), self._data.get(name)
                if data is None or data[start : start + len(array)].shape != array.shape:
                    raise self._unfit(f"has no room for frame {start + len(array) - 1} of {name}")
                data[start : start + len(array)] = array
            self._file.flush()
        except OSError as error:
            raise DataError(
                f"{self._path}: cannot be written ({error}); what was simulated until the last "
                "checkpoint is kept: the same command goes on"
            ) from None

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


def opened(path: Path) -> Any:
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
        opened(path) as old,
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
