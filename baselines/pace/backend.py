"""python-ace: its basis, its least squares, its evaluation."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from baselines.pace.config import PACEConfig
from baselines.predicted import Predicted
from baselines.toolkit.structures import volumes
from teadata import Frames, TeaError
from teadata.errors import MissingExtraError
from teadata.typing import Floats, Progress
from teadata.units import EV

try:
    import pandas as pd
    import pyace
    from pyace.generalfit import setup_zbl_inner_core_repulsion
    from pyace.linearacefit import LinearACEDataset, LinearACEFit
    from sklearn.linear_model import Ridge
except ImportError:
    raise MissingExtraError("python-ace", "pace", "PACE") from None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress the messages that python-ace sends to the root logger."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


class Problem:
    """The least-squares problem of some frames: design matrix and targets, by python-ace.

    Parameters
    ----------
    config
        The settings.
    symbols
        Elements, sorted.
    frames
        Frames to fit to.
    constants
        (N,) energies of the compositions, subtracted from those of the frames, in kcal/mol.
    """

    def __init__(
        self, config: PACEConfig, symbols: list[str], frames: Frames, constants: Floats
    ) -> None:
        with quiet():
            self.basis = pyace.ACEBBasisSet(
                pyace.create_multispecies_basis_config(config.potential(symbols))
            )
            table = pd.DataFrame(
                {
                    "ase_atoms": frames.to_ase(),
                    "energy": (frames.energies - constants) / EV,
                    "forces": list(frames.forces / EV),
                }
            )
            self.data = LinearACEDataset(self.basis, table)
            # One worker is a process of its own, which leaves the matrix in shared memory.
            self.data.construct_design_matrix(max_workers=1)
        if not np.isfinite(self.data.design_matrix).all() or not self.data.design_matrix.any():
            raise TeaError(
                f"python-ace made no finite design matrix of {len(frames)} frames of "
                f"{frames.formula} and {self.data.nfunc} functions; look at the cutoff, and for "
                "memory"
            )
        self.weights = np.ones(len(self.data.design_matrix))
        self.weights[: len(frames)] = config.energy_weight * 3 * frames.n_atoms

    @property
    def functions(self) -> int:
        """How many basis functions there are."""
        return int(self.data.nfunc)

    def solved(self, ridge: float, core: float) -> str:
        """Solve for a regularisation and return the potential as python-ace's YAML.

        Parameters
        ----------
        ridge
            Penalty of the squared coefficients, times the mean square of the weighted design
            matrix's columns.
        core
            Distance in Å below which the potential goes over into that of Ziegler, Biersack and
            Littmark.
        """
        matrix = self.data.design_matrix
        scale = float((self.weights @ matrix**2).mean())
        model = Ridge(alpha=ridge * scale, fit_intercept=False, solver="cholesky")
        fit = LinearACEFit(model=model, train_dataset=self.data)
        fit.fit(sample_weight=self.weights)
        potential = fit.get_bbasis().to_BBasisConfiguration()
        pairs = {
            (a, b): core
            for a in range(len(self.basis.elements_name))
            for b in range(len(self.basis.elements_name))
        }
        setup_zbl_inner_core_repulsion(potential, pairs)
        with TemporaryDirectory() as scratch:
            potential.save(str(Path(scratch) / "potential.yaml"))
            return (Path(scratch) / "potential.yaml").read_text(encoding="utf-8")


def calculator(potential: str) -> Any:
    """Make python-ace's ASE calculator of a potential in its YAML."""
    with quiet(), TemporaryDirectory() as scratch:
        path = Path(scratch) / "potential.yaml"
        path.write_text(potential, encoding="utf-8")
        return pyace.PyACECalculator(str(path))


def predict(calculator: Any, frames: Frames, progress: Progress) -> Predicted:
    """Predict energies, forces and, of frames with a cell, stress."""
    energies, forces = np.empty(len(frames)), np.empty(frames.forces.shape)
    stress = None if volumes(frames) is None else np.empty((len(frames), 3, 3))
    for row, atoms in enumerate(frames.to_ase()):
        calculator.calculate(atoms)
        results = calculator.results
        energies[row], forces[row] = results["energy"] * EV, results["forces"] * EV
        if stress is not None:
            xx, yy, zz, yz, xz, xy = results["stress"] * EV
            stress[row] = [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]
        progress("predict", row + 1, len(frames))
    return Predicted(energies, forces, stress)
