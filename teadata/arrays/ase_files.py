"""ASE's trajectories and databases, which hold eV and Å unless they say otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

import numpy as np

from teadata import units
from teadata.arrays.images import Image, ImageFile
from teadata.arrays.stress import from_voigt
from teadata.errors import MissingExtraError, UsageError

UNITS = {"energy_unit": "eV", "length_unit": "Å"}
"""ASE's convention."""

RESULTS = ("energy", "free_energy", "forces")
"""Results of a calculator that are read as they are."""


class AseFile(ImageFile):
    """ASE's trajectories (.traj) and databases (.db).

    Units come first from the file: from ``info`` or the key-value pairs, or from a database's
    metadata as SchNetPack writes them.  Where it states none they are ASE's, eV and Å.
    """

    def _open(self) -> None:
        self.conventions = UNITS
        super()._open()
        self.attributes = {name: said for name, (said, _) in self._said_in.items()}

    def _images(self) -> Iterator[Image]:
        try:
            import ase.db
            import ase.io
        except ImportError:
            raise MissingExtraError("ase", "ase", f"reading {self.path.name}") from None
        with self._reading("file of ASE"):
            if self.path.suffix.lower() == ".traj":
                for i, atoms in enumerate(ase.io.iread(self.path, format="traj")):
                    yield self._image(atoms, f"image {i}")
                return
            with self._database() as database:
                self._stated_in(database.metadata)
                for i, row in enumerate(database.select()):
                    atoms = row.toatoms()
                    atoms.info |= {**row.key_value_pairs, **row.data}
                    yield self._image(atoms, f"image {i}")

    @contextmanager
    def _database(self) -> Iterator[Any]:
        """The database, opened so that nothing can be written to it."""
        import sqlite3

        from ase.db.sqlite import SQLite3Database

        address = f"file:{quote(str(self.path.absolute()))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if "systems" not in there:
                raise self.error(
                    "is an SQLite database, but none of ASE's: it has no table of systems; found "
                    f"{', '.join(sorted(map(str, there))[:5]) or 'no table'}"
                )
            database = SQLite3Database(str(self.path))
            database.connection, database.change_count = connection, 0
            yield database

    def _stated_in(self, metadata: Mapping[str, Any]) -> None:
        """Keep the units that a database's metadata state, as SchNetPack writes them."""
        properties = metadata.get("_property_unit_dict")
        if not isinstance(properties, Mapping):
            return
        where = "the database's metadata"
        energy, force = str(properties.get("energy", "")), str(properties.get("forces", ""))
        length = str(metadata.get("_distance_unit", ""))
        if energy:
            self._say("energy_unit", energy, where)
        if "/" in force:
            of, _, per = force.rpartition("/")
            if not (_same_unit(of, energy or of) and _same_unit(per, length or per)):
                self._say("force_unit", force, where)
            self._say("length_unit", length or per, where)
        elif length:
            self._say("length_unit", length, where)

    def _image(self, atoms: Any, where: str) -> Image:
        """The arrays of ASE atoms: info, arrays, results of the calculator, cell."""
        named = {str(name): _plain(value) for name, value in atoms.info.items()}
        found = {name: array for name, array in named.items() if array is not None}
        results = {} if atoms.calc is None else atoms.calc.results
        calculated = {n: results[n] for n in RESULTS if results.get(n) is not None}
        if results.get("stress") is not None:
            calculated["stress"] = _tensor(np.asarray(results["stress"]))
            if "stress" in found:  # which may be in Voigt's order in one, and whole in the other
                found["stress"] = _tensor(np.asarray(found["stress"]))
        for name, value in (*atoms.arrays.items(), *calculated.items()):
            if not np.array_equal(found.get(name, value), value, equal_nan=name in calculated):
                raise self.error(
                    f"{where} has {name} twice, in its info or arrays and in the calculator's "
                    "results, with different values; keep the right one"
                )
            found[name] = np.asarray(value)
        if atoms.cell.rank:
            found["cell"], found["pbc"] = atoms.cell.array, atoms.pbc
        return Image(found, where)

    def _explained(self, error: Exception, kind: str) -> str:
        said = str(error)
        if "database is locked" in said:
            return "is locked by another program that writes it; close it there, and try again"
        if "not a database" in said:
            return "is no SQLite database; files of ASE that end on .db are"
        if "Please convert" in said or "new ase.db format" in said:
            return f"is of another version of ASE's databases: {said}"
        return super()._explained(error, kind)


def _same_unit(one: str, other: str) -> bool:
    """Whether two spellings mean the same unit of energy, or of length."""
    for unit in (units.energy_unit, units.length_unit):
        try:
            return unit(one) == unit(other)
        except UsageError:
            continue
    return one == other


def _plain(value: Any) -> Any:
    """A value as an array of numbers or texts; None if it is something else."""
    try:
        array = np.asarray(value)
    except ValueError:  # a list of lists of different lengths
        return None
    return None if array.dtype == object else array


def _tensor(stress: Any) -> Any:
    """A stress of six values, in Voigt's order xx, yy, zz, yz, xz, xy, or of nine, as a tensor."""
    if stress.size == 9:
        return stress.reshape(3, 3)
    if stress.shape != (6,):
        return stress
    return from_voigt(stress)
