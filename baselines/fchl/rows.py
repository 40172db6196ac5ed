"""Derivatives of the representations of an element, and the force rows they add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from baselines.fchl.sorf import Sorf

COLUMNS = {"cpu": 1 << 18, "cuda": 1 << 26}
"""Numbers of a Hadamard transform of derivatives that are held at once."""


STACKS = {"cpu": 1, "cuda": COLUMNS["cuda"]}
"""Numbers that are transformed at once for several stacks: on a GPU each alone is too small."""


class Slopes(NamedTuple):
    """Projected representations of n atoms of an element, and all m derivatives of them.

    ``values`` (d, n); ``slopes`` (m, 3, d) per Å; ``target`` (m,), along whose position each is,
    counting the atoms through the frames; ``source`` (m,), whose it is, of the n.
    """

    values: Tensor
    slopes: Tensor
    target: Tensor
    source: Tensor


def add_forces(force: Tensor, sorf: Sorf, element: int, slopes: Slopes, sines: Tensor) -> None:
    """Add the parts of the atoms of an element to the force rows, on any device.

    Atoms with the same number of derivatives are taken together, and each is given as many
    places as the first has, so that what belongs to one is summed along an axis.

    Parameters
    ----------
    force
        (N · A, 3, N_f), float64.
    sorf
        The random features.
    element
        Place of the element in the list of elements.
    slopes
        Of the n atoms of the element.
    sines
        (N_f, n), of its features.
    """
    import torch

    d, atoms, device = sorf.d, len(force), force.device
    target = slopes.target.cpu().numpy()
    counts = np.bincount(target, minlength=atoms)
    order = np.argsort(target, kind="stable")
    starts = np.cumsum(counts) - counts
    by_count = np.argsort(-counts, kind="stable")
    # what is behind the last is where padding points to
    padded = torch.cat((slopes.slopes, slopes.slopes.new_zeros(1, 3, d)))
    source = torch.cat((slopes.source, slopes.source.new_zeros(1)))
    order = np.append(order, len(target))
    shape = sorf.features, 3, atoms  # the atoms by their counts
    parts = torch.zeros(shape, dtype=slopes.slopes.dtype, device=device)
    start = 0
    while start < atoms and (room := int(counts[by_count[start]])):
        stop = min(start + max(1, COLUMNS[device.type] // (3 * d * room)), atoms)
        chosen = by_count[start:stop]
        place = np.arange(room)[:, None]
        table = np.where(place < counts[chosen], starts[chosen] + place, len(target))
        which = torch.from_numpy(order[table]).to(device)
        owner = source[which].flatten()
        columns = padded[which].permute(3, 2, 0, 1).reshape(d, -1).contiguous()
        together = max(1, STACKS[device.type] // columns.numel())
        for first in range(0, sorf.stacks, together):
            stacks = slice(first, min(first + together, sorf.stacks))
            rows = slice(stacks.start * d, stacks.stop * d)
            turned = sorf.project(columns, element, stacks)
            turned = turned.view(-1, 3, columns.shape[1] // 3)
            turned *= sines[rows].index_select(1, owner)[:, None]
            turned = turned.view(len(turned), 3, room, -1)
            torch.sum(turned, dim=2, out=parts[rows, :, start:stop])
        start = stop
    places = torch.from_numpy(np.argsort(by_count)).to(device)
    force += parts.index_select(2, places).permute(2, 1, 0)
