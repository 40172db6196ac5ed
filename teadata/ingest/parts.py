"""Which frames of a file train, validate and test, where one file holds several roles.

Files of indices beside it say so (as rMD17 ships them), arrays of indices in it, or a key of every
frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from teadata import indices
from teadata.arrays import text
from teadata.arrays.images import ImageFile
from teadata.card import DatasetCard
from teadata.errors import DataError, TeaError
from teadata.ingest.archives import Found, PassedOver
from teadata.ingest.naming import ROLE_WORDS, stated_roles, stated_subsets, words
from teadata.ingest.sources import Source
from teadata.typing import Ints

KEYS = ("split", "role", "set", "partition")
"""Keys under which each frame may state its role."""


@dataclass(frozen=True)
class Part:
    """Frames of a file that are taken together.

    Parameters
    ----------
    source
        The file.
    label
        How the user names the part, and what its name says of it.
    rows
        (n,) places of the frames in the file, from 0; None for all of it.
    role, subset
        What something else than the name says; None where nothing does.
    origin
        What says so.
    listed
        The user's file of indices, or the archive it is in.
    """

    source: Source
    label: str
    rows: Ints | None = None
    role: str | None = None
    subset: str | None = None
    origin: str = "name"
    listed: Path | None = None

    @property
    def count(self) -> int:
        """Number of frames."""
        return self.source.header.count if self.rows is None else len(self.rows)


def find_parts(
    sources: Sequence[Source], files: Sequence[Found], card: DatasetCard
) -> tuple[list[Part], list[PassedOver]]:
    """Divide files of frames by what says their roles; also what lists of indices are not taken.

    Parameters
    ----------
    sources
        The files of frames.
    files
        Files that may list indices.
    card
        The dataset's card.

    Raises
    ------
    DataError
        If a list of indices names frames that its file does not have.
    """
    inside = {source.label: [*_by_arrays(source), *_by_key(source, card)] for source in sources}
    beside: dict[str, list[Part]] = {}
    passed = []
    for file in files:
        roles = stated_roles(PurePosixPath(file.label).name) or stated_roles(file.label)
        if len(roles) != 1:
            passed.append(PassedOver(file.label, "no file of frames, and its name says no role"))
            continue
        (role,) = roles
        try:
            rows = indices.read(file.path, role)
        except TeaError:
            passed.append(PassedOver(file.label, "neither frames nor a list of indices"))
            continue
        free = [s for s in sources if not inside[s.label] and not stated_roles(s.label)]
        source = _partner(file.label, free, card)
        if source is None:
            passed.append(PassedOver(file.label, "indices, but of which file of frames is unclear"))
            continue
        part = Part(
            source, file.label, rows, role, origin=f"indices of {source.label}", listed=file.given
        )
        beside.setdefault(source.label, []).append(part)
    parts = []
    for source in sources:
        parts += inside[source.label] or beside.get(source.label) or [Part(source, source.label)]
    for part in parts:
        _check(part)
    return parts, passed


def _check(part: Part) -> None:
    count = part.source.header.count
    if part.rows is not None and part.rows.max() >= count:
        raise DataError(
            f"{part.label}: names frame {part.rows.max()}, {part.source.label} has {count}, which "
            "count from 0; if these count from 1, subtract 1"
        )


def _partner(label: str, sources: Sequence[Source], card: DatasetCard) -> Source | None:
    """The file of frames that a list of indices is of; None if none or several may be."""
    subsets = stated_subsets(label, card)
    fitting = [
        source
        for source in sources
        if not subsets or stated_subsets(source.label, card) in (set(), subsets)
    ]
    same = [source for source in fitting if stated_subsets(source.label, card) == subsets]
    for some in (same if subsets else [], fitting):
        depth = [_shared(label, source.label) for source in some]
        near = [s for s, d in zip(some, depth, strict=True) if d == max(depth)]
        if len(near) == 1:
            return near[0]
    return None


def _shared(one: str, other: str) -> int:
    """How many folders two files have in common, from the outside in."""
    pairs = zip(PurePosixPath(one).parts[:-1], PurePosixPath(other).parts[:-1], strict=False)
    count = 0
    for a, b in pairs:
        if a != b:
            break
        count += 1
    return count


def _by_arrays(source: Source) -> list[Part]:
    """Parts that arrays of indices in the file name, such as ``idx_train``."""
    file = source.file
    if isinstance(file, ImageFile):
        return []
    parts, wrong = [], []
    for name in file.names:
        roles = _roles(name)
        if len(roles) != 1 or file.dtype(name).kind not in "iu" or len(file.shape(name)) != 1:
            continue
        rows = file.whole(name).astype(np.int64)
        if len(rows) == 0 or rows.min() < 0 or len(np.unique(rows)) < len(rows):
            wrong.append(name)
            continue
        parts.append(
            Part(source, f"{source.label}#{name}", rows, roles.pop(), origin=f"array {name}")
        )
    if parts and wrong:
        raise DataError(
            f"{source.label}: {' and '.join(wrong)}: expected places of frames from 0, each once, "
            f"as in {parts[0].origin}; found none, a negative one, or one twice; correct the "
            "array, or take it out of the file"
        )
    return parts


def _roles(value: str) -> set[str]:
    """The roles that a text names."""
    return {ROLE_WORDS[word] for word in words(value) if word in ROLE_WORDS}


def _by_key(source: Source, card: DatasetCard) -> list[Part]:
    """Parts by the role, and the subset, that each frame states."""
    file, count = source.file, source.header.count
    key = next((name for name in KEYS if name in file.names), None)
    if key is None or file.dtype(key).kind not in "SUO":
        return []
    stated = file.whole(key).reshape(-1)
    if len(stated) != count:
        return []
    subset = np.array([""] * count, dtype=object)
    if "subset" in file.names and file.dtype("subset").kind in "SUO":
        subset = np.array([text(value) for value in file.whole("subset").reshape(-1)], object)
    groups: dict[tuple[str, str], list[int]] = {}
    for row, value in enumerate(stated):
        groups.setdefault((subset[row], text(value)), []).append(row)
    parts = []
    roles = {value: _roles(value) for _, value in groups}
    if not any(len(said) == 1 for said in roles.values()):
        return []
    for (of, value), rows in groups.items():
        said = roles[value]
        if len(said) != 1:
            raise DataError(
                f"{source.label}: {key} is {value!r} for {len(rows)} of its {count} frames, which "
                "says no role (train, valid, test), and for others it does; take these frames out "
                "of the file, or correct their role"
            )
        named = stated_subsets(value, card) or ({of} & set(card.subsets))
        parts.append(
            Part(
                source,
                f"{source.label}#{'/'.join(filter(None, (of, value)))}",
                np.array(rows),
                next(iter(said)),
                next(iter(named)) if len(named) == 1 else None,
                f"key {key}",
            )
        )
    return parts
