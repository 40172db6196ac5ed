"""Outputs of programs for electronic structure, by ASE's readers: eV and Å."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from teadata.arrays.ase_files import AseFile
from teadata.arrays.images import Image
from teadata.errors import MissingExtraError

PROGRAMS = {
    "vasp-xml": "VASP's vasprun.xml",
    "vasp-out": "VASP's OUTCAR",
    "aims-output": "FHI-aims",
    "espresso-out": "Quantum ESPRESSO",
    "gaussian-out": "Gaussian",
    "orca-output": "ORCA",
    "nwchem-out": "NWChem",
    "castep-castep": "CASTEP",
    "gpaw-out": "GPAW",
    "gamess-us-out": "GAMESS-US",
}
"""Formats of ASE that are read, and the programs that write them."""


class OutputFile(AseFile):
    """An output that ASE recognises by its content.

    Besides ``energy``, ``free_energy`` is there where ASE gives it: of VASP the energy for no
    smearing, and the one that the forces belong to.
    """

    def _images(self) -> Iterator[Image]:
        try:
            import ase.io
            from ase.io.formats import UnknownFileTypeError, filetype
        except ImportError:
            raise MissingExtraError("ase", "ase", f"reading {self.path.name}") from None
        with self._reading("output that ASE reads"):
            try:
                found = filetype(str(self.path))
            except UnknownFileTypeError:
                found = "unknown"
            if found not in PROGRAMS:
                raise self.error(
                    f"expected an output of one of {', '.join(PROGRAMS.values())}; ASE takes it "
                    f"for {found}"
                )
            images: Any = ase.io.iread(str(self.path), index=":", format=found)
            count = 0
            for atoms in images:
                atoms.info = {}  # what ASE notes of the calculation, and may be of any type
                yield self._image(atoms, f"image {count}")
                count += 1
            if count == 0:
                raise self.error(
                    f"ASE takes it for an output of {PROGRAMS[found]}, and finds no structures in "
                    "it: the calculation did not end, or only a part of the output is there"
                )
