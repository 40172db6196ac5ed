"""Ridge regression on rows of features, by the smaller of their two Gram matrices.

With Z the rows and t their targets, (ZᵀZ + λ)⁻¹ Zᵀ t = Zᵀ (ZZᵀ + λ)⁻¹ t.  The matrix on the left
has the size of a row and is accumulated; that on the right has a line for each row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
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


class Equations(ABC):
    """(G + λ) x = y, with a Gram matrix G (n, n) of the rows.

    Parameters
    ----------
    size
        n.
    device
        Where the matrix is.
    """

    def __init__(self, size: int, device: str) -> None:
        import torch

        self._matrix = torch.zeros(size, size, dtype=torch.float64, device=device)
        self._vector = torch.zeros(size, dtype=torch.float64, device=device)

    @abstractmethod
    def add(self, rows: Tensor, targets: Tensor) -> None:
        """Add rows (n, N_f) and their targets (n,), float64."""

    @abstractmethod
    def _coefficients(self, solution: Tensor) -> Tensor:
        """Make the coefficients (N_f,) of a solution (n,)."""

    def solve(self, lambdas: Sequence[float], solver: str) -> Solutions:
        """Solve the equations for each regularisation.

        Parameters
        ----------
        lambdas
            In units of the Gram matrix.
        solver
            ``"svd"``: with the singular values of the rows, which the eigenvalues of the matrix
            are the squares of; those that rounding alone can have made are left out.
            ``"cholesky"``: a factorisation for each.

        Returns
        -------
        The coefficients.  A regularisation is lost if its matrix is not positive definite or a
        coefficient is not finite; all of them may be.
        """
        import torch

        solved: dict[float, Tensor | None]
        if solver == "svd":
            solved = dict(zip(lambdas, self._by_singular_values(lambdas), strict=True))
        else:
            solved = {value: self._by_cholesky(value) for value in lambdas}
        kept, lost = {}, {}
        for value, solution in solved.items():
            if solution is None:
                lost[value] = (
                    "the normal equations are not positive definite in float64 (largest diagonal "
                    f"element {float(self._matrix.diagonal().max()):.3g})"
                )
                continue
            found = self._coefficients(solution)
            if torch.isfinite(found).all():
                kept[value] = found
            else:
                lost[value] = "the coefficients are not finite"
        if not kept:
            return Solutions([], self._coefficients(self._vector)[:, None][:, :0], lost)
        coefficients = torch.stack(list(kept.values()), dim=1)
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


class NormalEquations(Equations):
    """ZᵀZ and Zᵀt over rows Z and their targets t, in float64.

    The size is N_f.  Rows are added in blocks and not kept: the memory is that of the matrix,
    8 N_f² bytes.
    """

    def add(self, rows: Tensor, targets: Tensor) -> None:
        """Add rows (n, N_f) and their targets (n,), float64."""
        _add_lower_triangle(self._matrix, rows.T)
        self._vector.addmv_(rows.T, targets)

    def add_products(self, matrix: Tensor, vector: Tensor) -> None:
        """Add ZᵀZ (N_f, N_f) and Zᵀt (N_f,) of rows that somebody else has made."""
        self._matrix += matrix
        self._vector += vector

    def _coefficients(self, solution: Tensor) -> Tensor:
        return solution


class KernelEquations(Equations):
    """ZZᵀ and t, for fewer rows than features: the rows are kept.

    The memory is 8 n (n + N_f) bytes, and an eigendecomposition takes (n / N_f)³ of the time of
    the normal equations'.

    Parameters
    ----------
    rows
        How many rows there will be, n.
    features
        Length of a row, N_f.
    device
        Where the matrix is.
    """

    def __init__(self, rows: int, features: int, device: str) -> None:
        super().__init__(rows, device)
        self._rows = self._matrix.new_zeros(rows, features)
        self._filled = 0

    def add(self, rows: Tensor, targets: Tensor) -> None:
        """Add rows (n, N_f) and their targets (n,), float64."""
        part = slice(self._filled, self._filled + len(rows))
        self._rows[part], self._vector[part] = rows, targets
        self._filled = part.stop

    def solve(self, lambdas: Sequence[float], solver: str) -> Solutions:
        """Solve the equations once all rows are there: see :meth:`Equations.solve`."""
        assert self._filled == len(self._rows)
        _add_lower_triangle(self._matrix.zero_(), self._rows)
        return super().solve(lambdas, solver)

    def _coefficients(self, solution: Tensor) -> Tensor:
        return self._rows.T @ solution


def equations_for(rows: int, features: int, device: str) -> Equations:
    """Return the equations of the smaller matrix for so many rows of so many features."""
    if rows < features:
        return KernelEquations(rows, features, device)
    return NormalEquations(features, device)


def _add_lower_triangle(matrix: Tensor, lines: Tensor) -> None:
    """Add L Lᵀ of lines L (n, k) to the lower triangle of a matrix (n, n), strip by strip."""
    step = -(-len(matrix) // TILES)
    for start in range(0, len(matrix), step):
        stop = min(start + step, len(matrix))
        matrix[start:stop, :stop].addmm_(lines[start:stop], lines[:stop].T)
