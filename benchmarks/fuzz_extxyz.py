"""Reads extended XYZ made at random, regular and hostile, in three ways, and compares every bit.

    python benchmarks/fuzz_extxyz.py 2000

A file is read as it always is, frame by frame alone, and by ASE.  The first two must give the same
numbers or the same error, and where ASE reads the file too, its numbers.  Counted are ``same``,
``ours`` (ASE refuses the file), ``refused`` (by us) and how many of each were read in bulk.  The
seed is the file's number: a file can be made again, ``--first 17`` with N = 1.
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from fuzz import damaged

import teadata
from teadata import formats
from teadata.arrays import open_arrays
from teadata.arrays.extxyz import bulk
from teadata.arrays.extxyz.careful import CarefulReader
from teadata.arrays.extxyz.parts import Cutter, Part
from teadata.arrays.extxyz.template import Templates
from teadata.arrays.extxyz.text_file import open_text
from teadata.arrays.images import NUMBERS, Image
from teadata.errors import DataError
from teadata.formats import extxyz

Random = np.random.Generator
Images = list[dict[str, Any]]

NUMBER: dict[str, Callable[[float], str]] = {
    "padded": "{:16.8f}".format,
    "short": "{:.4f}".format,
    "17 digits": "{:.17g}".format,
    "shortest": repr,
    "exponent": "{:.9e}".format,
    "capital": "{:.12E}".format,
    "many digits": "{:.40f}".format,
    "plus": "{:+.6f}".format,
}
"""How programs write numbers."""

ODD = ("nan", "NaN", "inf", "-inf", "Infinity", "1.5D-03", "1d5", "-0", "-0.0", "5e-324", "1e400",
       "3", "1.", ".5", "1e-400", "0x10", "1_0", "nan(1)", "***", "1,5", "T", "--1",
       "2.2250738585072011e-308", "9007199254740993.0", "0.1e", "1.8e308", "0.1f")  # fmt: skip
"""What may stand in the place of a number, and what may not."""

TRAPS = (
    'name="a b energy=5"', "label='it s'", 'note="say \\"energy=1\\""', "flag", "path=/a/b,c.out",
    "empty=", 'empty=""', 'words="T F T"', "list=[1, 2, 3]", "nested=[[1, 2], [3, 4]]", "a = 3",
    'json="_JSON {\\"a\\": 1}"', "big=12345678901234567890", "sid=007", "none=None", "e=b=1",
    "smiles=C[C@@H](N)O", '"my key"=1', "energy=-7.5", "virial=\"1 0 0 0 1 0 0 0 1\"",
    "unit=Å", "crc32=12345678", "free-energy=2.5", "z={1 2}", "v=1e5 w=T",
)  # fmt: skip
"""What else may stand in a comment line."""

OPEN = ("odd='x", 'odd="1', "odd=[1", "odd={1", "odd=")
"""What may stand at its end, and is read in as many ways as there are programs elsewhere."""

COLUMNS = ("forces:R:3", "q:R:1", "tag:I:1", "mask:L:1", "site:S:1", "mask3:L:3", "pair:I:2")
"""Columns besides species and pos."""


def text_of(random: Random) -> bytes:
    """A file: frames that are alike or not, in one way of writing or several."""
    hostile = random.random() < 0.5
    style = {
        "number": NUMBER[str(random.choice([*NUMBER]))],
        "columns": _columns(random),
        "atoms": int(random.integers(1, 7)),
        "ids": random.random() < 0.6,
        "lattice": random.random() < 0.5,
        "moving": random.random() < 0.5,
        "stress": random.random() < 0.3,
        "traps": [str(random.choice(TRAPS)) for _ in range(random.integers(0, 3))],
        "blank": str(random.choice([" ", " ", "  ", "\t"])),
        "trailing": str(random.choice(["", "", " ", "\t "])),
    }
    frames = []
    for i in range(int(random.integers(1, 60))):
        if hostile and random.random() < 0.05:
            style[str(random.choice(["atoms", "columns", "traps", "ids", "lattice"]))] = None
        frames.append(_frame(random, i, style, odd=hostile))
        if hostile and random.random() < 0.03:
            frames.append(str(random.choice(["\n", "  \n", "\n\n"])))
    content = "".join(frames).encode()
    if random.random() < 0.15:
        content = content.replace(b"\n", b"\r\n")
    if random.random() < 0.15:
        content = content.rstrip()
    return damaged(content, random) if hostile and random.random() < 0.25 else content


def written(random: Random, path: Path) -> bytes:
    """A file as this package or ASE writes it, damaged or not."""
    count, atoms = int(random.integers(1, 80)), int(random.integers(1, 12))
    optional: dict[str, Any] = {
        "cell": 9 * np.eye(3) + random.normal(size=(count, 3, 3)),
        "pbc": (True, True, False),
        "stress": random.normal(size=(count, 3, 3)),
        "trajectories": random.integers(3, size=count),
        "temperatures": random.normal(300, 10, size=count),
    }
    wanted = [name for name in optional if random.random() < 0.5]
    frames = teadata.Frames(
        numbers=random.choice([1, 6, 8, 17], size=atoms),
        positions=random.normal(size=(count, atoms, 3)),
        energies=random.normal(size=count) * 1e4,
        forces=random.normal(size=(count, atoms, 3)),
        **{name: optional[name] for name in wanted if name != "pbc" or "cell" in wanted},
    )
    match random.integers(3):
        case 0:
            formats.write(path, frames, name="a b")
        case 1:
            extxyz.write(path, frames, prefix="REF_")
        case _:
            ase.io.write(path, frames.to_ase(), format="extxyz")
    content = path.read_bytes()
    return damaged(content, random) if random.random() < 0.5 else content


def _columns(random: Random) -> list[str]:
    others = [str(name) for name in random.permutation(COLUMNS)[: random.integers(0, 4)]]
    named = ["species:S:1", "pos:R:3", *others]
    return [str(name) for name in random.permutation(named)] if random.random() < 0.3 else named


def _frame(random: Random, index: int, style: dict[str, Any], *, odd: bool) -> str:
    """A frame; what is None in the style is drawn anew."""
    drawn = {
        "atoms": int(random.integers(1, 7)),
        "columns": _columns(random),
        "traps": [str(random.choice(TRAPS))],
        "ids": bool(random.integers(2)),
        "lattice": bool(random.integers(2)),
    }
    for name, value in drawn.items():
        if style[name] is None:
            style[name] = value
    number, blank = style["number"], style["blank"]
    lattice = np.random.default_rng(1) if not style["moving"] else random
    pairs = [
        f"Properties={':'.join(style['columns'])}",
        f"energy={number(random.normal()).strip()}",
    ]
    if style["lattice"]:
        cell = " ".join(number(x).strip() for x in (5 * np.eye(3) + lattice.random((3, 3))).flat)
        pairs = [f'Lattice="{cell}"', *pairs, 'pbc="T T F"']
    if style["ids"]:
        pairs.append(f"frame_id={index}")
    if style["stress"]:
        pairs.append(f'stress="{" ".join(number(x).strip() for x in random.normal(size=9))}"')
    pairs += style["traps"]
    if odd and random.random() < 0.03:
        pairs.append(str(random.choice(TRAPS)))
        pairs += [str(random.choice(OPEN))] if random.random() < 0.2 else []
    lines = [str(style["atoms"]), " ".join(pairs) + style["trailing"]]
    for _ in range(style["atoms"]):
        words = []
        for kind, width in (name.split(":")[1:] for name in style["columns"]):
            words += [_word(random, kind, number) for _ in range(int(width))]
        if odd and random.random() < 0.002:
            words[random.integers(len(words))] = str(random.choice(ODD))
        if odd and random.random() < 0.0005:
            words.append("1.0")
        lines.append(blank.join(words) + style["trailing"])
    return "\n".join(lines) + "\n"


def _word(random: Random, kind: str, number: Callable[[float], str]) -> str:
    match kind:
        case "S":
            return str(random.choice(["H", "C", "O", "Cl"]))
        case "I":
            return str(random.integers(-9, 99))
        case "L":
            return str(random.choice(["T", "F"]))
    if random.random() < 0.02:  # any double at all
        value = float(np.frombuffer(random.bytes(8), np.float64)[0])
        return repr(value) if np.isfinite(value) else "0.0"
    return number(float(random.normal() * 10.0 ** random.integers(-3, 4)))


def parts_of(path: Path) -> Iterator[Part]:
    """The parts of a file."""
    with open_text(path, "f") as file:
        yield from Cutter(file, DataError).parts()


def in_bulk(path: Path) -> bool:
    """Whether every part of a file is read in bulk."""
    templates = Templates()
    try:
        for part in parts_of(path):
            bulk.blocks(part, templates)
    except (bulk.IrregularError, DataError):
        return False
    return True


def one_by_one(path: Path) -> Images:
    """The images, read frame by frame."""
    reader = CarefulReader(DataError)
    return [image.arrays for part in parts_of(path) for image in reader.images(part)]


def as_always(path: Path) -> Images:
    """The images, read in bulk where that is possible."""
    return [image.arrays for image in _all(path)]


def _all(path: Path) -> Iterator[Image]:
    file: Any = open_arrays(path, "extxyz", "f")
    return file.every_image()


def outcome(read: Callable[[Path], Images], path: Path) -> Images | str:
    """What a way of reading gives, or its error."""
    try:
        return read(path)
    except DataError as error:
        return str(error).removeprefix("f: ")


def with_ase(path: Path) -> Any:
    """The images by ASE; None if it refuses the file."""
    try:
        return ase.io.read(path, ":", format="extxyz")
    except Exception:
        return None


def check_same(one: Images, other: Images) -> None:
    """Two ways gave the same arrays."""
    assert len(one) == len(other), f"{len(one)} images and {len(other)}"
    for i, (left, right) in enumerate(zip(one, other, strict=True)):
        assert list(left) == list(right), f"image {i}: {list(left)} and {list(right)}"
        for name, value in left.items():
            assert value.shape == right[name].shape, f"image {i}: shapes of {name}"
            assert same_bits(value, right[name]), f"image {i}: {name}, {value} {right[name]}"


def same_bits(one: Any, other: Any) -> bool:
    """Whether two arrays hold the same doubles, or the same texts or integers; all NaN are one."""
    one, other = np.asarray(one), np.asarray(other)
    if {one.dtype.kind, other.dtype.kind} <= set(
        "iuf"
    ) and "f" in one.dtype.kind + other.dtype.kind:
        one, other = one.astype(np.float64), other.astype(np.float64)
        nan = np.isnan(one) & np.isnan(other)
        return bool(((one.view(np.int64) == other.view(np.int64)) | nan).all())
    return np.array_equal(one, other)


def check_with_ase(ours: Images, images: Any, blank: bool) -> None:
    """ASE reads the same numbers, to the first blank line: there it stops."""
    assert len(ours) == len(images) or blank, f"{len(ours)} images, and {len(images)} by ASE"
    for i, (found, atoms) in enumerate(zip(ours, images, strict=not blank)):
        results = atoms.calc.results if atoms.calc else {}
        theirs = {"pos": atoms.positions, NUMBERS: atoms.numbers, **results, **atoms.arrays}
        if "cell" in found:
            theirs |= {"cell": atoms.cell.array, "pbc": atoms.pbc}
        theirs |= {name: atoms.info[name] for name in ("frame_id",) if name in atoms.info}
        for name in ("pos", NUMBERS, "energy", "forces", "q", "tag", "pair", "cell", "frame_id"):
            if name in found and name in theirs:
                value, other = found[name], np.asarray(theirs[name])
                assert same_bits(value, other), f"image {i}: {name} is {value}, by ASE {other}"


def check(path: Path) -> str:
    """Read a file in all ways, and compare; what became of it."""
    usual, careful = outcome(as_always, path), outcome(one_by_one, path)
    if isinstance(usual, str) or isinstance(careful, str):
        assert usual == careful, f"{usual!r} and {careful!r}"
        return "refused"
    check_same(usual, careful)
    if (images := with_ase(path)) is None:
        return "ours"
    content = path.read_bytes()
    lines = (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines()
    check_with_ase(usual, images, any(not line.strip() for line in lines))
    return "same"


def run(seed: int, folder: Path) -> str:
    """Make a file and check it."""
    random = np.random.default_rng([seed, 7])
    made = random.random() < 0.3
    content = written(random, folder / "whole.xyz") if made else text_of(random)
    packed = random.random() < 0.1
    path = folder / f"f.xyz{'.gz' if packed else ''}"
    path.write_bytes(gzip.compress(content) if packed else content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = check(path)
    return f"{said}, in bulk" if in_bulk(path) else said


def main() -> None:
    """Check files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.first, options.first + options.count):
            try:
                counts[run(seed, Path(folder))] += 1
            except AssertionError as error:
                counts["different"] += 1
                print(f"{seed}: {error}")
    print(options.count, dict(counts))


if __name__ == "__main__":
    main()
