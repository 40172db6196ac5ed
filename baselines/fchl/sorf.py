"""Structured orthogonal random features: products of Hadamard matrices and random signs.

Yu et al., Adv. Neural Inf. Process. Syst. 29, 1975 (2016); SI of the TEA Challenge, equation 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def hadamard_transform(values: Tensor) -> Tensor:
    """Multiply vectors by Sylvester's Hadamard matrix, whose entries are ±1.

    In O(d log d) operations for each vector; the matrix is never made.

    Parameters
    ----------
    values
        (…, d, n), contiguous, of n vectors of a power of two; overwritten.

    Returns
    -------
    (…, d, n), which may share the memory of `values`.
    """
    import torch

    shape, (d, n) = values.shape, values.shape[-2:]
    source, result = values, torch.empty_like(values)
    half = 1
    while half < d:
        pairs, sums = source.view(-1, 2, half * n), result.view(-1, 2, half * n)
        torch.add(pairs[:, 0], pairs[:, 1], out=sums[:, 0])
        torch.sub(pairs[:, 0], pairs[:, 1], out=sums[:, 1])
        source, result = result, source
        half *= 2
    return source.view(shape)


@dataclass(frozen=True)
class Sorf:
    """Random features cos(W_e p + b_e) · √(2/N_f) of vectors p of d numbers, per element e.

    W has S stacks of d rows, each (√d/σ) · Π (H D/√d) over T transforms.  Elements have other D
    and b, so that the features of two of them are uncorrelated.

    Parameters
    ----------
    signs
        (E, T, S, d), ±1, in the dtype that is calculated in.
    phases
        (E, S · d), between 0 and 2π, float64.
    sigma
        Width of the kernel, in units of p.
    """

    signs: Tensor
    phases: Tensor
    sigma: float

    @classmethod
    def draw(
        cls, elements: int, d: int, stacks: int, transforms: int, sigma: float, seed: int
    ) -> Self:
        """Draw signs and phases, in float64 on the CPU."""
        import torch

        rng = np.random.default_rng(seed)
        signs = rng.integers(0, 2, (elements, transforms, stacks, d), dtype=np.int8) * 2.0 - 1.0
        phases = rng.uniform(0.0, 2.0 * math.pi, (elements, stacks * d))
        return cls(torch.from_numpy(signs), torch.from_numpy(phases), sigma)

    def to(self, device: str, dtype: Any) -> Self:
        """Move the random features to a device, to calculate in a dtype."""
        signs, phases = self.signs.to(device, dtype), self.phases.to(device)
        return replace(self, signs=signs, phases=phases)

    @property
    def features(self) -> int:
        """Number of features, N_f."""
        return self.phases.shape[1]

    @property
    def stacks(self) -> int:
        """Number of stacks, S."""
        return self.signs.shape[2]

    @property
    def d(self) -> int:
        """Length of the vectors."""
        return self.signs.shape[3]

    @property
    def amplitude(self) -> float:
        """√(2/N_f), of the features."""
        return math.sqrt(2.0 / self.features)

    @property
    def _scale(self) -> float:
        transforms = self.signs.shape[1]
        return math.sqrt(self.d) ** (1 - transforms) / self.sigma

    def blocks(self, element: int) -> Tensor:
        """Return the signs (S, T, d) of W_e's blocks; the first carries the scale of W."""
        signs = self.signs[element].transpose(0, 1).clone()
        signs[:, 0] *= self._scale
        return signs.contiguous()

    def project(self, vectors: Tensor, element: int, stacks: slice = slice(None)) -> Tensor:
        """Multiply vectors (d, n) by W_e, for some of the stacks: (S' · d, n)."""
        signs = self.signs[element, :, stacks, :, None]
        projected = hadamard_transform((signs[0] * self._scale) * vectors)
        for sign in signs[1:]:
            projected = hadamard_transform(projected.mul_(sign))
        return projected.flatten(0, 1)

    def adjoint(self, vectors: Tensor, element: int) -> Tensor:
        """Multiply vectors (N_f, n) by W_eᵀ: (d, n)."""
        signs = self.signs[element, :, :, :, None]
        projected = vectors.reshape(self.stacks, self.d, -1) * self._scale
        for sign in signs.flip(0):
            projected = hadamard_transform(projected).mul_(sign)
        return projected.sum(dim=0)

    def angles(self, vectors: Tensor, element: int) -> Tensor:
        """Compute W_e p + b_e of vectors (d, n), in float64: (N_f, n)."""
        return self.project(vectors, element).double().add_(self.phases[element][:, None])
