"""Ridge regression on accumulated normal equations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from teadata.errors import TeaError

if TYPE_CHECKING:
    from torch import Tensor

TILES = 8
"""Into how many strips the matrix is cut, of which only the lower triangle is accumulated."""


class NormalEquations:
    """A = Σ z zᵀ and y = Σ z t over rows z and their targets t, in float64.

    Rows are added in blocks and not kept: the memory is that of A, 8 N_f² bytes.

    Parameters
    ----------
    features
        Length of a row, N_f.
    device
        Where A is.
    """

    def __init__(self, features: int, device: str) -> None:
        import torch

        self._matrix = torch.zeros(features, features, dtype=torch.float64, device=device)
        self._vector = torch.zeros(features, dtype=torch.float64, device=device)

    def add(self, rows: Tensor, targets: Tensor) -> None:
        """Add n rows.

        Parameters
        ----------
        rows
            (n, N_f), float64.
        targets
            (n,), float64.
        """
        size = len(self._matrix)
        step = -(-size // TILES)
        for start in range(0, size, step):
            stop = min(start + step, size)
            self._matrix[start:stop, :stop].addmm_(rows[:, start:stop].T, rows[:, :stop])
        self._vector.addmv_(rows.T, targets)

    def solve(self, lambdas: Sequence[float], solver: str) -> Tensor:
        """Solve (A + λ) α = y for each of k regularisations: coefficients (N_f, k).

        Parameters
        ----------
        lambdas
            In units of A.
        solver
            ``"svd"``: with the singular values and right singular vectors of the rows, which
            the eigenvalues of A are the squares of; those that rounding alone can have made
            are left out.  ``"cholesky"``: a factorisation for each.

        Raises
        ------
        TeaError
            If a matrix is not positive definite, or a coefficient is not finite.
        """
        import torch

        if solver == "svd":
            solutions = list(self._by_singular_values(lambdas))
        else:
            solutions = [self._by_cholesky(value) for value in lambdas]
        coefficients = torch.stack(solutions, dim=1)
        if not torch.isfinite(coefficients).all():
            raise TeaError(
                "the coefficients are not finite; expected finite features and labels: look for "
                "frames that are not, and raise lambdas"
            )
        return coefficients

    def _by_cholesky(self, value: float) -> Tensor:
        import torch

        matrix = self._matrix.clone()
        matrix.diagonal().add_(value)
        factor, failed = torch.linalg.cholesky_ex(matrix)
        if failed:
            raise TeaError(
                f"the normal equations with lambda {value:g} are not positive definite in float64 "
                f"(largest diagonal element {float(self._matrix.diagonal().max()):.3g}); raise "
                "lambdas, or set solver: svd"
            )
        return torch.cholesky_solve(self._vector[:, None], factor)[:, 0]

    def _by_singular_values(self, lambdas: Sequence[float]) -> Iterator[Tensor]:
        import torch

        squares, vectors = torch.linalg.eigh(self._matrix)  # of the lower triangle
        kept = squares > len(squares) * torch.finfo(torch.float64).eps * squares.max()
        rotated = vectors.T @ self._vector
        for value in lambdas:
            yield vectors @ torch.where(kept, rotated / (squares.clamp(min=0.0) + value), 0.0)
