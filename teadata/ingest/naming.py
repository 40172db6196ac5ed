"""What file names say: which split a file holds, which dataset it belongs to.

Only whole words count, in the file's own name first, then in the folders it lies in, from
the inside out.  Where a name says nothing, or two things, the user is asked to say it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from teadata.card import DatasetCard
from teadata.errors import DataError, UsageError
from teadata.schema import read_yaml
from teadata.splits import SplitName

ROLE_WORDS = {
    "train": "train",
    "trn": "train",
    "trainset": "train",
    "trainingset": "train",
    "training": "train",
    "valid": "valid",
    "val": "valid",
    "vali": "valid",
    "validset": "valid",
    "validationset": "valid",
    "validation": "valid",
    "test": "test",
    "testing": "test",
    "tst": "test",
    "testset": "test",
}
"""Words for each role."""


_SUFFIXES = re.compile(r"(\.(npz|npy|xyz|extxyz|h5|hdf5|csv|txt|dat|gz))+$", re.IGNORECASE)
"""What a file's name ends on, which says nothing of what it holds."""


@dataclass(frozen=True)
class Claim:
    """What a file is said to hold: a subset, a role, and a size if one is given."""

    subset: str
    role: str
    size: int | None
    origin: str

    @property
    def split(self) -> str:
        """As a split is named; a test set has no size."""
        size = None if self.role == "test" else self.size
        return str(SplitName(self.subset, self.role, size))


def words(text: str) -> list[str]:
    """Split a name into words and numbers, in lower case.

    >>> words("AcAla3_unFolded-train1000")
    ['ac', 'ala', '3', 'unfolded', 'train', '1000']
    """
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text)
    # 1k and 1_000 are numbers of frames
    parts = re.sub(r"(?i)(?<![a-z\d])(\d{1,4})k(?![a-z\d])", r"\g<1>000", parts)
    # A negation belongs to the word it negates: "un-folded" is not "folded".
    parts = re.sub(r"(?i)(?<![a-z])(un|in)[-_ ]?(?=folded|complete|known)", r"\1", parts)
    return re.findall(r"[a-z]+|\d+", parts.lower())


def belongs(name: str, hints: Iterable[str]) -> bool:
    """Whether a name contains one of the hints as consecutive words."""
    text = f" {' '.join(words(name))} "
    return any(f" {hint} " in text for hint in hints)


def _stated(levels: Sequence[list[str]], known: Mapping[str, str]) -> set[str]:
    """The answer of the innermost level that has one."""
    for level in levels:
        said = {known[word] for word in level if word in known}
        if said:
            return said
    return set()


def _levels(label: str) -> list[list[str]]:
    """Words of a label's parts, the file's own name first."""
    path = PurePosixPath(label)
    name = _SUFFIXES.sub("", path.name)
    folders = [re.sub(r"\.(zip|tar|tgz)(\..*)?$", "", part) for part in path.parts[:-1]]
    return [words(name), *(words(part) for part in reversed(folders))]


def claim(
    label: str,
    count: int,
    card: DatasetCard,
    *,
    beside: str = "",
    role: str | None = None,
    subset: str | None = None,
) -> Claim | str:
    """Read from a file's name what it holds, or why that is unclear.

    Parameters
    ----------
    label
        The file's name, with the folders it lies in.
    count
        Frames in the file.
    card
        The dataset's card: the subsets and sizes there are.
    beside
        The file of the frames, where `label` is of a list of indices: it may say the subset.
    role
        The role, where something else than the name says it.
    subset
        The subset, where something else than the name says it.
    """
    levels = _levels(label)
    known = {name: name for name in card.subsets}
    subsets = _stated(levels, known) or (_stated(_levels(beside), known) if beside else set())
    if subset is not None:
        subsets = {subset}
    if not subsets and len(card.subsets) == 1:
        subsets = set(card.subsets)
    roles = {role} if role is not None else _stated(levels, ROLE_WORDS)
    unclear = [
        f"its name says {' and '.join(sorted(said)) or 'no'} {kind}"
        for kind, said in (("subset", subsets), ("role (train, valid, test)", roles))
        if len(said) != 1
    ]
    numbers = {int(word) for level in levels for word in level if re.fullmatch("[1-9][0-9]*", word)}
    sizes = numbers & set(card.sizes)
    if sizes and count not in numbers and count > 1:  # single frames bear serial numbers
        unclear.append(f"its name says {' and '.join(map(str, sorted(sizes)))} frames")
    if unclear:
        return ", ".join(unclear)
    return Claim(subsets.pop(), roles.pop(), count if count in numbers else None, "name")


def stated_roles(label: str) -> set[str]:
    """The roles that a file's name, or the innermost folder that says any, names."""
    return _stated(_levels(label), ROLE_WORDS)


def stated_subsets(label: str, card: DatasetCard) -> set[str]:
    """The subsets that a file's name, or the innermost folder that says any, names."""
    return _stated(_levels(label), {name: name for name in card.subsets})


def mapped(text: str, count: int, card: DatasetCard) -> Claim:
    """Parse what the user says a file holds, e.g. ``folded/train/1000`` or ``folded/test``.

    Raises
    ------
    UsageError
        If there is no such subset or role, or the size is not the number of frames.
    """
    split = SplitName.parse(text)
    card.check_subset(split.subset)
    if split.size not in (None, count):
        raise UsageError(f"--map …={text}: the file has {count} frames, not {split.size}")
    return Claim(split.subset, split.role, split.size, "--map")


PASS = "-"
"""What a mapping says of a file that is not to be taken."""

UNCLEAR = "?"
"""What a mapping that was written says of a file of which nothing is known."""


def parse_map(options: Iterable[str]) -> dict[str, str]:
    """Parse the ``--map FILE=SPLIT`` options, or the files that ``--write-map`` wrote.

    Raises
    ------
    UsageError
        If one is not of that form, a file is named twice, or still has a question mark.
    DataError
        If a file cannot be read.
    """
    splits: dict[str, str] = {}
    for option in options:
        if option.lower().endswith((".yaml", ".yml")) and "=" not in option:
            for name, split in read_map(Path(option)).items():
                if name in splits:
                    raise UsageError(f"--map names {name} twice")
                splits[name] = split
            continue
        name, equals, split = option.rpartition("=")
        if not equals or not name:
            raise UsageError(
                f"--map {option}: expected FILE=<subset>/<role>[/<size>], e.g. "
                "--map data.npz=folded/train/1000"
            )
        if name in splits:
            raise UsageError(f"--map names {name} twice")
        splits[name] = split
    return splits


def read_map(path: Path) -> dict[str, str]:
    """Read a mapping, a line ``file: split`` for each file.

    Raises
    ------
    DataError
        If it is no such file.
    UsageError
        If a file still has a question mark.
    """
    content = read_yaml(path)
    if not isinstance(content, dict) or not all(isinstance(v, str) for v in content.values()):
        raise DataError(
            f"{path}: expected a line for each file, such as data.npz: folded/train/1000, or "
            f"data.npz: '{PASS}' for one that is not taken; `--write-map {path.name}` writes it"
        )
    unclear = [str(name) for name, split in content.items() if split == UNCLEAR]
    if unclear:
        raise UsageError(
            f"{path}: {len(unclear)} files still have a {UNCLEAR}, the first is {unclear[0]}; "
            f"write <subset>/<role>[/<size>] in its place, or {PASS} to leave the file out"
        )
    return {str(name): split for name, split in content.items()}


def choose(mapping: Mapping[str, str], labels: Sequence[str]) -> dict[str, str]:
    """Match the mapping's names to files; gives the split of each label that is named.

    An entry names a file by its whole label, or by the end of it from a ``/`` on.

    Raises
    ------
    UsageError
        If an entry names no file, or several, or two say different things of one.
    """
    splits: dict[str, str] = {}
    for name, split in mapping.items():
        ending = "/" + name.strip("/")
        hits = [label for label in labels if f"/{label}".endswith(ending)]
        if len(hits) != 1:
            shown = ", ".join(hits or labels[:8]) + (" …" if len(hits or labels) > 8 else "")
            what = "several files" if hits else "no file"
            raise UsageError(f"--map {name}={split} names {what}; files: {shown}")
        if splits.setdefault(hits[0], split) != split:
            raise UsageError(
                f"--map says {splits[hits[0]]} and {split} of one file, {hits[0]}; keep one"
            )
    return splits
