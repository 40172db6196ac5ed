"""Index files of a new dataset: the places of the frames of each role, and from what they count."""

from __future__ import annotations

import numpy as np

from teadata.create.options import Options
from teadata.errors import DataError, IncompleteError, UsageError
from teadata.indices import read
from teadata.typing import Ints

OPTION = "--first-index"
"""What says how the files number the first frame."""


def read_indices(options: Options, count: int) -> dict[str, Ints]:
    """Read the index files; the places that are returned count from 0.

    Parameters
    ----------
    options
        Which files there are, and what the user says of them.
    count
        Number of frames.

    Raises
    ------
    IncompleteError
        If the files seem to count from 1, and the user has not said whether they do.
    DataError
        If one names a frame that is not there.
    UsageError
        If the user says another first index than 0 or 1, or says one without index files.
    """
    first = options.first_index
    if first not in (None, 0, 1):
        raise UsageError(f"{OPTION} {first}: expected 0 or 1, the index of the first frame")
    if first is not None and not options.indices:
        raise UsageError(f"{OPTION} {first}: no index file is named, of which it could be true")
    found = {role: read(path, role) for role, path in options.indices.items()}
    if first is None and found:
        _check_base(options, found, count)
    start = first or 0
    for role, listed in found.items():
        wrong = listed[(listed < start) | (listed >= count + start)]
        if len(wrong):
            said = f" ({OPTION} {first})" if first is not None else ""
            raise DataError(
                f"{options.indices[role]}: names frame {wrong[0]}, and the files hold {count} "
                f"frames, {start} to {count - 1 + start}{said}"
            )
    return {role: listed - start for role, listed in found.items()}


def _check_base(options: Options, found: dict[str, Ints], count: int) -> None:
    """Refuse indices that are of all files together as if they counted from 1.

    They name the number of frames, or all from 1 up to some frame, and never 0.
    """
    together = np.unique(np.concatenate(list(found.values())))
    lowest, highest = int(together[0]), int(together[-1])
    without_gap = lowest == 1 and 1 < highest < count and len(together) == highest
    if lowest == 0 or not (highest == count or without_gap):
        return
    names = ", ".join(dict.fromkeys(str(path) for path in options.indices.values()))
    what = f"every frame from 1 to {highest}" if len(together) == highest else f"frame {highest}"
    choice = f"say with {OPTION} 1 that they do"
    if highest < count:
        choice += f", or with {OPTION} 0 that the first frame is in none of them"
    raise IncompleteError(
        f"{names}: seem to count from 1, where places count from 0: named is {what}, of {count} "
        f"frames, and frame 0 is not; {choice}",
        [OPTION, "1"],
    )
