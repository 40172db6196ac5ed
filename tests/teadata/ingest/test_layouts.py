"""Official data as they may be laid out: names, folders, archives, indices, formats, and what else.

Each layout ends in the right splits, or, where a name leaves something open, in one error that says
so.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import teadata
from teadata import Frames, formats
from teadata.errors import DataError, UsageError
from teadata.formats import npz
from teadata.ingest import ingest, look

pytestmark = pytest.mark.usefixtures("home")

SPELLINGS = {
    "train": ("train", "training", "Train", "TRAIN", "trn", "trainset"),
    "valid": ("valid", "val", "validation", "Val", "validset"),
    "test": ("test", "testing", "Test", "tst", "testset"),
}
OTHERS = {
    "README.md": b"# Data",
    "paper.pdf": b"%PDF-1.7",
    "LICENSE": b"CC-BY",
    "read.py": b"print(1)",
    "notes.txt": b"train on these",
    "errors_train.csv": b"epoch,mae\n1,0.53\n",
    ".DS_Store": b"x",
}


@dataclass
class Layout:
    """Files to write, the frames (places in the pool) of each split, and whether names suffice."""

    root: Path
    expected: dict[str, np.ndarray] = field(default_factory=dict)
    unclear: bool = False


def save(path: Path, frames: Frames, **more: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".npz":
        formats.write(path, frames)
        return
    arrays = {k: v for k, v in npz.arrays(frames).items() if v is not None and k != "frame_id"}
    np.savez(path, **arrays, **more)


def build(root: Path, pool: Frames, seed: int) -> Layout:
    """A layout that a seed describes."""
    rng = np.random.default_rng(seed)
    layout = Layout(root)
    order = rng.permutation(len(pool))
    subsets = list(rng.permutation(["folded", "unfolded"])[: rng.integers(1, 3)])
    style = rng.choice(["files", "files", "folders", "indices", "arrays", "key", "vague"])
    suffix = str(rng.choice([".npz", ".xyz", ".h5"]))
    top = root / str(rng.choice(["", "Challenge 1", "data/Ac-Ala3-NHMe"]))
    used = 0
    for subset in subsets:
        members = {}
        for role in ("train", "valid", "test"):
            size = int(rng.integers(3, 7))
            members[role] = order[used : used + size]
            used += size
            layout.expected[f"{subset}/{role}"] = members[role]
        if style in ("files", "folders", "vague"):
            _files(layout, pool, members, (style, subset, suffix), top, rng)
        else:
            _together(layout, pool, members, (style, subset, suffix), top, rng)
    for name, content in OTHERS.items():
        if rng.random() < 0.4:
            place = root / str(rng.choice(["", "docs"])) / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    if rng.random() < 0.4:
        _archive(root, nested=bool(rng.random() < 0.5))
    return layout


def _files(layout, pool, members, what, top, rng) -> None:
    """A file for each role, named in some order and spelling, or in folders."""
    style, subset, suffix = what
    vague = str(rng.choice(list(members))) if style == "vague" else ""
    for role, rows in members.items():
        word = str(rng.choice(SPELLINGS[role]))
        parts = [str(rng.choice([subset, subset.capitalize(), subset.upper()])), word]
        if rng.random() < 0.5:
            parts.append(str(len(rows)))
        if rng.random() < 0.3:
            parts.append("AcAla3")
        if role == vague:
            parts.remove(word)
            layout.unclear = True
        rng.shuffle(parts)
        path = top / (str(rng.choice(["_", "-", " "])).join(parts) + suffix)
        if style == "folders":
            path = top / subset / f"{word}{suffix}"
        save(path, pool[rows])


def _together(layout, pool, members, what, top, rng) -> None:
    """One file of a subset, and indices beside it or in it, or a key of every frame."""
    style, subset, suffix = what
    shuffled = rng.permutation(np.concatenate(list(members.values())))
    place = {row: n for n, row in enumerate(shuffled.tolist())}
    index = {role: np.array([place[row] for row in rows]) for role, rows in members.items()}
    if style == "indices":
        save(top / f"{subset}{suffix}", pool[shuffled])
        for role, places in index.items():
            word = str(rng.choice(SPELLINGS[role][:3]))
            path = top / f"{subset}_{word}_idx{rng.choice(['.csv', '.txt', '.npy'])}"
            if path.suffix == ".npy":
                np.save(path, places)
            else:
                np.savetxt(path, places, fmt="%d")
    elif style == "arrays":
        save(top / f"{subset}.npz", pool[shuffled], **{f"idx_{r}": i for r, i in index.items()})
    else:
        roles = np.empty(len(shuffled), "U10")
        for role, places in index.items():
            roles[places] = role
            layout.expected[f"{subset}/{role}"] = shuffled[np.sort(places)]  # the file's order
        save(top / f"{subset}.npz", pool[shuffled], split=roles)


def _archive(root: Path, *, nested: bool) -> None:
    """Everything in an archive, and that in another."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    with zipfile.ZipFile(root / "all.zip", "w") as archive:
        for path in files:
            archive.write(path, path.relative_to(root).as_posix())
    for path in files:
        path.unlink()
    if nested:
        with zipfile.ZipFile(root / "record.zip", "w") as archive:
            archive.write(root / "all.zip", "inner/all.zip")
        (root / "all.zip").unlink()


@pytest.fixture(scope="module")
def pool(mini_i) -> Frames:
    return mini_i.split("folded/test")[:60]


def ends_well(root: Path, pool: Frames, seed: int) -> None:
    layout = build(root / "record", pool, seed)
    if layout.unclear:
        with pytest.raises(UsageError, match=r"(?s)no role.*--map.*--write-map"):
            ingest([layout.root], "tea2023-i")
        return
    done = ingest([layout.root], "tea2023-i")
    data = teadata.load("tea2023-i")
    assert {"/".join(key) for key in data.splits.members} == set(layout.expected)
    for split, rows in layout.expected.items():
        found = data.frames.select(data.splits.members[tuple(split.split("/"))])
        np.testing.assert_allclose(found.positions, pool.positions[rows], atol=1e-6)
        np.testing.assert_allclose(found.energies, pool.energies[rows], atol=1e-4)
    assert not done.notes


@pytest.mark.parametrize("seed", range(16))
def test_layouts_end_in_the_right_splits_or_one_clear_error(folder, pool, seed):
    ends_well(folder, pool, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(16, 200))
def test_many_layouts(folder, pool, seed):
    ends_well(folder, pool, seed)


def test_names_of_thousands_and_folders_of_challenges(folder, mini_i):
    save(folder / "r" / "unfolded_train_1k.npz", mini_i.split("unfolded/train/1000"))
    save(folder / "r" / "Challenge 1" / "folded" / "test.extxyz", mini_i.split("folded/test")[:9])
    done = ingest([folder / "r"], "tea2023-i")
    assert {item.claim.split for item in done.assigned} == {"unfolded/train/1000", "folded/test"}


def test_a_mapping_is_written_corrected_and_taken(folder, pool, run):
    save(folder / "r" / "Ac-Ala3-NHMe-20.npz", pool[:20])
    save(folder / "r" / "folded_test.npz", pool[20:30])
    save(folder / "r" / "old_folded_test.npz", pool[30:40])
    (folder / "r" / "README.md").write_text("words")
    mapping = folder / "mapping.yaml"
    done = run("teadata", "ingest", folder / "r", "--dataset", "tea2023-i", "--write-map", mapping)
    assert done.returncode == 0, done.stderr
    assert "3 files, of which 1 are not clear" in done.stdout
    text = mapping.read_text(encoding="utf-8")
    assert "README.md" in text
    done = run("teadata", "ingest", folder / "r", "--dataset", "tea2023-i", "--map", mapping)
    assert done.returncode == 2
    assert "still have a ?" in done.stderr
    text = text.replace("'?'  #", "'folded/train/20'  #")
    text = text.replace("old_folded_test.npz\": 'folded/test'", "old_folded_test.npz\": '-'")
    mapping.write_text(text, encoding="utf-8")
    done = run("teadata", "ingest", folder / "r", "--dataset", "tea2023-i", "--map", mapping)
    assert done.returncode == 0, done.stderr
    assert "passed over: r/old_folded_test.npz: as the mapping says" in done.stdout
    assert "passed over: r/README.md" in done.stdout
    data = teadata.load("tea2023-i")
    assert {k: len(v) for k, v in data.splits.members.items()} == {
        ("folded", "train"): 20,
        ("folded", "test"): 10,
    }


def test_geometries_that_are_there_twice_are_said(folder, pool):
    save(folder / "r" / "folded_train.npz", pool[[0, 1, 2, 1]])
    save(folder / "r" / "folded_test.npz", pool[[2, 3, 4]])
    done = ingest([folder / "r"], "tea2023-i")
    assert any("folded_train.npz: 1 geometries" in note for note in done.notes)
    assert any("1 geometries of folded/test are also in folded/train" in n for n in done.notes)
    assert len(teadata.load("tea2023-i").frames) == 5


def test_indices_beyond_the_file_are_refused(folder, pool):
    save(folder / "r" / "folded.npz", pool[:5])
    np.savetxt(folder / "r" / "folded_test.csv", [1, 5], fmt="%d")
    with pytest.raises(DataError, match=r"folded_test.csv: names frame 5, r/folded.npz has 5"):
        ingest([folder / "r"], "tea2023-i")


def test_a_file_that_lacks_a_label_is_no_file_to_pass_over(folder, pool):
    save(folder / "r" / "folded_train.npz", pool[:5])
    np.savez(folder / "r" / "folded_test.npz", R=pool.positions, z=pool.numbers, E=pool.energies)
    with pytest.raises(DataError, match="expected forces under one of"):
        look([folder / "r"], "tea2023-i")
