"""FCHL19 and the rows of its derivatives on CPUs, by compiled loops on torch's threads."""

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

    from baselines.fchl.rows import Slopes
    from baselines.fchl.sorf import Sorf


def in_threads(work: Callable[[slice], None], count: int) -> None:
    """Split `count` items over torch's threads, each of which works on a part."""
    import torch

    threads = min(torch.get_num_threads(), count)
    if threads == 1:
        work(slice(0, count))
        return
    edges = np.linspace(0, count, threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, [slice(start, stop) for start, stop in pairwise(edges)]))


class Compiled(Representation):
    """FCHL19 by compiled loops."""

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
        """Run a kernel on the environments, split over threads; arrays have a row for each."""
        widths = [part.stop - part.start for part in env.slots]
        kinds = np.repeat(np.arange(len(widths)), widths)
        rows = env.vectors.numpy(), env.mask.numpy()

        def work(part: slice) -> None:
            kernel(
                *(array[part] for array in rows), kinds, len(widths), self._settings,
                *(array[part] for array in arrays),
            )  # fmt: skip

        in_threads(work, len(env))

    def values(self, env: Environments) -> Tensor:
        """Compute the representations (n, M) of environments."""
        represented = env.vectors.new_empty(len(env), self.size)
        none = env.vectors.new_empty(len(env), 0, 3, 0)
        self._each(kernels.jacobian, env, represented.numpy(), none.numpy())
        return represented

    def jacobian(self, env: Environments) -> tuple[Tensor, list[Tensor]]:
        """Compute representations and their derivatives: see :meth:`Representation.jacobian`."""
        values = env.vectors.new_empty(len(env), self.size)
        width = self.config.nRs2 + 2 * self.config.nRs3 * self.layout.elements
        slopes = env.vectors.new_zeros(*env.mask.shape, 3, width)
        self._each(kernels.jacobian, env, values.numpy(), slopes.numpy())
        return values, [slopes[:, part] for part in env.slots]

    def pullback(self, env: Environments, cotangent: Tensor) -> Tensor:
        """Derivative along the neighbours: see :meth:`Representation.pullback`."""
        slopes = env.vectors.new_zeros(env.vectors.shape)
        self._each(kernels.pullback, env, cotangent.contiguous().numpy(), slopes.numpy())
        return slopes

    def add_forces(
        self, force: Tensor, sorf: Sorf, element: int, slopes: Slopes, sines: Tensor
    ) -> None:
        """Add to the force rows: see :meth:`Representation.add_forces`."""
        signs = sorf.blocks(element)
        target = slopes.target.numpy()
        order = np.argsort(target, kind="stable")
        starts = np.searchsorted(target[order], np.arange(len(force) + 1))
        sources = slopes.source.numpy()[order]
        sorted_slopes = slopes.slopes.numpy()[order]
        factors = sines.view(sorf.stacks, sorf.d, -1).transpose(1, 2).contiguous().numpy()

        def work(part: slice) -> None:
            kernels.force_rows(
                sorted_slopes, sources, starts[part.start : part.stop + 1],
                signs.numpy(), factors, force.numpy()[part],
            )  # fmt: skip

        in_threads(work, len(force))
