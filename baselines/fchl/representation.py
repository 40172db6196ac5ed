"""The FCHL19 representation of atomic environments, with analytic derivatives.

Christensen, Bratholm, Faber, von Lilienfeld, J. Chem. Phys. 152, 044107 (2020), with the
conventions of the qmllib and QML-Lightning codes: the normalisation of the three-body Gaussian is
part of its weight, and the distance of the two neighbours of a triple has no cutoff.

A three-body feature is W(x, y, c) · g_l((x + y)/2): x and y are the distances of two neighbours
from the atom, c is the cosine of the angle between them.  Its derivative along x is
(W_x − ½ η₃ (x + y) W) g_l + R_l η₃ W g_l, so that values and derivatives are sums over neighbours
of few quantities, the same for all l, times the same Gaussians: products of small matrices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from baselines.fchl import rows
from baselines.fchl.config import FCHLConfig
from baselines.fchl.neighbours import COLLINEAR, Environments, environments
from baselines.toolkit.structures import COINCIDENT
from teadata import Frames

if TYPE_CHECKING:
    from torch import Tensor

    from baselines.fchl.rows import Slopes
    from baselines.fchl.sorf import Sorf

GAUSSIANS = {"cpu": 1 << 20, "cuda": 1 << 25}
"""Gaussians of pairs of neighbours that are held at once."""


class Edges(NamedTuple):
    """Neighbours of n atoms, K each; zero factors where padded.

    ``x`` (n, K) in Å, ``unit`` (n, K, 3); ``factor`` (n, K) is f(x) x^−N₃ of the three-body
    part, ``slope`` its logarithmic derivative in Å⁻¹.
    """

    x: Tensor
    unit: Tensor
    factor: Tensor
    slope: Tensor


class Triples(NamedTuple):
    """All ordered pairs of neighbours.

    ``gaussians`` (n, K, K, nRs3); ``columns`` (6 or 2, n, K, K), of cosine and sine each: the
    weights W, their derivatives along x, the first distance, less ½ η₃ (x + y) W, and those
    along c.
    """

    gaussians: Tensor
    columns: Tensor


@dataclass(frozen=True)
class Layout:
    """Where in a representation the features are.

    Parameters
    ----------
    elements
        Number of elements, E.
    nRs2, nRs3
        Grid points.
    """

    elements: int
    nRs2: int  # noqa: N815
    nRs3: int  # noqa: N815

    @property
    def size(self) -> int:
        """Length of a representation, M."""
        pairs = self.elements * (self.elements + 1) // 2
        return self.elements * self.nRs2 + 2 * pairs * self.nRs3

    def two_body(self, element: int) -> slice:
        """Features of the neighbours of an element."""
        return slice(element * self.nRs2, (element + 1) * self.nRs2)

    def three_body(self, p: int, q: int) -> slice:
        """Features of pairs of neighbours of two elements; cosine and sine alternate."""
        p, q = min(p, q), max(p, q)
        block = p * self.elements - p * (p + 1) // 2 + q
        start = self.elements * self.nRs2 + 2 * self.nRs3 * block
        return slice(start, start + 2 * self.nRs3)

    def touched(self, element: int) -> Any:
        """List the C features that a neighbour of an element contributes to.

        In the order of :meth:`Representation.jacobian`: two-body, then for each other element
        the cosines and the sines.
        """
        parts = [np.arange(self.nRs2) + self.two_body(element).start]
        for other in range(self.elements):
            block = self.three_body(element, other)
            parts += [np.arange(block.start + i, block.stop, 2) for i in range(2)]
        return np.concatenate(parts)


class Representation:
    """FCHL19 for a list of elements.

    Parameters
    ----------
    config
        Its settings; energies do not enter.
    elements
        Atomic numbers, in the order of the blocks of features.
    device
        Where to calculate, in the dtype of the settings.

    Attributes
    ----------
    size
        Length of the representation of an atom, M.
    grid2, grid3
        (nRs2,) and (nRs3,), points R of the two- and three-body parts in Å.
    weight
        Of the three-body part, with all that is constant in it.
    """

    def __init__(self, config: FCHLConfig, elements: Sequence[int], device: str = "cpu") -> None:
        import torch

        self.config, self.elements, self.device = config, tuple(elements), device
        self.dtype = getattr(torch, config.dtype)
        self.layout = Layout(len(elements), config.nRs2, config.nRs3)
        self.size = self.layout.size
        self.grid2 = self._grid(config.nRs2, config.rcut)
        self.grid3 = self._grid(config.nRs3, config.acut)
        # A of the angular terms for zeta = pi, and the weight with the Gaussian's normalisation
        angular = 2.0 * math.exp(-0.5 * math.pi**2)
        self.weight = angular * config.three_body_weight * math.sqrt(config.eta3 / math.pi)

    def _grid(self, count: int, cutoff: float) -> Tensor:
        import torch

        steps = torch.arange(1, count + 1, dtype=torch.float64, device=self.device)
        return (steps * (cutoff / count)).to(self.dtype)

    def environments(self, frames: Frames) -> list[Environments]:
        """Make the environments of the atoms of a batch of frames, as large as the cutoffs need."""
        cutoff = max(self.config.rcut, self.config.acut)
        pairs = GAUSSIANS[self.device] // self.config.nRs3
        return environments(frames, self.elements, cutoff, self.dtype, self.device, pairs)

    def _cutoff(self, x: Tensor, mask: Tensor, cutoff: float) -> tuple[Tensor, Tensor]:
        """The cutoff function f = ½(1 + cos(πx/cutoff)), and f'/f; zero where padded, or beyond."""
        inside = mask & (x < cutoff)
        angle = x * (0.5 * math.pi / cutoff)
        factor = angle.cos() ** 2 * inside
        slope = (-math.pi / cutoff) * angle.tan() * inside
        return factor, slope

    def _two_body(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Two-body features (n, K, nRs2) of neighbours, and their derivatives along x."""
        config = self.config
        factor, slope = self._cutoff(x, mask, config.rcut)
        variance = (config.eta2 / x**2).log1p()
        variance_slope = -2.0 * config.eta2 / (x * (x**2 + config.eta2))
        mean = x.log() - 0.5 * variance
        mean_slope = (x**2 + 2.0 * config.eta2) / (x * (x**2 + config.eta2))
        t = self.grid2.log() - mean[..., None]
        amplitude = factor * x**-config.two_body_decay / (2.0 * math.pi * variance).sqrt()
        values = (t**2 * (-0.5 / variance)[..., None]).exp() * amplitude[..., None] / self.grid2
        logarithmic = (
            t * (mean_slope / variance)[..., None]
            + t**2 * (0.5 * variance_slope / variance**2)[..., None]
            + (slope - config.two_body_decay / x - 0.5 * variance_slope / variance)[..., None]
        )
        return values, values * logarithmic

    def _edges(self, env: Environments) -> Edges:
        x = env.vectors.norm(dim=-1)
        factor, slope = self._cutoff(x, env.mask, self.config.acut)
        decay = self.config.three_body_decay
        return Edges(x, env.vectors / x[..., None], factor * x**-decay, slope - decay / x)

    def _gaussians(self, x: Tensor) -> Tensor:
        """exp(−η₃ (½(x + y) − R_l)²) of distances (n, K), (n, K, K, nRs3)."""
        import torch

        places = x.shape[1]
        first, second = torch.triu_indices(places, places, device=x.device)
        s = (0.5 * (x[:, first] + x[:, second]) - 0.5 * self.config.acut).flatten()
        grid = self.grid3 - 0.5 * self.config.acut
        powers = torch.stack((s * s, s), dim=-1)
        terms = torch.stack((torch.ones_like(grid), -2.0 * grid)) * -self.config.eta3
        half = torch.addmm(-self.config.eta3 * grid**2, powers, terms).exp_()
        where = torch.empty(places, places, dtype=torch.int64, device=x.device)
        where[first, second] = where[second, first] = torch.arange(len(first), device=x.device)
        full = half.reshape(len(x), len(first), len(grid)).index_select(1, where.flatten())
        return full.reshape(len(x), places, places, len(grid))

    def _triples(self, edges: Edges, slopes: bool) -> Triples:
        """Compute all ordered pairs of neighbours; padded ones have weight zero."""
        import torch

        decay = 0.5 * self.config.three_body_decay
        x, y = edges.x[:, :, None], edges.x[:, None]
        c = (edges.unit @ edges.unit.transpose(1, 2)).clamp_(-1.0, 1.0)
        xy = x * y
        w2 = (x * x + y * y).addcmul_(xy, c, value=-2.0).clamp_(min=COINCIDENT**2)
        inverse = w2.reciprocal()
        sine = (1.0 - c * c).clamp_(min=0.0).sqrt_()
        a, b = torch.addcmul(x, y, c, value=-1.0), torch.addcmul(y, x, c, value=-1.0)
        h = (a * b).mul_(inverse)  # the product of the other two cosines
        radial = (w2.log_().mul_(-decay)).exp_()
        radial *= (self.weight * edges.factor)[:, :, None] * edges.factor[:, None]
        radial.diagonal(dim1=1, dim2=2).zero_()  # a neighbour with itself
        cosines = (c * h).mul_(3.0).add_(1.0)
        xi = radial * cosines
        columns = edges.x.new_empty(6 if slopes else 2, *c.shape)
        torch.mul(xi, c, out=columns[0])
        torch.mul(xi, sine, out=columns[1])
        if not slopes:
            return Triples(self._gaussians(edges.x), columns)
        # with w² = x² + y² − 2xyc and t = ab: dt/dc = −w², dw²/dx = 2a, dt/dx = b − ac
        over = a * inverse
        xi_x = b.addcmul_(a, c, value=-1.0).mul_(inverse).addcmul_(h, over, value=-2.0).mul_(c)
        xi_x = xi_x.mul_(3.0).addcmul_(cosines, over, value=-2.0 * decay).mul_(radial)
        linear = edges.slope - 0.5 * self.config.eta3 * edges.x
        xi_x = xi_x.addcmul_(xi, linear[:, :, None] - 0.5 * self.config.eta3 * y)
        torch.mul(xi_x, c, out=columns[2])
        torch.mul(xi_x, sine, out=columns[3])
        over = inverse.mul_(xy)
        xi_c = (h - c).addcmul_(h.mul_(c), over, value=2.0).mul_(3.0)
        xi_c = xi_c.addcmul_(cosines, over, value=2.0 * decay).mul_(radial)
        torch.mul(xi_c, c, out=columns[4]).add_(xi)
        torch.mul(xi_c, sine, out=columns[5])
        columns[5].addcdiv_(columns[0], torch.maximum(sine, COLLINEAR / xy), value=-1.0)
        return Triples(self._gaussians(edges.x), columns)

    def values(self, env: Environments) -> Tensor:
        """Compute the representations (n, M) of environments."""
        edges, layout = self._edges(env), self.layout
        represented = env.vectors.new_zeros(len(env), self.size)
        two, _ = self._two_body(edges.x, env.mask)
        triples = self._triples(edges, slopes=False)
        weights = triples.columns.permute(1, 2, 0, 3)
        for q, part in enumerate(env.slots):
            represented[:, layout.two_body(q)] = two[:, part].sum(dim=1)
            sums = weights[..., part] @ triples.gaussians[:, :, part]
            self._add_three_body(represented, sums, env, q)
        return represented

    def _add_three_body(self, represented: Tensor, sums: Tensor, env: Environments, q: int) -> None:
        """Put sums (n, K, 2, nRs3) of pairs with a second of element q into representations."""
        for p, part in enumerate(env.slots[: q + 1]):
            # of two neighbours of the same element, either is the second
            block = sums[:, part].sum(dim=1) * (0.5 if p == q else 1.0)
            represented[:, self.layout.three_body(p, q)] = block.transpose(1, 2).flatten(1)

    def jacobian(self, env: Environments) -> tuple[Tensor, list[Tensor]]:
        """Compute representations and their derivatives along each neighbour's position.

        Returns
        -------
        values
            (n, M).
        derivatives
            For each element p, (n, Kp, 3, C) in Å⁻¹: of the C features ``layout.touched(p)``,
            for the neighbours of that element; zero where padded.  The other features do not
            depend on them, and the derivative along the atom's own position is minus the sum
            over its neighbours.
        """
        import torch

        config, layout = self.config, self.layout
        edges = self._edges(env)
        values = env.vectors.new_zeros(len(env), self.size)
        two, two_slope = self._two_body(edges.x, env.mask)
        places = env.vectors.shape[1]
        width = config.nRs2 + 2 * config.nRs3 * layout.elements
        slopes = env.vectors.new_empty(len(env), places, 3, width)
        unit, per_x = edges.unit[..., None], (1.0 / edges.x)[..., None, None]
        slopes[..., : config.nRs2] = unit * two_slope[:, :, None]
        triples = self._triples(edges, slopes=True)
        columns = env.vectors.new_empty(10, len(env), places, places)
        columns[:4] = triples.columns[:4]
        for axis in range(3):
            second = edges.unit[:, None, :, axis]
            torch.mul(triples.columns[4:], second, out=columns[4 + 2 * axis : 6 + 2 * axis])
        columns = columns.permute(1, 2, 0, 3)
        grid = config.eta3 * self.grid3
        for q, part in enumerate(env.slots):
            values[:, layout.two_body(q)] = two[:, part].sum(dim=1)
            sums = columns[..., part] @ triples.gaussians[:, :, part]
            self._add_three_body(values, sums[:, :, :2], env, q)
            radial = sums[:, :, 2:4].addcmul(grid, sums[:, :, :2]).flatten(2)[:, :, None]
            across = sums[:, :, 4:].reshape(len(env), places, 3, 2 * config.nRs3) * per_x
            # a cosine changes with a position across the direction to it only
            radial -= (across * unit).sum(dim=2, keepdim=True)
            start = config.nRs2 + 2 * config.nRs3 * q
            block = slopes[..., start : start + 2 * config.nRs3]
            torch.addcmul(across, unit, radial, out=block)
        return values, [slopes[:, part] for part in env.slots]

    def pullback(self, env: Environments, cotangent: Tensor) -> Tensor:
        """Compute the derivative of Σ cotangent · representation along each neighbour's position.

        Parameters
        ----------
        env
            n environments with K places.
        cotangent
            (n, M).

        Returns
        -------
        (n, K, 3), in units of the cotangent per Å; zero where padded.
        """
        import torch

        config, layout = self.config, self.layout
        edges = self._edges(env)
        _, two_slope = self._two_body(edges.x, env.mask)
        triples = self._triples(edges, slopes=True)
        radial = edges.x.new_zeros(edges.x.shape)
        along = env.vectors.new_zeros(env.vectors.shape)
        grid = (config.eta3 * self.grid3)[:, None]
        widths = torch.tensor([part.stop - part.start for part in env.slots])
        kinds = torch.arange(layout.elements).repeat_interleave(widths).to(self.device)
        for q, part in enumerate(env.slots):
            own = cotangent[:, layout.two_body(q), None]
            radial[:, part] += (two_slope[:, part] @ own).squeeze(-1)
            per_element = [cotangent[:, layout.three_body(p, q)] for p in range(layout.elements)]
            plain = torch.stack(per_element, dim=1).reshape(len(env), -1, config.nRs3, 2)
            blocks = torch.cat((plain, plain * grid), dim=-1)[:, kinds]
            sums = triples.gaussians[:, :, part] @ blocks
            columns = triples.columns[..., part]
            for i in range(2):
                slope = (columns[2 + i] * sums[..., i]).addcmul_(columns[i], sums[..., 2 + i])
                radial += slope.sum(dim=-1)
                along += (columns[4 + i] * sums[..., i]) @ edges.unit[:, part]
        # as in the Jacobian, a cosine changes across the direction only
        along /= edges.x[..., None]
        along -= edges.unit * (along * edges.unit).sum(dim=-1, keepdim=True)
        return along.addcmul_(edges.unit, radial[..., None])

    def add_forces(
        self, force: Tensor, sorf: Sorf, element: int, slopes: Slopes, sines: Tensor
    ) -> None:
        """Add the parts of an element's atoms to the force rows: see :func:`rows.add_forces`."""
        rows.add_forces(force, sorf, element, slopes, sines)
