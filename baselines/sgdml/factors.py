"""The Cholesky factorisation of sgdml's analytic solver, on a GPU.

sgdml assembles its kernel matrix and then calls SciPy, on the CPU, whatever it predicts with.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from teadata.typing import Floats


class Cholesky:
    """SciPy's ``cho_factor`` and ``cho_solve`` by torch, in float64, for one matrix at a time.

    What the memory of the device does not suffice for, SciPy does.

    Parameters
    ----------
    device
        Where to factorise.
    """

    def __init__(self, device: str) -> None:
        self.device = device

    def cho_factor(self, matrix: Floats, **options: Any) -> tuple[Any, bool]:
        """Factorise a symmetric matrix (n, n): the lower factor, and that it is the lower one.

        Raises
        ------
        numpy.linalg.LinAlgError
            If it is not positive definite.
        """
        import scipy.linalg
        import torch

        try:
            there = torch.from_numpy(matrix).to(self.device)
            factor, failed = torch.linalg.cholesky_ex(there)
        except torch.OutOfMemoryError:
            factored: tuple[Any, bool] = scipy.linalg.cho_factor(matrix, **options)
            return factored
        if failed:
            raise np.linalg.LinAlgError(f"the leading minor of order {int(failed)} is not positive")
        return factor, True

    def cho_solve(
        self, factored: tuple[Tensor | Floats, bool], right: Floats, **options: Any
    ) -> Floats:
        """Solve with what :meth:`cho_factor` gave, for right sides (n,) or (n, k)."""
        import scipy.linalg
        import torch

        factor, _ = factored
        if isinstance(factor, np.ndarray):
            solved: Floats = scipy.linalg.cho_solve(factored, right, **options)
            return solved
        columns = torch.tensor(right, device=factor.device).reshape(len(right), -1)
        found: Floats = torch.cholesky_solve(columns, factor).reshape(right.shape).cpu().numpy()
        return found


@contextmanager
def factorising_on(device: str) -> Iterator[None]:
    """Let sgdml's analytic solver factorise on a device for the block; on the CPU by SciPy."""
    if device == "cpu":
        yield
        return
    import scipy as sp
    import sgdml.solvers.analytic

    cholesky = Cholesky(device)
    names = vars(sp.linalg) | {
        "cho_factor": cholesky.cho_factor,
        "cho_solve": cholesky.cho_solve,
    }
    before = sgdml.solvers.analytic.sp
    sgdml.solvers.analytic.sp = SimpleNamespace(linalg=SimpleNamespace(**names))
    try:
        yield
    finally:
        sgdml.solvers.analytic.sp = before
