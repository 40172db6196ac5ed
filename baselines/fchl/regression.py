"""Ridge regression on accumulated normal equations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

TILES = 8
"""Into how many strips the matrix is cut, of which only the lower triangle is accumulated."""


class Solutions(NamedTuple):
    """Coefficients of the regularisations that could be solved for, and why others could not.

    ``lambdas`` are k values, ``coefficients`` (N_f, k), and ``lost`` says for each other value
    what is wrong with it.
    """

    lambdas: list[float]
    coefficients: Tensor
    lost: dict[float, str]


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

    def add_products(self, matrix: Tensor, vector: Tensor) -> None:
        """Add Σ z zᵀ (N_f, N_f) and Σ z t (N_f,) of rows that somebody else has made."""
        self._matrix += matrix
        self._vector += vector

    def solve(self, lambdas: Sequence[float], solver: str) -> Solutions:
        """Solve (A + λ) α = y for each regularisation.

        Parameters
        ----------
        lambdas
            In units of A.
        solver
            ``"svd"``: with the singular values and right singular vectors of the rows, which
            the eigenvalues of A are the squares of; those that rounding alone can have made
            are left out.  ``"cholesky"``: a factorisation for each.

        Returns
        -------
        The solutions.  A regularisation is lost if its matrix is not positive definite or a
        coefficient is not finite; all of them may be.
        """
        import torch

        found: dict[float, Tensor | None]
        if solver == "svd":
            found = dict(zip(lambdas, self._by_singular_values(lambdas), strict=True))
        else:
            found = {value: self._by_cholesky(value) for value in lambdas}
        lost = {}
        for value, solution in found.items():
            if solution is None:
                lost[value] = (
                    "the normal equations are not positive definite in float64 (largest diagonal "
                    f"element {float(self._matrix.diagonal().max()):.3g})"
                )
            elif not torch.isfinite(solution).all():
                lost[value] = "the coefficients are not finite"
        kept = {
            value: solution
            for value, solution in found.items()
            if solution is not None and value not in lost
        }
        none = self._vector.new_empty(len(self._vector), 0)
        coefficients = torch.stack(list(kept.values()), dim=1) if kept else none
        return Solutions(list(kept), coefficients, lost)

    def _by_cholesky(self, value: float) -> Tensor | None:
        import torch

        matrix = self._matrix.clone()
        matrix.diagonal().add_(value)
        factor, failed = torch.linalg.cholesky_ex(matrix)
        return None if failed else torch.cholesky_solve(self._vector[:, None], factor)[:, 0]

    def _by_singular_values(self, lambdas: Sequence[float]) -> Iterator[Tensor]:
        import torch

        squares, vectors = torch.linalg.eigh(self._matrix)  # of the lower triangle
        kept = squares > len(squares) * torch.finfo(torch.float64).eps * squares.max()
        rotated = vectors.T @ self._vector
        for value in lambdas:
            yield vectors @ torch.where(kept, rotated / (squares.clamp(min=0.0) + value), 0.0)
