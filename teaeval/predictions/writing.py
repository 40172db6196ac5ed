"""Write predictions in the formats that :mod:`teaeval.predictions.reading` reads."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from teadata.arrays import suffix_of
from teadata.arrays.extxyz.text_file import create_text
from teadata.errors import DataError, expect, expect_path, unknown_suffix
from teadata.files import atomic_write
from teaeval.predictions.declaring import check_train
from teaeval.predictions.prediction import PREDICTION, Prediction

LAYOUT = "tea-prediction-1"
"""Layout that a file names in its attributes, where its format has any."""


def fields_of(prediction: Prediction) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Split a prediction in kcal/mol and Å into its arrays and its texts."""
    arrays = {
        "energy": prediction.energies[:],
        "forces": prediction.forces[:],
        "frame_id": None if prediction.frame_ids is None else prediction.frame_ids[:],
        "positions": None if prediction.positions is None else prediction.positions[:],
        "numbers": prediction.numbers,
        "cell": prediction.cell,
    }
    texts = {
        "dataset": prediction.dataset,
        "subset": prediction.subset,
        "energy_unit": "kcal/mol",
        "length_unit": "Å",
        "model": prediction.model,
        "train": prediction.train,
        "record": prediction.record,
    }
    return (
        {name: array for name, array in arrays.items() if array is not None},
        {name: text for name, text in texts.items() if text is not None},
    )


def _npz(path: Path, arrays: dict[str, Any], texts: dict[str, str]) -> None:
    with atomic_write(path) as partial, open(partial, "wb") as stream:
        np.savez_compressed(stream, **(arrays | texts))


def _hdf5(path: Path, arrays: dict[str, Any], texts: dict[str, str]) -> None:
    import h5py

    # In memory first: HDF5 crashes the interpreter when the disk is full.
    # HDF5 1.10's layout, which has checksums of its metadata too.
    memory = io.BytesIO()
    with h5py.File(memory, "w", libver=("v110", "v110")) as file:
        for name, array in arrays.items():
            packed = array.ndim > 1
            chunks = (min(len(array), 256 if packed else 8192), *array.shape[1:])
            file.create_dataset(
                name, data=array, chunks=chunks, compression="gzip" if packed else None,
                shuffle=packed, fletcher32=True, track_times=False,
            )  # fmt: skip
        file.attrs.update({"layout": LAYOUT, **texts})
    with atomic_write(path) as partial:
        partial.write_bytes(memory.getbuffer())


def _zarr(path: Path, arrays: dict[str, Any], texts: dict[str, str]) -> None:
    from teadata.formats.zarr import write_store

    write_store(path, arrays, {"layout": LAYOUT, **texts})


def _parquet(path: Path, arrays: dict[str, Any], texts: dict[str, str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = arrays.pop("numbers", None)
    columns = {
        name: pa.array(array)
        if array.ndim == 1
        else pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array[0].size)
        for name, array in arrays.items()
    }
    shared = {"layout": LAYOUT, **texts}
    if numbers is not None:
        shared["numbers"] = json.dumps(numbers.tolist())
    with atomic_write(path) as partial:
        table = pa.table(columns).replace_schema_metadata(shared)
        pq.write_table(
            table, partial, compression="zstd", use_dictionary=False, write_page_checksum=True
        )


def _extxyz(path: Path, arrays: dict[str, Any], texts: dict[str, str]) -> None:
    from teadata.arrays.extxyz.frame_text import write_frames
    from teadata.elements import SYMBOLS

    missing = [name for name in ("positions", "numbers", "frame_id") if name not in arrays]
    if missing:
        raise DataError(
            f"{path}: extended XYZ holds atoms, and the prediction has no {', '.join(missing)}; "
            "use another format, or give it those of the test set"
        )
    symbols = [SYMBOLS[number] for number in arrays["numbers"]]
    columns, energies = [arrays["positions"]], arrays["energy"]
    blank = bool(np.isnan(energies).all() and np.isnan(arrays["forces"]).all())
    if blank:  # nor the unit of energies that are not there: ASE's calculators will write eV
        texts = {name: text for name, text in texts.items() if name != "energy_unit"}
    said = " ".join(
        f"{name}={json.dumps(text, ensure_ascii=False)}" for name, text in texts.items()
    )
    if not blank:  # readers of extended XYZ take no NaN: what is to be filled in is left out
        columns.append(arrays["forces"])
    if not all(np.isfinite(array).all() for array in (*columns, *([] if blank else [energies]))):
        raise DataError(f"{path}: extended XYZ holds no NaN and no infinity; use another format")
    head = "species:S:1:pos:R:3" + ("" if blank else ":forces:R:3")
    cells = [""] * len(energies)
    if "cell" in arrays:
        cells = [
            f'Lattice="{" ".join(map(repr, cell))}" pbc="T T T" '
            for cell in arrays["cell"].reshape(-1, 9).tolist()
        ]
    labels = [""] * len(energies) if blank else [f"energy={e!r} " for e in energies.tolist()]
    comments = [
        f"{cell}Properties={head} {label}frame_id={identifier} {said}"
        for cell, label, identifier in zip(cells, labels, arrays["frame_id"].tolist(), strict=True)
    ]
    packed = path.suffix.lower() == ".gz"
    with atomic_write(path) as partial, create_text(partial, packed) as stream:
        # what is to be filled in will not be as it was written
        write_frames(stream, symbols, columns, comments, summed=not blank)


WRITERS: dict[str, Callable[[Path, dict[str, Any], dict[str, str]], None]] = {
    ".npz": _npz,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".zarr": _zarr,
    ".zip": _zarr,
    ".parquet": _parquet,
    ".xyz": _extxyz,
    ".extxyz": _extxyz,
    ".xyz.gz": _extxyz,
    ".extxyz.gz": _extxyz,
}
"""The function that writes files of each suffix."""


def check_suffix(path: Path) -> None:
    """Refuse a path whose suffix stands for no format that is written.

    Raises
    ------
    UsageError
        If it does not.
    """
    if suffix_of(path) not in WRITERS:
        raise unknown_suffix(path, suffix_of(path), WRITERS)


def write_prediction(path: Path | str, prediction: Prediction) -> None:
    """Write a prediction in kcal/mol and Å, in the format of the suffix; all of it or nothing.

    Raises
    ------
    UsageError
        If the suffix stands for no format that is written.
    DataError
        If the file cannot be written, or its format cannot hold the prediction.
    """
    path = expect_path(path, "the path of the file to write")
    expect(prediction, Prediction, PREDICTION)
    check_suffix(path)
    WRITERS[suffix_of(path)](path, *fields_of(prediction))


def template(
    dataset: str, subset: str, *, model: str | None = None, train: str | None = None
) -> Prediction:
    """Make a prediction of a test set to be filled in: energies and forces are NaN.

    With the frames' ids and positions, and the atomic numbers.

    Parameters
    ----------
    dataset, subset
        Whose test set.
    model, train
        Who will predict: a name, and the split it was trained on.

    Raises
    ------
    UsageError
        If there is no such dataset, test set or training set.
    """
    from teadata import catalog

    if train is not None:
        check_train(catalog.card(dataset), train)
    test = catalog.load(dataset).test_set(subset)
    return Prediction(
        dataset=catalog.card(dataset).full_id,
        subset=subset,
        energies=np.full(len(test), np.nan),
        forces=np.full(test.forces.shape, np.nan),
        frame_ids=test.ids[:],
        positions=test.positions,
        numbers=test.numbers,
        cell=None if test.cell is None else test.cell[:],
        model=model,
        train=train,
    )
