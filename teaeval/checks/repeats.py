"""Find frames without forces, and frames that have the forces of another one.

A file that was not written to its end has zeros where nothing was written, and a loop that does
not clear what it computed last writes it again.  No model computes the same forces, to the last
bit, for two different geometries, but for one that knows only some: the nearest training frame,
or a constant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from teadata.stored_frames import AnyFrames
from teadata.typing import Ints, Mask
from teaeval.checks.sample import COMPONENTS, evenly
from teaeval.predictions.findings import Evidence, Finding
from teaeval.predictions.places import Places
from teaeval.predictions.prediction import Prediction

PAIRS = 500
"""Largest number of frames with equal forces that are compared with each other."""

FEWEST_ATOMS = 3
"""The forces of two atoms are one number along a line, and may be equal after rounding."""

PART = 1 << 19
"""Frames whose numbers are compared in one go; of more, up to 16 parts are compared in turn."""

SAME = 0.01
"""Reference forces are the same if they differ by less than this share of their RMS."""


Digests = NDArray[np.uint64]


class Numbers(Protocol):
    """A number for each of N frames, which are the same for equal forces."""

    def __len__(self) -> int:
        """Number of frames."""
        ...

    def __iter__(self) -> Iterator[Digests]:
        """The numbers in the order of the frames, a piece at a time."""
        ...


class Compared(Protocol):
    """What was found out about each of the N frames of a test set, in one pass over its forces."""

    @property
    def scored(self) -> Mask:
        """(N,) which frames have a finite prediction."""
        ...

    @property
    def zero(self) -> Ints:
        """(Z,) frames that have forces of exactly zero where the reference has not."""
        ...

    @property
    def digests(self) -> Numbers:
        """Of every frame, a number that depends on every bit of its forces."""
        ...


def diagnose(
    prediction: Prediction, test: AnyFrames, places: Places, compared: Compared
) -> list[Finding]:
    """Find zero forces where the reference has some, and equal ones where it has different ones.

    Parameters
    ----------
    prediction, test
        What was predicted, and the N frames of the test set.
    places
        Which frame of the test set is predicted where.
    compared
        What one pass over the forces said about each frame.
    """
    scored = int(np.count_nonzero(compared.scored))
    zero = compared.zero[compared.scored[compared.zero]]
    found = [_zero(test, zero, scored)] if len(zero) else []
    if test.n_atoms < FEWEST_ATOMS or not len(repeated := _repeated(compared.digests)):
        return found
    looked = compared.scored.copy()
    looked[zero] = False
    rows, digests = _with(repeated, compared.digests, looked)
    equal = _equal(prediction, test, places, rows, digests, scored - len(zero))
    return [*found, equal] if equal is not None else found


def _repeated(numbers: Numbers) -> Digests:
    """The numbers that several frames have, ascending; few frames' are in memory at a time."""
    bits = min(4, (len(numbers) // PART).bit_length())
    found = [np.empty(0, np.uint64)]
    for kind in range(1 << bits):  # equal numbers begin with the same bits
        some = np.concatenate([piece[_begins(piece, bits, kind)] for piece in numbers])
        some.sort()
        found.append(np.unique(some[1:][some[1:] == some[:-1]]))
    return np.concatenate(found)


def _begins(digests: Digests, bits: int, kind: int) -> Mask | slice:
    """Which numbers begin with these bits."""
    if not bits:
        return slice(None)
    begun: Mask = digests >> np.uint64(64 - bits) == kind
    return begun


def _with(wanted: Digests, numbers: Iterable[Digests], looked: Mask) -> tuple[Ints, Digests]:
    """Frames among those that are looked at (N,) with one of these numbers, and their numbers."""
    rows, digests, start = [], [], 0
    for piece in numbers:
        there = np.flatnonzero(looked[start : start + len(piece)] & np.isin(piece, wanted))
        rows.append(start + there)
        digests.append(piece[there])
        start += len(piece)
    return np.concatenate(rows), np.concatenate(digests)


def _named(test: AnyFrames, rows: Ints) -> str:
    """The first ids of some frames of the test set."""
    return ", ".join(map(str, test.ids[rows[:3]])) + (", …" if len(rows) > 3 else "")


def _zero(test: AnyFrames, rows: Ints, count: int) -> Finding:
    """Error if some frames have no forces, warning if none has any."""
    evidence: dict[str, Evidence] = {"frames": len(rows), "scored": count}
    if len(rows) == count:
        return Finding.warning(
            "zero-forces",
            expected="predicted forces",
            found=f"forces of exactly zero in all of {count} frames, as of a model without any",
            remedy="predict forces; nothing is to be done if the model has none",
            evidence=evidence,
        )
    return Finding.error(
        "zero-forces",
        expected="forces of every frame",
        found=f"forces of exactly zero in {len(rows)} of {count} frames, where the reference's are "
        f"not, as in a file that was not written to its end: frame_id {_named(test, rows)}",
        remedy="predict these frames again; where the model failed, save NaN and score with "
        "--allow-failed",
        evidence=evidence,
    )


def _equal(
    prediction: Prediction,
    test: AnyFrames,
    places: Places,
    rows: Ints,
    digests: Digests,
    count: int,
) -> Finding | None:
    """Error if frames have the forces of another one and energies of their own, else a warning.

    Parameters
    ----------
    prediction, test, places
        As above.
    rows, digests
        (n,) frames whose number another frame may have, and the numbers.
    count
        Frames that are looked at: these and those with a number of their own.
    """
    _, first, group = np.unique(digests, return_index=True, return_inverse=True)
    others = np.flatnonzero(first[group] != np.arange(len(rows)))
    if len(others) == 0:
        return None
    different = count - len(others)
    looked = others[evenly(len(others), min(PAIRS, COMPONENTS // (6 * test.n_atoms)))]
    one, other = rows[looked], rows[first[group[looked]]]
    reference = test.forces[np.unique(np.concatenate([one, other]))]
    tolerance = SAME * float(np.sqrt(np.mean(reference**2)))
    apart = np.abs(test.forces[one] - test.forces[other]).max(axis=(1, 2)) > tolerance
    mine, its = places.sources(one), places.sources(other)
    wrong = apart & (prediction.forces[mine] == prediction.forces[its]).all(axis=(1, 2))
    if not wrong.any():
        return None
    repeated = round(len(others) * float(wrong.mean()))
    stale = int((prediction.energies[mine] != prediction.energies[its])[wrong].sum())
    pair = f"frame_id {test.ids[one[wrong][0]]} those of {test.ids[other[wrong][0]]}"
    return _equal_forces(pair, repeated, count, different, stale)


def _equal_forces(pair: str, repeated: int, count: int, different: int, stale: int) -> Finding:
    """Error if repeated forces stand beside other energies, else a warning.

    Parameters
    ----------
    pair
        Two such frames, in words.
    repeated, count
        Frames with the forces of another one, of how many.
    different, stale
        How many different forces there are, and how many frames have repeated ones beside an
        energy of their own.
    """
    evidence: dict[str, Evidence] = {
        "frames": repeated,
        "scored": count,
        "different": different,
        "stale": stale,
    }
    found = f"exactly the forces of another frame in {repeated} of {count} frames ({pair})"
    if different == 1:
        found = f"exactly the same forces in all of {count} frames"
    if stale and different > 1:
        return Finding.error(
            "equal-forces",
            expected="the forces of each frame",
            found=f"{found}, beside another energy, where the reference's forces differ",
            remedy="predict these frames again, and look whether the loop that saves forces keeps "
            "those of the frame before",
            evidence=evidence,
        )
    return Finding.warning(
        "equal-forces",
        expected="the forces of each frame",
        found=f"{found}, where the reference's forces differ",
        remedy="look whether the model gives one answer for many frames, or whether ASE's images "
        "share a calculator, which has the results of the last one: give each a "
        "SinglePointCalculator of its results; nothing is to be done if the model is like that",
        evidence=evidence,
    )
