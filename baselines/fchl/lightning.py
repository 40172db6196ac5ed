"""FCHL19* by the CUDA kernels of QML-Lightning, where that package is installed.

What is used is its public interface, as its repository shows it: ``FCHLCuda``, and
``HadamardFeaturesModel`` with ``get_reductors``, ``build_Z_components`` and ``predict``.  The
random features are drawn here and given to it; the equations it accumulates are solved here.
**None of this has run:** no GPU was at hand.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.fchl.config import FCHLConfig
from baselines.fchl.features import Reduction
from baselines.fchl.sorf import Sorf
from baselines.toolkit.seeding import numpy_seeded
from teadata import Frames
from teadata.errors import DataError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from baselines.fchl.regression import Equations
    from teadata.typing import Floats, Progress

SOURCE = "https://github.com/nickjbrowning/qml-lightning"


def check_installed(device: str) -> None:
    """Make sure that the package is there, and is to run where it can.

    Raises
    ------
    UsageError
        If it is not installed, or the device is not a GPU.
    """
    if importlib.util.find_spec("qml_lightning") is None:
        raise UsageError(
            "backend: qml-lightning: the package qml_lightning is not installed, and no index has "
            f"it; clone {SOURCE} and run `python -m pip install --no-build-isolation .` there, on "
            "a machine with a GPU and nvcc; or set backend: torch"
        )
    if device != "cuda":
        raise UsageError(
            f"backend: qml-lightning: expected the device 'cuda', found {device!r}: its kernels "
            "are for GPUs only; use --device cuda, or set backend: torch"
        )


class Lightning:
    """Features of frames by QML-Lightning: the part of ``Features`` that trainings need.

    Parameters
    ----------
    config, elements, device
        The settings, atomic numbers in rising order, and ``"cuda"``.
    sorf
        The random features.
    reduction
        Projections of QML-Lightning's representations, whose features have an order of their
        own; None before :meth:`reduce`.
    """

    def __init__(
        self,
        config: FCHLConfig,
        elements: Sequence[int],
        reduction: Reduction | None,
        sorf: Sorf,
        device: str,
    ) -> None:
        check_installed(device)
        from qml_lightning.models.hadamard_features import HadamardFeaturesModel
        from qml_lightning.representations.FCHL import FCHLCuda

        self.config, self.elements, self.device = config, list(elements), device
        species = np.array(self.elements)
        # Versions differ in what they call the cutoff.
        names = inspect.signature(FCHLCuda).parameters
        cutoff = {"rcut" if "rcut" in names else "high_cutoff": config.rcut}
        representation = FCHLCuda(
            species=species,
            nRs2=config.nRs2,
            nRs3=config.nRs3,
            eta2=config.eta2,
            eta3=config.eta3,
            two_body_decay=config.two_body_decay,
            three_body_decay=config.three_body_decay,
            three_body_weight=config.three_body_weight,
            **cutoff,
        )
        self._model: Any = HadamardFeaturesModel(
            representation,
            elements=species,
            ntransforms=config.ntransforms,
            sigma=sorf.sigma,
            llambda=0.0,
            npcas=config.npcas,
            nstacks=config.nstacks,
            nbatch_train=config.batch_size,
            nbatch_test=config.batch_size,
        )
        for row, element in enumerate(self.elements):
            self._model.Dmat[element] = sorf.signs[row].float().to(device)
            self._model.bk[element] = sorf.phases[row].float().to(device)
        if reduction is not None:
            vectors = reduction.vectors.float().to(device)
            self._model.reductors = dict(zip(self.elements, vectors, strict=True))

    def reduce(self, frames: Frames, seed: int) -> Reduction:
        """Project on the leading directions of the representations in these frames.

        They are drawn from NumPy's and torch's global generators, which are put back.

        Raises
        ------
        DataError
            If the frames are periodic along some cell vectors only.
        """
        import torch

        _cells(frames)
        quiet = contextlib.redirect_stdout(io.StringIO())
        with numpy_seeded(seed), torch.random.fork_rng(), quiet:
            torch.manual_seed(seed)
            self._model.get_reductors(*_lists(frames), npcas=self.config.npcas, print_info=False)
        made = self._model.reductors
        size = max(len(each) for each in made.values())
        vectors = torch.zeros(len(self.elements), size, self.config.npcas, dtype=torch.float64)
        for row, element in enumerate(self.elements):
            own = made[element].cpu().double()
            vectors[row, :, : own.shape[1]] = own
        return Reduction(vectors)

    def equations(
        self, frames: Frames, energies: Floats | None, progress: Progress, task: str
    ) -> Equations:
        """Make the equations of all rows, with these energies (N,) in kcal/mol or without any.

        The package makes its own batches of the frames, and gives the normal equations.
        """
        from baselines.fchl.regression import NormalEquations

        equations = NormalEquations(self.config.features, self.device)
        with contextlib.redirect_stdout(io.StringIO()):
            matrix, vector = self._model.build_Z_components(
                *_lists(frames),
                E=None if energies is None else energies.tolist(),
                F=list(frames.forces),
                cells=_cells(frames),
                print_info=False,
            )
        equations.add_products(matrix, vector[:, 0])
        progress(task, len(frames), len(frames))
        return equations

    def predict(self, frames: Frames, coefficients: Tensor) -> tuple[Tensor, Tensor, None]:
        """Predict energies (k, N) and forces (k, N, A, 3) with coefficients (N_f, k); no virials.

        Raises
        ------
        DataError
            If the frames are periodic along some cell vectors only.
        """
        import torch

        cells, energies, forces = _cells(frames), [], []
        for alpha in coefficients.T:
            self._model.alpha, self._model.is_trained = alpha, True
            with contextlib.redirect_stdout(io.StringIO()):
                energy, force = self._model.predict(
                    *_lists(frames), frames.n_atoms, cells=cells, forces=True, print_info=False
                )
            energies.append(energy)
            forces.append(force)
        return torch.stack(energies), torch.stack(forces), None


def _lists(frames: Frames) -> tuple[list[Any], list[Any]]:
    """Positions and atomic numbers of each frame, as the package takes them."""
    return list(frames.positions), [frames.numbers] * len(frames)


def _cells(frames: Frames) -> list[Any] | None:
    """The cell of each frame, None of molecules."""
    if not frames.periodic:
        return None
    if frames.cell is None or not all(frames.pbc):
        raise DataError(
            "backend: qml-lightning: expected molecules, or frames that are periodic along three "
            f"vectors; found pbc {[bool(axis) for axis in frames.pbc]}; set backend: torch"
        )
    return list(frames.cell)
