"""Details beyond the published tables: offsets, directions, tails, atoms, residues, novelty.

No table shows any of these by default.
"""

from __future__ import annotations

import numpy as np

from teadata import Dataset
from teadata.errors import UsageError
from teadata.frames import Frames
from teadata.stored_frames import AnyFrames
from teadata.structure.fingerprint import fingerprints, nearest
from teadata.structure.residues import residues
from teadata.typing import Floats
from teaeval.checks.sample import evenly
from teaeval.metrics.force_distribution import MAGNITUDES, ForceDistribution
from teaeval.metrics.uncertainty import mean_intervals
from teaeval.resampling import Interval, Resampling
from teaeval.scores.detail_records import (
    AtomError,
    Details,
    EnergyDetails,
    ForceErrors,
    MagnitudeBin,
    Novelty,
    NoveltyBin,
    Quantile,
)
from teaeval.scores.examine import Examined

QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)
"""Which quantiles of the absolute errors are reported."""

NOVELTY_FRAMES = 2000
"""Largest number of test frames, evenly spaced, whose distance to the training set is computed."""

NOVELTY_BINS = 5
"""Number of bins of that distance, each with the same number of frames."""


def detailed(examined: Examined, draws: Resampling | None) -> Details:
    """Compute the details of a prediction that was examined with ``details=True``.

    Parameters
    ----------
    examined
        The prediction, its test set, and its errors.
    draws
        Resamples behind the intervals; None for no intervals.
    """
    prediction, test, compared = examined.prediction, examined.test, examined.compared
    assert compared.forces is not None
    forces = compared.forces
    energy = np.full(len(test), np.nan)
    rows = np.flatnonzero(compared.scored)
    energy[rows] = prediction.energies[examined.places.sources(rows)] - test.energies[rows]
    about = energy - np.nanmean(energy)
    columns = {
        "mae_shifted": np.abs(about),
        "rmse_shifted": about**2,
        "magnitude": forces.magnitude,
        "vector": forces.vector,
        "cosine": 1 - forces.cosine,
    }
    intervals = mean_intervals(columns, draws) if draws else {}
    return Details(
        energy=_energy(energy[compared.scored], test.n_atoms, intervals),
        forces=_forces(forces, test, intervals),
        novelty=_novelty(np.abs(energy), forces.mae, test, examined.dataset, prediction.train),
    )


def _energy(error: Floats, atoms: int, intervals: dict[str, Interval | None]) -> EnergyDetails:
    """Summarise energy errors (N,), kcal/mol."""
    squares = intervals.get("rmse_shifted")
    absolute = np.abs(error)
    shift = float(error.mean())
    about = error - shift
    rmse, rmse_shifted = (float(np.sqrt(np.mean(x**2))) for x in (error, about))
    mae_shifted = float(np.abs(about).mean())
    return EnergyDetails(
        shift=shift,
        mae_shifted=mae_shifted,
        rmse_shifted=rmse_shifted,
        max_shifted=float(np.abs(about).max()),
        mae_shifted_interval=intervals.get("mae_shifted"),
        rmse_shifted_interval=None if squares is None else (squares[0] ** 0.5, squares[1] ** 0.5),
        mae_per_atom=float(absolute.mean()) / atoms,
        rmse_per_atom=rmse / atoms,
        mae_per_atom_shifted=mae_shifted / atoms,
        rmse_per_atom_shifted=rmse_shifted / atoms,
        quantiles=[
            Quantile(share=share, error=float(value))
            for share, value in zip(QUANTILES, np.quantile(absolute, QUANTILES), strict=True)
        ],
    )


def _forces(
    errors: ForceDistribution, test: AnyFrames, intervals: dict[str, Interval | None]
) -> ForceErrors:
    """Summarise the errors of forces, kcal/mol/Å."""
    apart = intervals.get("cosine")
    by_atom = errors.by_atom / (3 * errors.frames)
    ends = (*MAGNITUDES[1:], None)
    return ForceErrors(
        magnitude_mae=float(np.nanmean(errors.magnitude)),
        vector_mae=float(np.nanmean(errors.vector)),
        cosine=float(np.nanmean(errors.cosine)) if np.isfinite(errors.cosine).any() else None,
        magnitude_interval=intervals.get("magnitude"),
        vector_interval=intervals.get("vector"),
        cosine_interval=None if apart is None else (1 - apart[1], 1 - apart[0]),
        quantiles=[Quantile(share=share, error=errors.quantile(share)) for share in QUANTILES],
        by_magnitude=[
            MagnitudeBin(
                low=low,
                high=high,
                atoms=int(count),
                mean_force=float(errors.bin_force[i] / count),
                mae=float(errors.bin_error[i] / count),
            )
            for i, (low, high, count) in enumerate(
                zip(MAGNITUDES, ends, errors.bin_counts, strict=True)
            )
            if count
        ],
        by_atom=[
            AtomError(name=f"{symbol}{i}", mae=float(by_atom[i]))
            for i, symbol in enumerate(test.symbols)
        ],
        by_residue=[
            AtomError(name=residue.name, mae=float(by_atom[list(residue.atoms)].mean()))
            for residue in residues(test[0:1])
        ],
    )


def _novelty(
    energies: Floats, forces: Floats, test: AnyFrames, dataset: Dataset | None, train: str | None
) -> Novelty | None:
    """Relate errors (N,) to the distance to the training set; None if that is not the dataset's."""
    if train is None or dataset is None:
        return None
    try:
        learned = dataset.split(train)
    except UsageError:
        return None
    scored = np.flatnonzero(np.isfinite(energies))
    picked = scored[evenly(len(scored), NOVELTY_FRAMES)]
    distance = _distances(test[picked], learned)
    energy, force = energies[picked], forces[picked]
    order = np.argsort(distance, kind="stable")
    return Novelty(
        train=train,
        train_frames=len(learned),
        frames=len(picked),
        energy_correlation=_spearman(distance, energy),
        force_correlation=_spearman(distance, force),
        bins=[
            NoveltyBin(
                low=float(distance[rows[0]]),
                high=float(distance[rows[-1]]),
                frames=len(rows),
                energy_mae=float(energy[rows].mean()),
                force_mae=float(force[rows].mean()),
            )
            for rows in np.array_split(order, NOVELTY_BINS)
            if len(rows)
        ],
    )


def _distances(frames: Frames, train: Frames) -> Floats:
    """Distance of each frame's fingerprint to the nearest training frame's, (N,) in Å."""
    both = Frames(
        numbers=frames.numbers,
        positions=np.concatenate([frames.positions, train.positions]),
        energies=np.concatenate([frames.energies, train.energies]),
        forces=np.concatenate([frames.forces, train.forces]),
        cell=None
        if frames.cell is None or train.cell is None
        else np.concatenate([frames.cell, train.cell]),
        pbc=frames.pbc,
    )
    values = fingerprints(both).values
    return nearest(values[: len(frames)], values[len(frames) :])[0]


def _spearman(first: Floats, second: Floats) -> float | None:
    """Spearman's rank correlation; equal values share their mean rank.  None for constants."""
    ranks = []
    for values in (first, second):
        _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
        ranks.append((np.cumsum(counts) - (counts - 1) / 2)[place])
    a, b = (rank - rank.mean() for rank in ranks)
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale else None
