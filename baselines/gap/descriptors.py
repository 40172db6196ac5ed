"""Descriptors and kernels of a GAP, in the words of gap_fit."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from baselines.gap.config import (
    TRANSITION,
    GAPConfig,
    SoapKernel,
    soap_kernels,
)
from teadata import Frames
from teadata.errors import DataError
from teadata.structure.neighbours import distances

# As in the two-body stage of the wfl package's example of a multi-stage fit: the transition
# and the kernel's width are a fifth of the cutoff, and pairs are counted up to a little less.
CUTOFF_TO_PAIR_WIDTH = 5.0
COUNTED = 1.4 / 1.5


@dataclass(frozen=True)
class Pair:
    """A pair of elements that is bonded in the training frames.

    Parameters
    ----------
    elements
        Atomic numbers, rising.
    cutoff
        Å.
    distances
        How many distances of the pair lie within the cutoff, over all frames.
    counted
        How many of them count for the weight of the two-body kernel.
    """

    elements: tuple[int, int]
    cutoff: float
    distances: int
    counted: int


def pairs(frames: Frames, config: GAPConfig) -> list[Pair]:
    """Find the pairs of elements that occur within their cutoff at least once per sparse point.

    A pair's cutoff is the mean of its elements' typical bond lengths times `two_body_range`.
    gap_fit stops at a pair that never occurs, or too seldom for its uniform sparse points.

    Raises
    ------
    DataError
        If no pair occurs so often, or an element's length scale is unknown.
    """
    lengths = config.lengths_of(frames.numbers)
    cutoffs = {
        pair: config.two_body_range * (lengths[pair[0]].typical + lengths[pair[1]].typical) / 2
        for pair in itertools.combinations_with_replacement(lengths, 2)
    }
    within = dict.fromkeys(cutoffs, 0)
    counted = dict.fromkeys(cutoffs, 0)
    for _, apart in distances(frames, max(cutoffs.values())):
        for (a, b), cutoff in cutoffs.items():
            between = apart[:, frames.numbers == a][:, :, frames.numbers == b]
            twice = 2 if a == b else 1
            within[a, b] += int((between < cutoff).sum()) // twice
            counted[a, b] += int((between < COUNTED * cutoff).sum()) // twice
    occurring = [
        Pair(pair, cutoff, within[pair], counted[pair])
        for pair, cutoff in cutoffs.items()
        if within[pair] >= config.sparse_two_body
    ]
    if not occurring:
        raise DataError(
            f"no two elements of these {len(frames)} frames of {frames.formula} are within "
            f"{config.two_body_range:g} bond lengths as often as there are sparse points "
            f"({config.sparse_two_body}): nothing to fit a two-body kernel to; train on more "
            "frames, lower sparse_two_body, or raise two_body_range"
        )
    return occurring


def two_body(pair: Pair, config: GAPConfig, delta: float) -> str:
    """Write the two-body descriptor and Gaussian kernel of a pair; δ in eV."""
    first, second = pair.elements
    width = pair.cutoff / CUTOFF_TO_PAIR_WIDTH
    return (
        f"distance_2b Z1={first} Z2={second} cutoff={pair.cutoff!r} "
        f"cutoff_transition_width={width!r} covariance_type=ard_se theta_uniform={width!r} "
        f"n_sparse={config.sparse_two_body} sparse_method=uniform "
        f"delta={delta!r} f0=0.0 add_species=F"
    )


def soap(
    center: int, elements: list[int], kernel: SoapKernel, config: GAPConfig, delta: float
) -> str:
    """Write the SOAP descriptor and polynomial kernel of the atoms of one element; δ in eV."""
    species = " ".join(map(str, elements))
    return (
        f"soap n_max={config.n_max} l_max={config.l_max} atom_sigma={kernel.width!r} "
        f"cutoff={kernel.cutoff!r} cutoff_transition_width={TRANSITION * kernel.cutoff!r} "
        f"central_weight=1.0 Z={center} n_Z=1 n_species={len(elements)} "
        f"species_Z={{{{{species}}}}} covariance_type=dot_product zeta={config.zeta} "
        f"n_sparse={config.sparse_soap} sparse_method=cur_points delta={delta!r} f0=0.0 "
        "add_species=F"
    )


def all_soaps(numbers: list[int], config: GAPConfig, delta: float) -> list[str]:
    """Write the short and the long SOAP kernel of every element; δ in eV."""
    elements = sorted(set(numbers))
    return [
        soap(center, elements, kernel, config, delta)
        for kernel in soap_kernels(elements, config)
        for center in elements
    ]
