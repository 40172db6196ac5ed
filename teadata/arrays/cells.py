"""Cell vectors in the forms that files of arrays have them in, and what to do about other forms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from teadata.errors import DataError
from teadata.typing import Array

ANGLES = (10.0, 170.0)
"""Degrees between which the last three of six numbers are angles of a cell."""


def lattice_vectors(name: str, found: Array, error: Callable[[str], DataError]) -> Array:
    """The cell vectors (3, 3), as rows, of a lattice that is one for all frames.

    Such a lattice is sGDML's, (3, 3) with vectors as columns.  Nine numbers in one row may be
    either, unless the matrix is symmetric.

    Parameters
    ----------
    name
        Its name in the file.
    found
        Its values.
    error
        Makes an error that names the file.

    Raises
    ------
    DataError
        If it has another shape, or whether vectors are rows or columns is not known.
    """
    if found.size != 9 or found.dtype.kind not in "iuf":
        raise error(
            f"{name} has shape {found.shape}, expected (3, 3), one for all frames, with vectors as "
            "columns; cells of each frame are to be called cell, (N, 3, 3) with vectors as rows"
        )
    vectors = np.asarray(found).reshape(3, 3)
    if found.shape[-2:] != (3, 3) and not np.array_equal(vectors, vectors.T):
        rows = _matrix(vectors)
        raise error(
            f"{name} has shape {found.shape}, nine numbers that may be three vectors one after "
            "another, as extended XYZ has them, or a matrix of columns, as sGDML's lattice is; "
            f"write vectors as rows under the name cell: cell = np.reshape({name}, (3, 3)) where "
            f"the first vector is {rows[0]}, and the transpose of that where it is "
            f"{_matrix(vectors.T)[0]}"
        )
    return vectors.T


def said_of(name: str, found: Array) -> str:
    """What is to be known of a lattice whose vectors are other ones if rows were meant."""
    vectors = np.asarray(found).reshape(3, 3).T
    if np.array_equal(vectors, vectors.T):
        return ""
    return (
        f"{name} is read as sGDML has it, vectors as columns: {', '.join(_matrix(vectors))}; if "
        "they are its rows, call it cell"
    )


def _matrix(vectors: Array) -> list[str]:
    return [f"({', '.join(f'{value:.4g}' for value in vector)})" for vector in vectors]


def other_form(name: str, found: Array, count: int) -> str:
    """What a cell of another shape seems to be, and how it is made three vectors; empty if unknown.

    Parameters
    ----------
    name
        Its name in the file.
    found
        Its values, of one frame or of all.
    count
        How many frames there are.
    """
    known = found.ndim == 1 or (found.ndim == 2 and len(found) == count)
    width = found.shape[-1] if known else 0
    each = f"for c in {name}" if found.ndim == 2 else ""
    if width == 3:
        made = f"[np.diag(c) {each}]" if each else f"np.diag({name})"
        return f"three numbers seem to be the edges of a box; write vectors: {name} = {made}"
    if width == 9:
        shape = "(-1, 3, 3)" if each else "(3, 3)"
        return (
            "nine numbers seem to be three vectors, one after another; write them as rows: "
            f"{name} = np.reshape({name}, {shape})"
        )
    if width != 6 or found.dtype.kind not in "iuf":
        return ""
    angles = found[..., 3:]
    if not ((angles > ANGLES[0]) & (angles < ANGLES[1])).all():
        return "six numbers are no vectors; write them as rows of (3, 3)"
    made = f"[cellpar_to_cell(c) {each}]" if each else f"cellpar_to_cell({name})"
    return (
        "six numbers seem to be a, b, c, α, β, γ; write vectors: from ase.geometry import "
        f"cellpar_to_cell; {name} = {made}, if positions and forces have a along x and b in the "
        "plane of x and y"
    )
