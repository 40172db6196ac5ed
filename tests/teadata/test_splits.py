import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teadata import SplitName, SplitTable
from teadata.errors import DataError, UsageError

TABLE = SplitTable(
    {
        ("folded", "train"): np.array([5, 3, 9, 1]),
        ("folded", "test"): np.array([2, 4]),
        ("unfolded", "train"): np.array([8]),
    }
)


@given(
    st.from_regex(r"[a-z]+", fullmatch=True),
    st.sampled_from(["train", "valid"]),
    st.none() | st.integers(0, 10**6),
)
def test_names_survive_parsing(subset, role, size):
    name = SplitName(subset, role, size)
    assert SplitName.parse(str(name)) == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("folded", "not of the form"),
        ("folded/train/200/1", "not of the form"),
        ("folded/train/-1", "not of the form"),
        ("folded/trian/200", "'trian'; expected one of: train, valid, test .did you mean 'train'"),
        ("folded/test/100", "test sets have no size.*folded/test"),
    ],
)
def test_names_that_are_none(text, message):
    with pytest.raises(UsageError, match=message):
        SplitName.parse(text)


@given(st.integers(1, 4), st.integers(1, 4))
def test_smaller_splits_are_the_beginning_of_larger_ones(a, b):
    small, large = sorted((a, b))
    ids = TABLE.ids(f"folded/train/{large}")
    np.testing.assert_array_equal(TABLE.ids(f"folded/train/{small}"), ids[:small])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("foldde/train", "'foldde'; expected one of: folded, unfolded .did you mean 'folded'"),
        ("unfolded/test", "unfolded/test does not exist: unfolded has no test frames, only train"),
        ("folded/train/5", "folded/train has 4 frames, so sizes 1 to 4 do"),
        ("folded/train/0", "sizes 1 to 4 do"),
    ],
)
def test_splits_that_do_not_exist(name, message):
    with pytest.raises(UsageError, match=message):
        TABLE.ids(name)


def test_table_survives_its_file(tmp_path):
    TABLE.write(tmp_path / "splits.parquet")
    again = SplitTable.read(tmp_path / "splits.parquet")
    assert again.members.keys() == TABLE.members.keys()
    for key, ids in TABLE.members.items():
        np.testing.assert_array_equal(again.members[key], ids)


def test_row_order_of_the_file_does_not_matter(tmp_path):
    path = tmp_path / "splits.parquet"
    TABLE.write(path)
    table = pq.read_table(path)
    pq.write_table(table.take(np.random.default_rng(0).permutation(len(table))), path)
    np.testing.assert_array_equal(SplitTable.read(path).ids("folded/train"), [5, 3, 9, 1])


def test_unreadable_tables(tmp_path):
    path = tmp_path / "splits.parquet"
    with pytest.raises(DataError, match="not a readable split table"):
        SplitTable.read(path)
    path.write_text("frame,subset\n")
    with pytest.raises(DataError, match="not a readable split table"):
        SplitTable.read(path)
    pq.write_table(pa.table({"frame": [1], "subset": ["a"], "role": ["train"]}), path)
    with pytest.raises(DataError, match="not a readable split table"):
        SplitTable.read(path)
    gap = {"frame": [1, 2], "subset": ["a", "a"], "role": ["train", "train"], "rank": [0, 2]}
    pq.write_table(pa.table(gap), path)
    with pytest.raises(DataError, match="ranks of a/train are not 0 … 1"):
        SplitTable.read(path)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("frame", [1.7, 2.2], "column frame is double, expected integers"),
        ("frame", ["1", "b"], "column frame is string, expected integers"),
        ("frame", [1, None], "column frame has empty cells"),
        ("rank", [0.0, 1.0], "column rank is double, expected integers"),
        ("rank", [None, 0], "column rank has empty cells"),
        ("rank", [0, 2**32 + 1], "ranks of a/train are not 0 … 1"),
        ("role", ["train", None], "column role has empty cells"),
        ("role", [1, 1], "column role is int64, expected texts"),
        ("subset", [0.5, 0.5], "column subset is double, expected texts"),
        ("subset", [b"a", b"a"], "column subset is binary, expected texts"),
    ],
)
def test_columns_of_other_values_are_named(tmp_path, name, values, message):
    columns = {"frame": [1, 2], "subset": ["a", "a"], "role": ["train", "train"], "rank": [0, 1]}
    pq.write_table(pa.table(columns | {name: values}), tmp_path / "splits.parquet")
    with pytest.raises(DataError, match=message):
        SplitTable.read(tmp_path / "splits.parquet")


def test_mini_i_has_the_published_sizes(mini_i):
    splits = mini_i.splits
    for subset in ("complete", "folded", "unfolded"):
        for role in ("train", "valid"):
            for size in (200, 400, 600, 800, 1000):
                assert len(splits.ids(f"{subset}/{role}/{size}")) == size
        assert splits.count(subset, "test") >= 2500


def test_complete_draws_equally_from_both_at_every_size(mini_i):
    for size in (200, 400, 600, 800, 1000):
        for role in ("train", "valid"):
            complete = mini_i.splits.ids(f"complete/{role}/{size}")
            for subset in ("folded", "unfolded"):
                half = mini_i.splits.ids(f"{subset}/{role}/{size // 2}")
                assert np.isin(half, complete).all()
    test = mini_i.splits.ids("complete/test")
    assert np.isin(mini_i.splits.ids("folded/test"), test).sum() == len(test) / 2
