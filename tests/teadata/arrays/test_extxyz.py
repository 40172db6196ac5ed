"""Extended XYZ as programs write it, and as it must not be."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from teadata import formats
from teadata.arrays import open_arrays
from teadata.arrays.systems import by_system
from teadata.errors import DataError

SAYS = (
    'Lattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3:forces:R:3 energy=-1.5 frame_id=7'
)
ATOMS = "H 0.0 0.5 1.0 0.1 0.2 0.3\nO 1.0 2.0 3.0 -0.1 -0.2 -0.3\n"


def xyz(says: str = SAYS, atoms: str = ATOMS, count: str = "2") -> str:
    return f"{count}\n{says}\n{atoms}"


def read(path: Path, content: bytes | str) -> dict[str, np.ndarray]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    file = open_arrays(path)
    return {name: file.whole(name) for name in file.names}


TEXTS = {
    "plain": xyz().encode(),
    "byte order mark": b"\xef\xbb\xbf" + xyz().encode(),
    "CR LF": xyz().replace("\n", "\r\n").encode(),
    "CR": xyz().replace("\n", "\r").encode(),
    "blank lines": ("\n" + xyz() + "\n  \n\n").encode(),
    "blanks before a frame": ("\n \t\n\u2003\n\n  " + xyz()).encode(),
    "no last line end": xyz().rstrip("\n").encode(),
    "Fortran's exponents": xyz(atoms=ATOMS.replace("0.5", "5.0D-01")).encode(),
    "small letters": xyz().replace("H 0", "h 0").encode(),
    "atomic numbers": xyz(
        SAYS.replace("species:S:1", "Z:I:1"), ATOMS.replace("H", "1").replace("O", "8")
    ).encode(),
    "Latin-1": (xyz(SAYS + " unit=Å").encode("latin-1")),
}


@pytest.mark.parametrize("content", TEXTS.values(), ids=TEXTS)
def test_a_text_as_programs_write_it(tmp_path, content):
    found = read(tmp_path / "F.XYZ", content)
    np.testing.assert_array_equal(found["numbers"], [1, 8])
    np.testing.assert_array_equal(found["pos"], [[[0, 0.5, 1], [1, 2, 3]]])
    np.testing.assert_array_equal(found["forces"][0, 1], [-0.1, -0.2, -0.3])
    np.testing.assert_array_equal(found["cell"], [9 * np.eye(3)])
    assert found["energy"] == [-1.5]
    assert found["frame_id"] == [7]


def test_it_may_be_compressed(tmp_path):
    assert read(tmp_path / "f.xyz.gz", gzip.compress(xyz().encode()))["energy"] == [-1.5]


COMMENTS = {
    "a=1": ("a", 1),
    "parent": ("parent", True),
    "parent=None": ("parent", None),
    "label= b=2": ("b", 2),
    "label=": ("label", ""),
    'label=""': ("label", ""),
    "path=/a/b,c.out": ("path", "/a/b,c.out"),
    r"path=C:\runs\new": ("path", r"C:\runs\new"),
    r'label="say \"hi\""': ("label", 'say "hi"'),
    "a=b=1": ("a", "b=1"),
    '"my key"=1': ("my key", 1),
    "log=" + "x" * 200_000: ("log", "x" * 200_000),
    'sid="007"': ("sid", "007"),
    "a = 3": ("a", 3),
    "x=nan": ("x", np.nan),
    "big=4294967303": ("big", 4294967303),
    "huge=12345678901234567890": ("huge", "12345678901234567890"),
    "smiles=C[C@@H](N)C(=O)O": ("smiles", "C[C@@H](N)C(=O)O"),
    'meta="_JSON {\\"a\\": [1, 2]}"': ("meta", '_JSON {"a": [1, 2]}'),
}


@pytest.mark.parametrize(("text", "expected"), COMMENTS.items(), ids=[c[:24] for c in COMMENTS])
def test_comment_lines(tmp_path, text, expected):
    key, value = expected
    found = read(tmp_path / "f.xyz", xyz(f"{SAYS} {text}"))
    assert found["energy"] == [-1.5]
    if value is None:
        assert key not in found
    else:
        np.testing.assert_array_equal(found[key], [value])


def test_a_lattice_in_whatever_case_and_form(tmp_path):
    for lattice in ('lattice="9 0 0 0 9 0 0 0 9"', "LATTICE=[[9,0,0],[0,9,0],[0,0,9]]"):
        says = SAYS.replace('Lattice="9 0 0 0 9 0 0 0 9"', lattice)
        np.testing.assert_array_equal(read(tmp_path / "f.xyz", xyz(says))["cell"], [9 * np.eye(3)])


REFUSED = {
    "cut in the atoms": (xyz() + xyz(atoms=ATOMS[:26]), "image 1 .line 5. says 2 atoms, .*after 1"),
    "cut after the count": (xyz() + "2\n", "image 1 .line 5. says 2 atoms"),
    "cut after the comment": (xyz() + f"2\n{SAYS}\n", "image 1 .line 5. says 2 atoms"),
    "cut inside a number": (xyz(atoms="H 0 0 0 0 0 0.12\nO 0 0 0 0 0 0.1"), "inside its last"),
    "a count that is none": (xyz() + "x\n", "line 5: expected the number of atoms of image 1"),
    "no count behind blank lines": ("\n \n\n" + xyz(count="x"), "line 4: expected the number"),
    "no atoms": (xyz() + f"0\n{SAYS}\n", "line 5: image 1 says '0' atoms"),
    "too many atoms": (xyz(count="99999999999"), "line 1: image 0 says"),
    "more digits than an int has": (xyz(count="9" * 5000), "line 1: image 0 says"),
    "too wide a column": (xyz(SAYS.replace("pos:R:3", "pos:R:99999999")), "expected the 100000003"),
    "columns that are none": (xyz(SAYS.replace(":R:3", ":R", 1)), "expected Properties as"),
    "no symbols": (xyz(SAYS.replace("species", "site")), "a column of chemical symbols"),
    "a number too many": (xyz(atoms=ATOMS.replace("0.3\nO", "0.3 9\nO")), "line 3.*found 8"),
    "forces without Properties": (
        "2\n-1.5\nH 0 0 0 0.1 0.2 0.3\nO 0 0 1 0 0 0\n", r"expected 4 values.*found 7.*has no Prop"
    ),
    "a blank line of an atom": (xyz(atoms="\n" + ATOMS), "line 5: expected the number of atoms"),
    "stars": (xyz(atoms=ATOMS.replace("0.2", "***", 1)), r"line 3., column 6 \(forces\).*'\*\*\*'"),
    "a key twice": (xyz(SAYS + " energy=-2.5"), "'energy' stands twice, as '-1.5' and as '-2.5'"),
    "a column twice": (
        xyz(SAYS.replace(":forces", ":pos")), "names the column pos twice, with diff"
    ),
    "a lattice of eight numbers": (xyz(SAYS.replace("9 0 0 0 ", "9 0 0 ", 1)), "found 8 values"),
    "a lattice and a cell": (xyz(SAYS + ' cell="1 0 0 0 1 0 0 0 1"'), "Lattice and cell contra"),
    "many keys": (xyz(SAYS + "".join(f" k{i}=1" for i in range(20_000))), "more than 10000 keys"),
    "UTF-16": (xyz().encode("utf-16"), "text in UTF-16"),
    "one endless line": (b"2" * (1 << 25), "a line of more than"),
    "nothing": (b"", "is empty"),
    "blank lines only": (b"\n\n\n", "holds no frames"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_named_with_its_place(tmp_path, content, message):
    (tmp_path / "f.xyz").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError, match=message):
        list(open_arrays(tmp_path / "f.xyz").pieces(["energy", "pos"], 5))


def test_keys_given_twice_that_agree(tmp_path):
    assert read(tmp_path / "f.xyz", xyz(SAYS + " energy=-1.5"))["energy"] == [-1.5]


def test_numbers_that_are_not_finite_are_read(tmp_path):
    found = read(
        tmp_path / "f.xyz", xyz(atoms=ATOMS.replace("0.3", "nan", 1).replace("-0.1", "-inf"))
    )
    assert np.isnan(found["forces"][0, 0, 2])
    assert np.isneginf(found["forces"][0, 1, 0])


def test_a_gzip_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr("teadata.arrays.extxyz.text_file.HARMLESS", 1 << 25)
    path = tmp_path / "f.xyz.gz"
    blank = gzip.compress(b" " * (1 << 20) + b"\n")
    path.write_bytes(gzip.compress(xyz().encode()) + 33 * blank)
    with pytest.raises(DataError, match="decompresses to more than"):
        open_arrays(path).whole("energy")


def test_a_frame_that_is_not_as_it_was_written(small, tmp_path):
    path = tmp_path / "f.xyz"
    formats.write(path, small)
    whole = path.read_text()
    for old, new in (("frame_id=", "frame_id=1"), ("0.5", "0.7"), ("energy=-4", "energy=-3")):
        assert old in whole
        path.write_text(whole.replace(old, new, 1))
        with pytest.raises(DataError, match=r"image \d \(line \d+\): .*its checksum is wrong"):
            formats.read(path)
    path.write_text(whole.replace("length_unit=Ang", "length_unit=A\N{COMBINING RING ABOVE}"))
    np.testing.assert_array_equal(formats.read(path).forces, small.forces)


PEAK = """
import re, sys
from pathlib import Path
from teadata.arrays import open_arrays
from teadata.arrays.systems import by_system
for _ in open_arrays(Path(sys.argv[1])).pieces(["pos", "forces"], 256):
    pass
print(int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) >> 10)
"""


def test_memory_does_not_grow_with_the_file(mini_i, tmp_path):
    formats.write(tmp_path / "f.xyz", mini_i.split("folded/train/200"))
    peaks = []
    for times in (8, 64):  # 8 and 62 MB
        (tmp_path / "large.xyz").write_bytes((tmp_path / "f.xyz").read_bytes() * times)
        command = [sys.executable, "-c", PEAK, str(tmp_path / "large.xyz")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] < peaks[0] + 24


NO_LABELS = {
    "a text": ("trajectory=abc", "image 1 .line 6.: expected numbers for trajectory, found 'abc'"),
    "a truth": (
        "temperature=T",
        "image 1 .line 6.: expected numbers for temperature, found 'True'",
    ),
    "too few": ('stress="1 2 3 4 5 6"', "image 1 .line 6. has 6 values for stress, expected 9"),
    "too many": ('trajectory="1 2"', "image 1 .line 6. has 2 values for trajectory, expected one"),
}


@pytest.mark.parametrize(("key", "message"), NO_LABELS.values(), ids=NO_LABELS)
def test_labels_that_are_none(tmp_path, key, message):
    says = f"{SAYS} energy_unit=eV"
    (tmp_path / "f.xyz").write_text(xyz(says) + xyz(f"{says} {key}"))
    with pytest.raises(DataError, match=message):
        formats.read(tmp_path / "f.xyz")


def test_many_line_ends_are_read(tmp_path):
    """A search from each for the last would take hours, and end at the suite's time limit."""
    assert read(tmp_path / "f.xyz", xyz().encode() + b"\r" * 2_000_000)["energy"] == [-1.5]


@pytest.mark.parametrize("ids", [["3", "T"], ["F", "3"], ["1", "2", "T"] * 100])
def test_ids_that_are_logical_values_in_some_frames_are_no_numbers(tmp_path, ids):
    path = tmp_path / "f.xyz"
    says = SAYS.replace("frame_id=7", "energy_unit=eV")
    path.write_text("".join(xyz(f"{says} frame_id={word}") for word in ids))
    with pytest.raises(DataError, match=r"a logical value in one|a number in one"):
        open_arrays(path).whole("frame_id")
    (system,) = by_system(open_arrays(path), lambda name: True)
    with pytest.raises(DataError, match=r"a logical value in one|a number in one"):
        system.whole("frame_id")
    with pytest.raises(DataError, match=r"expected numbers for frame_id, found '(True|False)'"):
        formats.read(path)


def test_images_of_several_systems_in_turn_are_gathered_by_system(tmp_path):
    other = ATOMS.replace("O 1.0", "S 1.0")
    path = tmp_path / "f.xyz"
    words = [(7, ATOMS), (8, other), (9, ATOMS), (10, ATOMS), (11, other)] * 200
    path.write_text("".join(xyz(SAYS.replace("=7", f"={n}"), atoms) for n, atoms in words))
    first, second = by_system(open_arrays(path), lambda name: name != "pos")
    assert first.whole("numbers").tolist() == [1, 8]
    assert second.whole("numbers").tolist() == [1, 16]
    assert first.whole("frame_id").tolist() == [7, 9, 10] * 200
    assert second.whole("frame_id").tolist() == [8, 11] * 200
    assert first.places[:6].tolist() == [0, 2, 3, 5, 7, 8]
    assert "pos" not in first.names
