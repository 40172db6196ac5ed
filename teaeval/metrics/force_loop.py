"""The sums of :mod:`teaeval.metrics.force_sums` in one loop that numba compiles.

Nothing here may be reordered or contracted: the digits are those of NumPy's way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from teadata.typing import Floats, Ints


def sum_forces(
    predicted: Floats,
    bits: NDArray[np.uint64],
    reference: Floats,
    order: Ints,
    starts: Ints,
    weights: NDArray[np.uint64],
    digests: NDArray[np.uint64],
    absolute: Floats,
    square: Floats,
    largest: Floats,
    total: Floats,
    magnitude: Floats,
    spread: Floats,
) -> None:
    """Compute the fields of :class:`~teaeval.metrics.force_sums.ForceSums` in place.

    Parameters
    ----------
    predicted, reference
        (N, V) values of each frame, kcal/mol/Å.
    bits
        The predicted ones as integers.
    order
        (V,) values by element.
    starts
        (E + 1,) places in `order` at which each element begins, and the end.
    weights
        (V,) what the bits of the values are multiplied by.
    digests, absolute, square, largest, total, magnitude, spread
        What is computed.
    """
    minus_zero = np.uint64(1) << np.uint64(63)
    for n in range(predicted.shape[0]):
        digest = np.uint64(0)
        for v in range(predicted.shape[1]):
            bit = bits[n, v]
            digest += (np.uint64(0) if bit == minus_zero else bit) * weights[v]
        digests[n] = digest
        for e in range(starts.shape[0] - 1):
            value = reference[n, order[starts[e]]]
            gap = abs(predicted[n, order[starts[e]]] - value)
            gaps, squares, most, values, lengths = gap, gap * gap, gap, value, abs(value)
            for k in range(starts[e] + 1, starts[e + 1]):
                value = reference[n, order[k]]
                gap = abs(predicted[n, order[k]] - value)
                gaps += gap
                squares += gap * gap
                most = max(most, gap)
                values += value
                lengths += abs(value)
            mean = values / (starts[e + 1] - starts[e])
            about = reference[n, order[starts[e]]] - mean
            abouts = about * about
            for k in range(starts[e] + 1, starts[e + 1]):
                about = reference[n, order[k]] - mean
                abouts += about * about
            absolute[e, n], square[e, n] = gaps, squares
            # A sum of magnitudes is not a number where one of them is none.
            largest[e, n] = most if gaps == gaps else np.nan
            total[e, n], magnitude[e, n], spread[e, n] = values, lengths, abouts
