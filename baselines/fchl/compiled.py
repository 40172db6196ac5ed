"""The FCHL19 representation on CPUs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.fchl import kernels
from baselines.fchl.config import FCHLConfig
from baselines.fchl.neighbours import Environments
from baselines.fchl.representation import Representation

if TYPE_CHECKING:
    from torch import Tensor


class Compiled(Representation):
    """FCHL19 by compiled loops, on as many threads as torch has."""

    def __init__(self, config: FCHLConfig, elements: Sequence[int]) -> None:
        super().__init__(config, elements)
        self._settings = kernels.Settings(
            grid2=self.grid2.double().numpy(),
            step3=config.acut / config.nRs3,
            count3=config.nRs3,
            eta2=config.eta2,
            eta3=config.eta3,
            rcut=config.rcut,
            acut=config.acut,
            decay2=config.two_body_decay,
            decay3=config.three_body_decay,
            weight=self.weight,
        )

    def _each(self, kernel: Callable[..., None], env: Environments, *arrays: Any) -> None:
        """Let each thread calculate some of the environments, of arrays with one row for each."""
        import torch

        widths = [part.stop - part.start for part in env.slots]
        kinds = np.repeat(np.arange(len(widths)), widths)
        common = kinds, len(widths), self._settings
        rows = env.vectors.numpy(), env.mask.numpy()
        threads = min(torch.get_num_threads(), len(env))
        if threads == 1:
            kernel(*rows, *common, *arrays)
            return
        edges = np.linspace(0, len(env), threads + 1).astype(int)
        parts = [slice(start, stop) for start, stop in pairwise(edges)]
        with ThreadPoolExecutor(threads) as pool:
            jobs = [
                pool.submit(kernel, *(a[p] for a in rows), *common, *(a[p] for a in arrays))
                for p in parts
            ]
        for job in jobs:
            job.result()

    def values(self, env: Environments) -> Tensor:
        """Representations (n, M) of environments."""
        found = env.vectors.new_empty(len(env), self.size)
        none = env.vectors.new_empty(len(env), 0, 3, 0)
        self._each(kernels.jacobian, env, found.numpy(), none.numpy())
        return found

    def jacobian(self, env: Environments) -> tuple[Tensor, list[Tensor]]:
        """Representations, and their derivatives: see :meth:`Representation.jacobian`."""
        values = env.vectors.new_empty(len(env), self.size)
        width = self.config.nRs2 + 2 * self.config.nRs3 * self.layout.elements
        slopes = env.vectors.new_zeros(*env.mask.shape, 3, width)
        self._each(kernels.jacobian, env, values.numpy(), slopes.numpy())
        return values, [slopes[:, part] for part in env.slots]

    def pullback(self, env: Environments, cotangent: Tensor) -> Tensor:
        """Derivative along the neighbours: see :meth:`Representation.pullback`."""
        found = env.vectors.new_zeros(env.vectors.shape)
        self._each(kernels.pullback, env, cotangent.contiguous().numpy(), found.numpy())
        return found
