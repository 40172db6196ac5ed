"""What a reference may be, from memory and from its file: cells, and files without frames."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from teadata.errors import TeaError
from teaeval import Reference
from teaeval.predictions.reference import read_reference

COUNT = 30


@pytest.fixture(params=[1 << 26, 0])
def read(request, tmp_path):
    """A function that writes a reference with other arrays, and reads it."""

    def of(count: int = COUNT, **changed: np.ndarray) -> Reference:
        rng, path = np.random.default_rng(0), tmp_path / "own.h5"
        arrays = {
            "numbers": np.array([8, 1, 1]),
            "energy": rng.normal(size=count),
            "forces": rng.normal(size=(count, 3, 3)),
            "positions": rng.normal(size=(count, 3, 3)),
        }
        with h5py.File(path, "w") as file:
            for name, array in (arrays | changed).items():
                file[name] = array
            file.attrs.update(energy_unit="kcal/mol", length_unit="nm")
        return read_reference(path, in_memory=request.param)

    return of


@pytest.mark.parametrize("shape", [(3, 3), (1, 3, 3), (COUNT, 3, 3)])
def test_a_cell_of_all_frames_or_of_each(read, shape):
    cells = 2 * np.eye(3) + np.zeros(shape)
    (frames,) = read(cell=cells).systems
    np.testing.assert_array_equal(frames.cell[:], np.broadcast_to(20 * np.eye(3), (COUNT, 3, 3)))


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (np.ones((7, 3, 3)), r"shape-of-cell\] expected shape \(30, 3, 3\).*found shape \(7, 3, 3"),
        (np.ones((60, 3, 3)), r"shape-of-cell.*found shape \(60, 3, 3\)"),
        (
            np.ones((7, 6)),
            r"found shape \(7, 6\)\. To mend it: save cell with a row for each frame",
        ),
        (np.ones((COUNT, 9)), r"nine numbers .* cell = np.reshape\(cell, \(-1, 3, 3\)\)"),
        (
            np.ones((COUNT, 3)),
            r"edges of a box; write vectors: cell = \[np.diag\(c\) for c in cell",
        ),
        (np.full((COUNT, 6), 90.0), r"a, b, c, α, β, γ; write vectors: .*cellpar_to_cell"),
        (np.full((COUNT, 3, 3), "12.0", "S4"), r"type-of-cell\] expected real numbers"),
        (np.ones((COUNT, 3, 3), complex), r"type-of-cell\] expected real numbers"),
    ],
)
def test_other_cells_are_refused(read, cell, said):
    with pytest.raises(TeaError, match=said):
        read(cell=cell)


@pytest.mark.parametrize(
    ("pbc", "flags"),
    [
        (np.array(True), [True] * 3),
        (np.array([1, 1, 0]), [True, True, False]),
        (np.tile([True, False, True], (COUNT, 1)), [True, False, True]),
    ],
)
def test_pbc_of_all_frames_or_of_each(read, pbc, flags):
    (frames,) = read(pbc=pbc).systems
    assert frames.pbc.tolist() == flags


@pytest.mark.parametrize(
    ("pbc", "said"),
    [
        (np.arange(3 * COUNT).reshape(-1, 3) < 60, "frames 0 and 20 differ in pbc"),
        (np.ones(COUNT, bool), r"a flag, true or false, for each.*bool of shape \(30,\)"),
        (np.array([b"F", b"F", b"T"]), "a flag, true or false"),
        (np.ones((7, 3), bool), r"bool of shape \(7, 3\)"),
        (np.ones(0, bool), r"bool of shape \(0,\)"),
        (np.array([0.5, 1, 1]), r"found float64 of shape \(3,\)"),
    ],
)
def test_other_pbc_is_refused(read, pbc, said):
    with pytest.raises(TeaError, match=said):
        read(pbc=pbc)


def test_a_reference_without_frames_is_refused(read):
    with pytest.raises(TeaError, match="holds no frames"):
        read(0)
