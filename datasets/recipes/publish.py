"""From labelled frames to a dataset: HDF5 file, split table, card.  And back, to check."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from teadata.card import DatasetCard
from teadata.catalog import load
from teadata.formats import hdf5
from teadata.frames import Frames
from teadata.provenance import sha256, write_text
from teadata.splits import SplitTable

DATASETS = Path(__file__).resolve().parents[1]

ENERGY_TOLERANCE = 1e-4
"""A relabelled energy may differ by so much, in kcal/mol: the SCF is converged to less."""

FORCE_TOLERANCE = 1e-3
"""A relabelled force component may differ by so much, in kcal/mol/Å."""


def publish(fields: dict[str, Any], frames: Frames, splits: SplitTable) -> DatasetCard:
    """Write a dataset's files and the card that states their sizes and checksums.

    Parameters
    ----------
    fields
        The card, without ``files``.
    frames
        All frames, forces already rounded to what is stored.
    splits
        Which frames are for what.
    """
    name, theory = fields["id"], fields["level_of_theory"]["method"]
    paths = {
        "frames": DATASETS / "mini" / f"{name}.h5",
        "splits": DATASETS / "splits" / f"{name}.parquet",
    }
    for path in paths.values():
        path.parent.mkdir(exist_ok=True)
    hdf5.write(paths["frames"], frames, name=name, theory=theory)
    splits.write(paths["splits"])
    files = [
        {
            "name": str(path.relative_to(DATASETS)),
            "content": content,
            "bytes": path.stat().st_size,
            "sha256": sha256(path),
        }
        for content, path in paths.items()
    ]
    card = DatasetCard.model_validate(fields | {"files": files})
    text = yaml.safe_dump(
        card.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=96
    )
    write_text(DATASETS / "cards" / f"{name}.yaml", text)
    return card


def correlation(series: list[np.ndarray], lags: tuple[int, ...]) -> dict[int, float]:
    """Autocorrelation at some lags, pooled over independent trajectories.

    Parameters
    ----------
    series
        One array per trajectory, frames first; each is centred on its own mean.
    lags
        In frames.
    """
    centred = [x - x.mean(axis=0) for x in (s.reshape(len(s), -1) for s in series)]
    variance = sum(float((x**2).sum()) for x in centred) / sum(x.size for x in centred)
    return {
        lag: sum(float((x[:-lag] * x[lag:]).sum()) for x in centred)
        / sum(x[lag:].size for x in centred)
        / variance
        for lag in lags
    }


def relabel(
    dataset: str,
    count: int,
    label: Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]],
    seed: int = 0,
) -> tuple[float, float]:
    """Label stored frames, drawn at random, once more.

    Returns
    -------
    energy, force
        Largest difference from the stored labels, in kcal/mol and kcal/mol/Å.
    """
    frames = load(dataset).frames
    rows = np.random.default_rng(seed).choice(len(frames), count, replace=False)
    energy = force = 0.0
    for row in rows:
        found_energy, found_forces = label(frames.numbers, frames.positions[row])
        energy = max(energy, abs(found_energy - frames.energies[row]))
        force = max(force, float(np.abs(found_forces - frames.forces[row]).max()))
    return energy, force
