"""Outputs never replace what is read, or a dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from teadata.catalog import data_root
from teadata.destinations import check_new, check_outputs
from teadata.errors import UsageError


def test_an_input_is_not_replaced_under_any_of_its_names(tmp_path):
    source = tmp_path / "prediction.npz"
    source.write_bytes(b"numbers")
    link = tmp_path / "link.npz"
    link.symlink_to(source)
    for output in (source, link, tmp_path / "." / "prediction.npz"):
        with pytest.raises(UsageError, match="is read here, and is not replaced"):
            check_outputs([output], [source])
    check_outputs([tmp_path / "score.json"], [source])


def test_no_file_of_a_dataset_is_replaced():
    card = next(path for path in data_root().rglob("*.yaml"))
    with pytest.raises(UsageError, match="belongs to the datasets in"):
        check_outputs([card], [])


def test_an_output_without_a_name_is_refused():
    with pytest.raises(UsageError, match="expected a name, found nothing"):
        check_outputs([Path()], [])


def test_labels_and_predictions_are_replaced_on_request_only(tmp_path):
    (tmp_path / "store.zarr").mkdir()
    check_new(tmp_path / "none.npz", replace=False)
    check_new(tmp_path / "store.zarr", replace=False)  # with nothing in it
    for there in (tmp_path / "mine.xyz", tmp_path / "store.zarr" / "zarr.json"):
        there.write_bytes(b"labels")
    for output in (tmp_path / "mine.xyz", tmp_path / "store.zarr"):
        check_new(output, replace=True)
        with pytest.raises(UsageError, match=r"is there already.*or say --replace"):
            check_new(output, replace=False)
