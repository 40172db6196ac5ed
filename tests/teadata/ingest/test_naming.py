"""What file names are taken to say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teadata import catalog
from teadata.card import DatasetCard
from teadata.errors import UsageError
from teadata.ingest.naming import Claim, belongs, choose, claim, parse_map, words


@pytest.fixture(scope="module")
def card() -> DatasetCard:
    return catalog.card("tea2023-i")


@pytest.mark.parametrize(
    ("label", "count", "split"),
    [
        ("folded_train_1000.npz", 1000, "folded/train/1000"),
        ("AcAla3-unfolded-training-200.npz", 200, "unfolded/train/200"),
        ("un-folded.validation.npz", 5, "unfolded/valid"),
        ("training_data/folded.test.extxyz.gz", 5, "folded/test"),
        ("unFoldedTest.xyz", 5, "unfolded/test"),
        ("folded/test/data.npz", 5, "folded/test"),
        ("I.zip/unfolded/folded_test.npz", 5, "folded/test"),  # the file's own name first
        ("complete.tar.gz/train/200.npz", 200, "complete/train/200"),
        ("folded_train_1000.npz", 999, None),
        ("folded/train/000200.xyz", 7, "folded/train"),
        ("folded/train/200.xyz", 1, "folded/train"),
        ("folded_train_test.npz", 5, None),
        ("unfoldedtest.npz", 5, None),
        ("train.npz", 5, None),
        ("folded.npz", 5, None),
    ],
)
def test_names(card, label, count, split):
    found = claim(label, count, card)
    assert (found.split if isinstance(found, Claim) else None) == split


def test_one_subset_needs_no_name():
    found = claim("test_set.npz", 7, catalog.card("tea2023-iii"))
    assert isinstance(found, Claim)
    assert found.split == "complete/test"


@given(
    st.sampled_from(["folded", "unfolded", "complete"]),
    st.sampled_from(["train", "valid", "test"]),
    st.sampled_from(["_", "-", " ", "/"]),
    st.integers(1, 30000),
)
def test_any_tidy_name_is_understood(subset, role, separator, count):
    card = catalog.card("tea2023-i")
    found = claim(separator.join((subset, role, str(count))) + ".npz", count, card)
    assert isinstance(found, Claim)
    assert (found.subset, found.role, found.size) == (subset, role, count)


@given(st.text(max_size=30))
def test_any_name_at_all(text):
    found = claim(f"x/{text}.npz", 3, catalog.card("tea2023-i"))
    assert isinstance(found, Claim | str)
    assert all(word.isalnum() for word in words(text))


def test_records_files_are_recognised_by_whole_words():
    hints = {c.id: c.source.hints for c in catalog.cards() if c.source}

    def owners(name: str) -> set[str]:
        return {i for i, words in hints.items() if belongs(name, words)}

    assert owners("Challenge_I.zip") == {"tea2023-i"}
    assert owners("Challenge_III.zip") == {"tea2023-iii"}
    assert owners("challenge4.zip") == {"tea2023-iv"}
    assert owners("Ac-Ala3-NHMe_folded.npz") == {"tea2023-i"}
    assert owners("naphthyridine-graphene.npz") == {"tea2023-iii"}
    assert owners("MAPbI3.npz") == {"tea2023-iv"}
    assert owners("AcPheAla5Lys.npz") == {"tea2023-ii"}
    assert owners("data.zip") == set()


def test_maps():
    assert parse_map(["a=b.npz=folded/test"]) == {"a=b.npz": "folded/test"}
    for wrong in ("a.npz", "=folded/test"):
        with pytest.raises(UsageError, match=r"expected FILE=<subset>"):
            parse_map([wrong])
    with pytest.raises(UsageError, match=r"twice"):
        parse_map(["a=x", "a=y"])
    labels = ["d/a.npz", "e/a.npz", "e/ba.npz"]
    assert choose({"d/a.npz": "x", "ba.npz": "y"}, labels) == {"d/a.npz": "x", "e/ba.npz": "y"}
    with pytest.raises(UsageError, match=r"names several files; files: d/a.npz, e/a.npz"):
        choose({"a.npz": "x"}, labels)
