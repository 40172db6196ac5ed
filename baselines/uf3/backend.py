"""The uf3 package: its basis, its regularised least squares, its file of a potential."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from baselines.predicted import Predicted
from baselines.toolkit.neighbours import all_pairs
from baselines.toolkit.structures import stress_of, volumes
from baselines.uf3 import splines
from baselines.uf3.config import UF3Config
from baselines.uf3.splines import Triangles
from teadata import Frames
from teadata.errors import DataError, MissingExtraError
from teadata.typing import Floats, Progress
from teadata.units import EV

try:
    from uf3.data.composition import ChemicalSystem
    from uf3.regression.least_squares import WeightedLinearModel
    from uf3.representation.bspline import BSplineBasis
    from uf3.util import json_io
except ImportError:
    raise MissingExtraError("uf3", "uf3", "UF3") from None

TRIM = 3
"""Splines left out at the cutoffs: value, slope and curvature end at zero there."""


def linear_model(config: UF3Config, symbol: str) -> Any:
    """Make uf3's linear model of one element, without coefficients."""
    pair, trio = (symbol,) * 2, (symbol,) * 3
    side, third = config.trio_cutoff, 2 * config.trio_cutoff
    intervals = config.trio_intervals
    basis = BSplineBasis(
        ChemicalSystem(element_list=[symbol], degree=3),
        r_min_map={pair: 0.0, trio: [0.0, 0.0, 0.0]},
        r_max_map={pair: config.pair_cutoff, trio: [side, side, third]},
        resolution_map={pair: config.pair_intervals, trio: [intervals, intervals, 2 * intervals]},
        trailing_trim=TRIM,
    )
    regularizer = basis.get_regularization_matrix(
        ridge_map=dict(zip((2, 3), config.ridge, strict=True)),
        curvature_map=dict(zip((2, 3), config.curvature, strict=True)),
    )
    return WeightedLinearModel(basis, regularizer=regularizer)


def features(model: Any, frames: Frames, progress: Progress) -> tuple[Floats, Floats]:
    """Compute features of energies per atom (N, K), and of forces and virials (N, 3A + 9, K).

    The features of energies and forces equal uf3's own.  Virials are stress · volume per atom,
    times √(3A): all nine of a frame weigh about as much as the forces on its atoms.

    Parameters
    ----------
    model
        From :func:`linear_model`.
    frames
        N frames of A atoms.
    progress
        Called frame by frame.
    """
    basis, atoms = model.bspline_config, frames.n_atoms
    (pair,), (trio,) = basis.interactions_map[2], basis.interactions_map[3]
    energies, forces = [], []
    for row in range(len(frames)):
        near = all_pairs(frames[row], basis.r_max_map[pair])
        sums, slopes = splines.pair_features(near, basis.knots_map[pair], atoms)
        triangles = Triangles.of(near, basis.r_max_map[trio][0])
        grid, grids = splines.trio_features(triangles, basis.knots_map[trio], atoms)
        energies.append(np.concatenate([[atoms], sums, basis.compress_3B(grid, trio)]) / atoms)
        trios = np.array([basis.compress_3B(each, trio) for each in grids])
        rows = np.concatenate([np.zeros((len(slopes), 1)), slopes, trios], axis=1)
        rows[: 3 * atoms] *= -1
        rows[3 * atoms :] *= np.sqrt(3 / atoms)
        forces.append(rows)
        progress("features", row + 1, len(frames))
    return np.array(energies), np.array(forces)


def solve(model: Any, frames: Frames, weight: float, progress: Progress) -> None:
    """Fit the coefficients of a model, in eV, by uf3's least squares.

    uf3 knows no stress: the virials of frames that have it are given to it as if they were
    forces.

    Below the shortest distance of the frames, the pair potential is extrapolated as uf3
    does it: by a parabola that curves upwards.
    """
    by_energy, by_force = features(model, frames, progress)
    targets = frames.forces.reshape(len(frames), -1)
    volume = volumes(frames)
    if frames.stress is None or volume is None:
        by_force = by_force[:, : targets.shape[1]]
    else:
        virials = frames.stress * volume[:, None, None] * np.sqrt(3 / frames.n_atoms)
        targets = np.concatenate([targets, virials.reshape(-1, 9)], axis=1)
    model.fit(
        by_energy,
        frames.energies / EV / frames.n_atoms,
        by_force.reshape(-1, by_force.shape[-1]),
        targets.ravel() / EV,
        weight=weight,
    )
    (pair,) = model.bspline_config.interactions_map[2]
    with contextlib.redirect_stdout(io.StringIO()):
        model.fix_repulsion_2b(pair)


def predict(model: Any, frames: Frames, progress: Progress) -> Predicted:
    """Predict energies, forces and, of frames with a cell, stress."""
    basis, count, atoms = model.bspline_config, len(frames), frames.n_atoms
    (pair,), (trio,) = basis.interactions_map[2], basis.interactions_map[3]
    sizes = np.cumsum(basis.partition_sizes)
    one, two, three = np.split(model.coefficients, sizes[:-1])
    grid = basis.decompress_3B(three, trio)
    energies, forces = np.empty(count), np.empty((count, atoms, 3))
    virials = np.empty((count, 3, 3))
    for row in range(count):
        near = all_pairs(frames[row], basis.r_max_map[pair])
        triangles = Triangles.of(near, basis.r_max_map[trio][0])
        pairs, pulls = splines.pair_values(near, basis.knots_map[pair], two)
        trios, sides = splines.trio_values(triangles, basis.knots_map[trio], grid)
        slopes = splines.derivatives(near.first, near.second, near.vectors, atoms) @ pulls
        for side in range(3):
            matrix = splines.derivatives(*triangles.ends(side), triangles.edges[:, side], atoms)
            slopes += matrix @ sides[:, side]
        energies[row] = (atoms * one[0] + pairs.sum() + trios.sum()) * EV
        forces[row] = -slopes[: 3 * atoms].reshape(atoms, 3) * EV
        virials[row] = slopes[3 * atoms :].reshape(3, 3) * EV
        progress("predict", row + 1, count)
    return Predicted(energies, forces, stress_of(virials, frames))


def to_text(model: Any) -> str:
    """Write a fitted model as uf3's JSON."""
    text: str = json_io.dump_interaction_map(model.as_dict())
    return text


def from_file(path: Path) -> Any:
    """Read a fitted model of one element from a file that uf3 or :func:`to_text` wrote.

    Raises
    ------
    DataError
        If it is not one.
    """
    try:
        model = WeightedLinearModel.from_json(str(path))
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise DataError(f"{path}: expected a UF3 potential, as uf3 writes it ({error!r})") from None
    if len(model.bspline_config.element_list) != 1 or model.bspline_config.degree != 3:
        raise DataError(f"{path}: expected a UF3 potential of one element with three-body terms")
    return model
