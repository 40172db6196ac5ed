"""Atomic environments: the neighbours of atoms, by element, as padded tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from baselines.toolkit.composition import element_index
from baselines.toolkit.neighbours import pairs
from teadata import Frames
from teadata.typing import Ints

if TYPE_CHECKING:
    from torch import Tensor

COLLINEAR = 1e-5
"""Least x·y·sin θ in Å² that is divided by: at collinear atoms the slope of sin θ is zero."""


@dataclass(frozen=True)
class Environments:
    """Environments of n atoms of one element, each with at most K neighbours.

    The K places are divided among the elements; where an atom has fewer neighbours of an
    element than another has, the rest is padded.

    Parameters
    ----------
    element
        Place of the atoms' element in the list of elements.
    centre
        (n,) which atoms they are, counting through the frames of a batch: frame · A + atom.
    vectors
        (n, K, 3) from the atom to its neighbours, images included, in Å; (1, 0, 0) where padded.
    mask
        (n, K) where there is a neighbour.
    target
        (n, K) which atoms the neighbours are, or are images of; 0 where padded.
    slots
        Which of the K places each element has.
    """

    element: int
    centre: Tensor
    vectors: Tensor
    mask: Tensor
    target: Tensor
    slots: tuple[slice, ...]

    def __len__(self) -> int:
        return len(self.centre)


def _pairs(frames: Frames, cutoff: float) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """Find pairs (i, j) closer than the cutoff, in both orders, and their vectors in Å."""
    parts = []
    for n in range(len(frames)):
        i, j, _, vectors = pairs(frames, n, cutoff)
        first = n * frames.n_atoms
        parts.append((i.astype(np.int64) + first, j.astype(np.int64) + first, vectors))
    centre, target, vectors = (np.concatenate(part) for part in zip(*parts, strict=True))
    return centre, target, vectors


def ranks(groups: Ints) -> Ints:
    """Number the members of each group, given sorted group numbers (n,)."""
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    counts = np.diff(starts, append=len(groups))
    return np.arange(len(groups)) - np.repeat(starts, counts)


def _groups(counts: Ints, most: int) -> Iterator[slice]:
    """Split falling counts (n,) of neighbours into parts with about `most` pairs."""
    start = 0
    while start < len(counts):
        stop = start + max(1, int(most // max(1, counts[start] ** 2)))
        yield slice(start, stop)
        start = stop


def environments(
    frames: Frames,
    elements: Sequence[int],
    cutoff: float,
    dtype: Any,
    device: str,
    most: int = 1 << 16,
) -> list[Environments]:
    """Make the environments of all atoms of a batch of frames, in groups of similar size.

    Parameters
    ----------
    frames
        At least one frame; periodic along the cell vectors that pbc says, with as many images
        as are closer than the cutoff.
    elements
        Atomic numbers that the representation knows, in its order.
    cutoff
        In Å.
    dtype, device
        torch's, of the vectors, and where to put all of it.
    most
        Pairs of neighbours that a group has at most, unless a single atom has more.

    Raises
    ------
    MissingExtraError
        If vesin is not installed.
    DataError
        If an element is not known.
    """
    kinds = np.tile(element_index(frames, elements, "FCHL19*"), len(frames))
    centre, target, vectors = _pairs(frames, cutoff)
    order = np.lexsort((kinds[target], centre))
    centre, target, vectors = centre[order], target[order], vectors[order]
    place = ranks(centre * len(elements) + kinds[target])
    counts = np.bincount(centre, minlength=len(kinds))
    starts = np.cumsum(counts) - counts
    padded = []
    for element in np.unique(kinds).tolist():
        atoms = np.flatnonzero(kinds == element)
        atoms = atoms[np.argsort(-counts[atoms], kind="stable")]
        for part in _groups(counts[atoms], most):
            chosen = atoms[part]
            row = np.repeat(np.arange(len(chosen)), counts[chosen])
            edges = np.repeat(starts[chosen], counts[chosen]) + ranks(row)
            padded.append(
                _padded(
                    element, chosen, row, kinds[target[edges]], place[edges],
                    vectors[edges], target[edges], len(elements), dtype, device,
                )
            )  # fmt: skip
    return padded


def _padded(
    element: int,
    atoms: Ints,
    row: Ints,
    kind: Ints,
    place: Ints,
    vectors: NDArray[np.float64],
    target: Ints,
    elements: int,
    dtype: Any,
    device: str,
) -> Environments:
    """Pad the neighbours of some atoms, given by row, element and place, to environments."""
    import torch

    widths = np.zeros(elements, dtype=np.int64)
    np.maximum.at(widths, kind, place + 1)
    ends = np.cumsum(widths)
    where = row, (ends - widths)[kind] + place
    shape = (len(atoms), int(ends[-1]))
    padded = np.zeros((*shape, 3))
    padded[..., 0] = 1.0
    padded[where] = vectors
    mask, parents = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=np.int64)
    mask[where], parents[where] = True, target
    return Environments(
        element,
        torch.from_numpy(atoms).to(device),
        torch.from_numpy(padded).to(device, dtype),
        torch.from_numpy(mask).to(device),
        torch.from_numpy(parents).to(device),
        tuple(
            slice(end - width, end)
            for end, width in zip(ends.tolist(), widths.tolist(), strict=True)
        ),
    )
