"""Splits: which frames train, validate and test, in which order.

A split is named ``<subset>/<role>/<size>``: ``folded/train/200`` is the first 200 frames of
the folded training frames, so the 200 are contained in the 400.  Test sets have no size:
``folded/test``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from teadata.errors import DataError, UsageError, expect, unknown_name
from teadata.files import atomic_write
from teadata.lookup import Consecutive, Gathered
from teadata.typing import Ints

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

BATCH = 1 << 17
"""Rows of the table read at a time."""

ROLES = ("train", "valid", "test")
"""Roles that a frame can have."""


class SplitName(NamedTuple):
    """A parsed split name; ``size`` is None for test sets and for "all there are"."""

    subset: str
    role: str
    size: int | None = None

    @classmethod
    def parse(cls, text: str) -> SplitName:
        """Parse ``<subset>/<role>[/<size>]``.

        Raises
        ------
        UsageError
            If the text is not of that form, or asks for a size of a test set.
        """
        expect(text, str, "the name of a split, e.g. 'folded/train/200'")
        match = re.fullmatch(r"([^/]+)/([^/]+)(?:/(\d+))?", text)
        if not match:
            raise UsageError(
                f"split {text!r} is not of the form <subset>/<role>[/<size>], "
                "e.g. folded/train/200 or folded/test"
            )
        subset, role, size = match.groups()
        if role not in ROLES:
            raise unknown_name("role", role, ROLES)
        if role == "test" and size is not None:
            raise UsageError(
                f"split {text!r}: test sets have no size, they are always used whole; "
                f"ask for {subset}/test"
            )
        return cls(subset, role, None if size is None else int(size))

    def __str__(self) -> str:
        return "/".join(str(part) for part in self if part is not None)


Key = tuple[str, str]
"""Subset and role."""


class Members(Mapping[Key, Ints]):
    """For each subset and role, the (n,) ids of its frames; those that follow each other are made
    when they are asked for.

    Parameters
    ----------
    held
        The ids.
    """

    def __init__(self, held: Mapping[Key, Ints | Consecutive]) -> None:
        self.held = dict(held)

    def __getitem__(self, key: Key) -> Ints:
        return self.held[key][:]

    def __iter__(self) -> Iterator[Key]:
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)


@dataclass(frozen=True, repr=False)
class SplitTable:
    """The frames of every subset and role of a dataset, in rank order.

    Parameters
    ----------
    members
        For each (subset, role), the (n,) ids of its frames, first rank first.
    """

    members: Mapping[Key, Ints]

    def __iter__(self) -> Iterator[str]:
        """Names of the splits, ``<subset>/<role>``, in table order."""
        return (f"{subset}/{role}" for subset, role in self.members)

    def __len__(self) -> int:
        return len(self.members)

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def __repr__(self) -> str:
        counts = ", ".join(f"{'/'.join(key)} {len(ids)}" for key, ids in self.members.items())
        return f"SplitTable({counts})"

    def _repr_html_(self) -> str:
        from teadata.output.display import html_table

        rows = [(f"{s}/{r}", len(ids)) for (s, r), ids in self.members.items()]
        return html_table("SplitTable", ("split", "frames"), rows)

    def to_pandas(self) -> pd.DataFrame:
        """The table as a DataFrame: frame, subset, role, rank.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        from teadata.output.display import data_frame

        keys, ids = list(self.members), list(self.members.values())
        counts = [len(some) for some in ids]
        return data_frame(
            {
                "frame": np.concatenate([np.empty(0, np.int64), *ids]),
                "subset": np.repeat([subset for subset, _ in keys], counts),
                "role": np.repeat([role for _, role in keys], counts),
                "rank": np.concatenate([np.empty(0, np.int64), *map(np.arange, counts)]),
            }
        )

    @property
    def subsets(self) -> list[str]:
        """Subsets that have at least one split, in table order."""
        return list(dict.fromkeys(subset for subset, _ in self.members))

    def count(self, subset: str, role: str) -> int:
        """Number of frames that a subset has in a role; 0 if none."""
        held = self._held.get((subset, role))
        return 0 if held is None else len(held)

    @property
    def _held(self) -> Mapping[Key, Ints | Consecutive]:
        """The ids, not made yet if they follow each other."""
        return self.members.held if isinstance(self.members, Members) else self.members

    def ids(self, name: str | SplitName) -> Ints:
        """Ids of a split's frames, (n,), in rank order.

        Any size up to the number of frames there are may be asked for; the sizes of the
        published learning curves are listed in the dataset's card.

        Raises
        ------
        UsageError
            If the subset or role does not exist, or is smaller than the size asked for.
        """
        return self.held_ids(name)[:]

    def held_ids(self, name: str | SplitName) -> Ints | Consecutive:
        """As :meth:`ids`, but those that follow each other take no memory."""
        split = name if isinstance(name, SplitName) else SplitName.parse(name)
        if split.subset not in self.subsets:
            raise unknown_name("subset", split.subset, self.subsets)
        ids = self._held.get((split.subset, split.role))
        if ids is None:
            there = [role for subset, role in self.members if subset == split.subset]
            raise UsageError(
                f"split {split} does not exist: {split.subset} has no {split.role} frames, only "
                f"{' and '.join(there)}"
            )
        if split.size is not None and not 0 < split.size <= len(ids):
            raise UsageError(
                f"split {split} does not exist: {split.subset}/{split.role} has {len(ids)} "
                f"frames, so sizes 1 to {len(ids)} do"
            )
        return ids if split.size is None else ids[: split.size]

    def write(self, path: Path) -> None:
        """Write the table as parquet: columns frame, subset, role, rank."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns: dict[str, list[pa.Array]] = {"frame": [], "subset": [], "role": [], "rank": []}
        for (subset, role), ids in self.members.items():
            # Arrow's own conversion from NumPy would import pandas where that is installed.
            buffers = [None, pa.py_buffer(np.ascontiguousarray(ids, np.int64))]
            columns["frame"].append(pa.Array.from_buffers(pa.int64(), len(ids), buffers))
            columns["subset"].append(pa.repeat(subset, len(ids)))
            columns["role"].append(pa.repeat(role, len(ids)))
            buffers = [None, pa.py_buffer(np.arange(len(ids), dtype=np.int32))]
            columns["rank"].append(pa.Array.from_buffers(pa.int32(), len(ids), buffers))
        whole = {name: pa.concat_arrays(parts) for name, parts in columns.items() if parts}
        schema = pa.schema(
            [
                ("frame", pa.int64()),
                ("subset", pa.string()),
                ("role", pa.string()),
                ("rank", pa.int32()),
            ]
        )
        with atomic_write(path) as partial:
            pq.write_table(pa.table(whole or columns, schema=schema), partial, compression="zstd")

    @classmethod
    def read(cls, path: Path) -> SplitTable:
        """Read a table that :meth:`write` wrote.

        Raises
        ------
        DataError
            If the file is not such a table, or ranks do not run from 0 without gaps.
        """
        import pyarrow as pa

        try:
            columns = _columns(path)
        except (pa.ArrowException, OSError, KeyError) as error:
            raise DataError(f"{path}: not a readable split table ({error})") from None
        pa.default_memory_pool().release_unused()  # Arrow keeps what it read with
        return cls(Members({key: _in_order(path, key, *both) for key, both in columns.items()}))


def _in_order(path: Path, key: Key, frames: Gathered, ranks: Gathered) -> Ints | Consecutive:
    """The frames of a split by their ranks."""
    ids, places = frames.joined(), ranks.joined()
    if isinstance(places, Consecutive) and places.first == 0:
        return ids
    order = np.argsort(places[:], kind="stable")
    if not np.array_equal(places[order], np.arange(len(order))):
        raise DataError(f"{path}: the ranks of {'/'.join(key)} are not 0 … {len(order) - 1}")
    return ids[order]


def _columns(path: Path) -> dict[Key, tuple[Gathered, Gathered]]:
    """The frames and the ranks of each split, in table order; read a batch at a time."""
    import pyarrow.parquet as pq

    # One file on the local disk: the plain reader, without pyarrow.dataset's start-up.
    with pq.ParquetFile(path, read_dictionary=["subset", "role"], pre_buffer=False) as file:
        _check_types(path, file.schema_arrow)
        splits: dict[Key, tuple[Gathered, Gathered]] = {}
        wanted = ["frame", "subset", "role", "rank"]
        # Threads would read all row groups ahead, and a buffer would keep them.
        for batch in file.iter_batches(BATCH, columns=wanted, use_threads=False):
            for name in wanted:
                if batch[name].null_count:
                    raise DataError(f"{path}: not a split table: its column {name} has empty cells")
            # Arrow's own conversion to NumPy would import pandas where that is installed.
            frames, ranks = map(np.from_dlpack, (batch["frame"], batch["rank"]))
            subset, role = batch["subset"], batch["role"]
            places = [np.from_dlpack(c.indices).astype(np.int64) for c in (subset, role)]
            pair = places[0] * len(role.dictionary) + places[1]
            changes = np.flatnonzero(np.diff(pair, prepend=-1))
            kinds, firsts = np.unique(pair[changes], return_index=True)
            for kind, place in sorted(zip(kinds, changes[firsts], strict=True), key=itemgetter(1)):
                key = (subset[int(place)].as_py(), role[int(place)].as_py())
                rows = slice(None) if len(kinds) == 1 else pair == kind
                gathered = splits.setdefault(key, (Gathered(), Gathered()))
                for whole, some in zip(gathered, (frames, ranks), strict=True):
                    whole.add(some[rows].astype(np.int64))
    return splits


INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")
TEXTS = ("string", "large_string", "string_view")

COLUMNS = {
    "frame": ("integers of int64 or narrower", INTEGERS),
    "subset": ("texts", TEXTS),
    "role": ("texts", TEXTS),
    "rank": ("integers", INTEGERS),
}
"""Columns of a split table: what they hold, and Arrow's types of that which lose nothing."""


def _check_types(path: Path, schema: pa.Schema) -> None:
    """Refuse a table without these columns, or with other values in them.

    Raises
    ------
    DataError
        It names the column, and what it has.
    """
    import pyarrow as pa

    for name, (expected, kinds) in COLUMNS.items():
        if name not in schema.names:
            raise DataError(
                f"{path}: not a readable split table: it has no column {name}, only "
                f"{', '.join(schema.names) or 'none'}"
            )
        kind = schema.field(name).type
        if kinds is TEXTS and pa.types.is_dictionary(kind):
            kind = kind.value_type  # texts are read as places in a list of the different ones
        if str(kind) not in kinds:
            raise DataError(
                f"{path}: not a split table: its column {name} is {kind}, expected {expected}; "
                "write it as `SplitTable.write` does"
            )
