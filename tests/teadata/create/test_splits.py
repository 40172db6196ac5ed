"""Splits: at random, by groups, from index files, by file, and as the frames say."""

from __future__ import annotations

import re

import numpy as np
import pytest

import teadata
from teadata import formats
from teadata.create import Input, Options, create
from teadata.create.splitting import Wanted
from teadata.errors import DataError, IncompleteError, UsageError
from teadata.verify import verify

UNIT = "kcal/mol"


def splits(name="own"):
    data = teadata.load(name)
    assert all(check.passed for check in verify(data)), list(verify(data))
    return data.splits


@pytest.fixture
def rmd17(arrays, tmp_path):
    """Arrays and index files as rMD17 ships them."""
    np.savez(tmp_path / "rmd17_peptide.npz", **arrays)
    order = np.random.default_rng(5).permutation(120)
    published = {"train": order[:40], "test": order[40:90]}
    for role, listed in published.items():
        np.savetxt(tmp_path / f"index_{role}_01.csv", listed, fmt="%d")
    return tmp_path, published


def test_rmd17_gives_the_published_split(rmd17, frames):
    folder, published = rmd17
    indices = {role: folder / f"index_{role}_01.csv" for role in published}
    options = Options(UNIT, indices=indices, wanted=Wanted(train=(10, 40), valid=15))
    (made,) = create("own", [Input(folder / "rmd17_peptide.npz")], options)
    table = splits()
    assert (table.ids("complete/train") == published["train"]).all()
    assert (table.ids("complete/test") == published["test"]).all()
    assert (table.ids("complete/train/10") == published["train"][:10]).all()
    valid = table.ids("complete/valid")
    assert len(valid) == 15
    assert not np.isin(valid, [*published["train"], *published["test"]]).any()
    test = teadata.load("own").split("complete/test")
    np.testing.assert_array_equal(test.positions, frames.positions[published["test"]])
    np.testing.assert_array_equal(test.energies, frames.energies[published["test"]])
    assert "15 frames are in no split" in " ".join(made.notes)


@pytest.mark.parametrize("form", ["npy", "npz", "txt", "header"])
def test_indices_in_other_forms(rmd17, form):
    folder, published = rmd17
    paths = {}
    for role, listed in published.items():
        path = folder / f"{role}.{'csv' if form == 'header' else form}"
        if form == "npy":
            np.save(path, listed[:, None])
        elif form == "npz":  # one file, as SchNetPack's
            path = folder / "split.npz"
            np.savez(path, **{f"{r}_idx": ids for r, ids in published.items()})
        elif form == "txt":
            path.write_text(" ".join(map(str, listed)))
        else:
            path.write_text("index\n" + "\n".join(map(str, listed)))
        paths[role] = path
    create("own", [Input(folder / "rmd17_peptide.npz")], Options(UNIT, indices=paths))
    assert (splits().ids("complete/train") == published["train"]).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 2 120", "0 to 119"),
        ("0 1 1", "names 1 frames twice"),
        ("-1 0", "count from 0"),
        ("0 1.5", "expected integers, found '1.5'"),
        ("", "expected a list of integers"),
    ],
)
def test_wrong_indices(rmd17, text, said):
    folder, _ = rmd17
    (folder / "wrong.txt").write_text(text)
    options = Options(UNIT, indices={"train": folder / "wrong.txt"})
    with pytest.raises(DataError, match=said):
        create("own", [Input(folder / "rmd17_peptide.npz")], options)


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        ("3 1 2", "120", "named is frame 120, of 120 frames, and frame 0 is not"),
        ("7 9", "120 3", "named is frame 120"),
        ("2 1 3", "5 4", "named is every frame from 1 to 5, of 120 frames"),
        (" ".join(map(str, range(1, 81))), " ".join(map(str, range(81, 121))), "from 1 to 120"),
    ],
)
def test_indices_that_count_from_one(rmd17, train, test, said):
    folder, _ = rmd17
    indices = {"train": folder / "train.txt", "test": folder / "test.txt"}
    for role, text in (("train", train), ("test", test)):
        indices[role].write_text(text)
    files = [Input(folder / "rmd17_peptide.npz")]
    with pytest.raises(
        IncompleteError, match=r"train.txt, .*test.txt: seem to count from 1"
    ) as got:
        create("own", files, Options(UNIT, indices=indices))
    assert said in str(got.value)
    assert got.value.options == ("--first-index", "1")
    create("own", files, Options(UNIT, indices=indices, first_index=1))
    assert splits().ids("complete/train").tolist() == [int(word) - 1 for word in train.split()]
    if "120" not in f"{train} {test}":
        create("zero", files, Options(UNIT, indices=indices, first_index=0))
        assert splits("zero").ids("complete/test").tolist() == [int(word) for word in test.split()]


@pytest.mark.parametrize(
    ("text", "first", "said"),
    [
        ("0 120", None, "names frame 120, and the files hold 120 frames, 0 to 119$"),
        ("0 5", 1, "names frame 0, .* 1 to 120 .--first-index 1.$"),
        ("121 5", 1, "names frame 121, .* 1 to 120"),
        ("5 120", 0, "names frame 120, .* 0 to 119 .--first-index 0.$"),
        ("5 7", 2, "--first-index 2: expected 0 or 1"),
        (None, 1, "no index file is named"),
    ],
)
def test_indices_beyond_the_frames(rmd17, text, first, said):
    folder, _ = rmd17
    (folder / "wrong.txt").write_text(text or "")
    indices = {"train": folder / "wrong.txt"} if text else {}
    with pytest.raises((DataError, UsageError), match=said):
        create(
            "own",
            [Input(folder / "rmd17_peptide.npz")],
            Options(UNIT, indices=indices, first_index=first),
        )


def test_index_files_that_share_frames(rmd17):
    folder, published = rmd17
    np.savetxt(folder / "other.csv", published["train"][:3], fmt="%d")
    indices = {"train": folder / "index_train_01.csv", "test": folder / "other.csv"}
    with pytest.raises(DataError, match="a frame has one role"):
        create("own", [Input(folder / "rmd17_peptide.npz")], Options(UNIT, indices=indices))


def test_files_per_subset_and_role(frames, tmp_path):
    parts = {"a": frames[:40], "b": frames[40:70], "c": frames[70:90], "d": frames[90:]}
    for name, part in parts.items():
        formats.write(tmp_path / f"{name}.npz", part)
    inputs = [
        Input(tmp_path / "a.npz", "folded", "train"),
        Input(tmp_path / "b.npz", "folded", "test"),
        Input(tmp_path / "c.npz", "unfolded", "test"),
        Input(tmp_path / "d.npz", "unfolded"),
    ]
    (made,) = create("own", inputs, Options(wanted=Wanted(valid=10)))
    table = splits()
    assert set(table.ids("folded/test")) == set(range(40, 70))
    assert set(table.ids("unfolded/test")) == set(range(70, 90))
    assert set(table.ids("unfolded/train")) | set(table.ids("unfolded/valid")) == set(
        range(90, 120)
    )
    # without frames of no role, those that validate are of the training frames
    assert set(table.ids("folded/train")) | set(table.ids("folded/valid")) == set(range(40))
    assert "10 validation frames are of the training frames" in " ".join(made.notes)
    assert len(teadata.load("own").card.tasks) == 4


def test_groups_of_files_with_roles(frames, tmp_path):
    run = np.arange(120) // 10
    keys = {"run": [f"md{i}" for i in run]}
    whole = write_keyed(tmp_path / "a.xyz", frames, **keys).read_text().splitlines(keepends=True)
    lines = 80 * (frames.n_atoms + 2)
    (tmp_path / "train.xyz").write_text("".join(whole[:lines]))
    (tmp_path / "test.xyz").write_text("".join(whole[lines:]))
    inputs = [Input(tmp_path / f"{role}.xyz", role=role) for role in ("train", "test")]
    create("own", inputs, Options(split_by="run", wanted=Wanted(valid=15)))
    table = splits()
    assert len(table.ids("complete/valid")) == 15
    assert not set(run[table.ids("complete/valid")]) & set(run[table.ids("complete/train")])
    with pytest.raises(UsageError, match="--valid 80: complete has only 0 frames"):
        create("two", inputs, Options(split_by="run", wanted=Wanted(valid=80)))


def test_a_subset_that_only_tests(frames, tmp_path):
    formats.write(tmp_path / "near.npz", frames[:80])
    formats.write(tmp_path / "far.npz", frames[80:])
    inputs = [Input(tmp_path / "near.npz", "near"), Input(tmp_path / "far.npz", "far", "test")]
    create("own", inputs, Options(wanted=Wanted(valid=20, test=20)))
    assert list(splits()) == ["near/train", "near/valid", "near/test", "far/test"]
    assert teadata.load("own").card.tasks == ["near->near", "near->far"]


def test_files_of_one_name_and_of_a_strange_one(frames, tmp_path):
    paths = [tmp_path / "a" / "x.npz", tmp_path / "b" / "x.npz", tmp_path / "b" / "\udcff.npz"]
    for i, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        formats.write(path, frames[40 * i : 40 * i + 40])
    (made,) = create("own", [Input(path) for path in paths], Options(wanted=Wanted(valid=9)))
    assert [item.file for item in made.card.ingested] == ["a/x.npz", "b/x.npz", "b/�.npz"]
    splits()


def write_keyed(path, frames, **keys):
    formats.write(path, frames)
    lines = path.read_text().splitlines()
    for i in range(len(frames)):
        at = i * (frames.n_atoms + 2) + 1
        said = " ".join(f"{key}={values[i]}" for key, values in keys.items())
        lines[at] = f"{lines[at].rpartition(' crc32=')[0]} {said}"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_groups_stay_together(frames, tmp_path):
    run = np.arange(120) // 10
    path = write_keyed(tmp_path / "a.xyz", frames, run=[f"md{i}" for i in run])
    options = Options(split_by="run", wanted=Wanted(valid=20, test=30, seed=2))
    create("own", [Input(path)], options)
    table, data = splits(), teadata.load("own")
    runs = [set(run[table.ids(f"complete/{role}")]) for role in ("train", "valid", "test")]
    assert not runs[0] & runs[1]
    assert not runs[0] & runs[2]
    assert not runs[1] & runs[2]
    assert [len(some) for some in runs] == [7, 2, 3]
    assert len(np.unique(data.frames.trajectories)) == 12
    with pytest.raises(IncompleteError, match="key 'rum'"):
        create("other", [Input(path)], Options(split_by="rum"))


def test_a_group_is_one_value_per_frame(arrays, tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, run=np.ones((120, 2)), **arrays)
    with pytest.raises(DataError, match="of that shape: name one of them") as caught:
        create("own", [Input(path)], Options(UNIT, split_by="run"))
    assert "(120,); energies, old_energies are of that shape" in str(caught.value)


def test_each_file_stays_together(frames, tmp_path):
    inputs = []
    for i in range(6):
        formats.write(tmp_path / f"{i}.h5", frames[20 * i : 20 * i + 20])
        inputs.append(Input(tmp_path / f"{i}.h5"))
    options = Options(split_by="file", wanted=Wanted(valid=15, test=15))
    (made,) = create("own", inputs, options)
    table = splits()
    groups = [set(table.ids(name) // 20) for name in table]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 6
    assert "10 frames are in no split" in " ".join(made.notes)
    with pytest.raises(UsageError, match="no frames are left to train on"):
        create("two", inputs[:2], Options(split_by="file", wanted=Wanted(valid=15, test=15)))


def test_roles_and_subsets_as_the_frames_say(frames, tmp_path):
    kinds = ["Training_set", "val", "test_MD"]
    path = write_keyed(
        tmp_path / "a.xyz",
        frames,
        config_type=[kinds[i % 3] for i in range(120)],
        temperature_of=["300K" if i < 60 else "600K" for i in range(120)],
    )
    create("own", [Input(path)], Options(role_key="config_type", subset_key="temperature_of"))
    table = splits()
    assert set(table.ids("300K/train")) == set(range(0, 60, 3))
    assert set(table.ids("600K/test")) == set(range(62, 120, 3))
    assert teadata.load("own").card.tasks[1] == "300K->600K"
    with pytest.raises(DataError, match="'300K', which says no role"):
        create("other", [Input(path)], Options(role_key="temperature_of"))


def test_a_key_of_trajectories_is_pointed_out(frames, tmp_path):
    formats.write(tmp_path / "a.xyz", frames)  # each of its frames names its trajectory
    (made,) = create("own", [Input(tmp_path / "a.xyz")], Options())
    assert "--split-by trajectory" in " ".join(made.notes)
    options = Options(split_by="trajectory", wanted=Wanted(valid=10, test=10))
    (made,) = create("groups", [Input(tmp_path / "a.xyz")], options)
    assert "--split-by trajectory" not in " ".join(made.notes)
    trajectories = [frames.trajectories[splits("groups").ids(name)] for name in splits("groups")]
    assert not np.isin(trajectories[0], [*trajectories[1], *trajectories[2]]).any()


def test_a_key_that_some_files_lack_is_not_advised(frames, tmp_path):
    formats.write(tmp_path / "a.xyz", frames)
    text = re.sub(r" (trajectory|crc32)=\S+", "", (tmp_path / "a.xyz").read_text())
    (tmp_path / "b.xyz").write_text(text)
    inputs = [Input(tmp_path / name) for name in ("a.xyz", "b.xyz")]
    (made,) = create("own", inputs, Options())
    assert "--split-by file keeps those of one file in one role: a.xyz" in " ".join(made.notes)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(test=121), "has only 120 frames"),
        (Wanted(valid=100, test=30), "has only 90 frames"),
        (Wanted(valid=60, test=60), "no frames are left to train on"),
        (Wanted(train=(200,)), "--train 200: only 84 frames"),
    ],
)
def test_more_than_there_is(wanted, said, file):
    with pytest.raises(UsageError, match=said):
        create("own", [Input(file)], Options(wanted=wanted))
