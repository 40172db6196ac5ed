"""From labelled frames to a dataset: HDF5 file, split table, card.  And back, to check."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from labels import Engine
from sampling import Trajectory

from teadata.card import DatasetCard
from teadata.catalog import load
from teadata.files import write_text
from teadata.formats import hdf5
from teadata.frames import Frames
from teadata.provenance import sha256
from teadata.splits import SplitTable
from teaeval.metrics.definitions import errors

DATASETS = Path(__file__).resolve().parents[1]
BUILD = DATASETS.parent / "build"

Picked = dict[tuple[str, str], np.ndarray]
"""For each (subset, role), rows of the sampled frames, first rank first."""

TOLERANCE = 1e-6
"""A relabelled energy or force component may differ by so much, relative to the largest
energy or force component of the frame: the SCF is converged to less."""

NOTICE = (
    "Labels are GFN-xTB, for development, tests and teaching. They are not the DFT data of the "
    "TEA Challenge 2023: errors on this dataset are not comparable with published ones, and no "
    "physical property should be concluded from it."
)


def common(engine: Engine, settings: str) -> dict[str, Any]:
    """What all cards of the mini edition have alike."""
    return {
        "edition": "mini",
        "level_of_theory": {
            "method": engine.method,
            "engine": engine.version,
            "settings": f"{engine.settings}, {settings}; total energies, no offset removed",
        },
        "units": {"energy": "kcal/mol", "length": "Å", "force": "kcal/mol/Å"},
        "licence": "CC-BY-4.0",
        "notice": NOTICE,
    }


def system(name: str, frames: Frames) -> dict[str, Any]:
    """The card's account of the atoms."""
    return {
        "name": name,
        "formula": frames.formula,
        "n_atoms": frames.n_atoms,
        "elements": sorted(set(frames.symbols)),
        "periodic": frames.periodic,
    }


def run_entry(plan: Trajectory, role: str, **more: Any) -> dict[str, Any]:
    """The card's entry of a trajectory; `more` are its other fields (start, density)."""
    spacing = plan.spacing * plan.timestep
    return {
        "role": role,
        **more,
        "temperature": plan.temperature,
        "length": round((plan.frames - 1) * spacing / 1000, 6),
        "spacing": spacing,
        "sampled": plan.frames,
    }


def read(
    paths: Sequence[Path], pbc: bool = False, temperatures: Sequence[float] | None = None
) -> Frames:
    """The frames of trajectory files, in order, numbered by ``trajectories``.

    Forces and stresses are rounded to single precision, which is what the dataset stores.

    Parameters
    ----------
    paths
        A file per trajectory.
    pbc
        Whether the cells are periodic.
    temperatures
        Of the trajectories, K, where they are a state variable of the frames.
    """
    parts = []
    for i, path in enumerate(paths):
        with np.load(path) as data:
            count = len(data["E"])
            cell = np.broadcast_to(data["cell"], (count, 3, 3)) if pbc else None
            stress = data["S"].astype(np.float32) if len(data["S"]) else None
            heat = None if temperatures is None else np.full(count, temperatures[i])
            parts.append(
                Frames(
                    numbers=data["z"],
                    positions=data["R"],
                    energies=data["E"],
                    forces=data["F"].astype(np.float32),
                    cell=cell,
                    pbc=(pbc,) * 3,
                    stress=stress,
                    trajectories=np.full(count, i),
                    temperatures=heat,
                )
            )
    return Frames.concatenate(parts)


def round_robin(groups: Sequence[np.ndarray], quota: int) -> np.ndarray:
    """One row of each group in turn, up to a quota; an exhausted group is passed over.

    So every nested size draws equally from all groups.
    """
    turn = np.concatenate([np.arange(len(group)) for group in groups])
    rows = np.concatenate(groups)
    return rows[np.argsort(turn, kind="stable")][:quota]


def storage_order(picked: Picked) -> np.ndarray:
    """Rows in the order they are stored: split by split, ranks together.

    A nested split is then read from one stretch of the file.
    """
    every = np.concatenate([picked[key] for key in sorted(picked)])
    first = np.unique(every, return_index=True)[1]
    return every[np.sort(first)]


def publish(
    fields: dict[str, Any],
    frames: Frames,
    picked: Picked,
    order: np.ndarray | None = None,
    root: Path = DATASETS,
    stem: str | None = None,
) -> DatasetCard:
    """Write a dataset's files and the card that states what is in them.

    Parameters
    ----------
    fields
        The card without what is computed here: ``files``, ``statistics``, and how many
        frames of each trajectory are stored.
    frames
        All sampled frames, forces already rounded to what is stored.
    picked
        Which frames are for what.
    order
        Rows to store; default: those of the splits, in :func:`storage_order`.
    root
        The folder of cards, frames and splits.
    stem
        Of the names of the files; the id by default.
    """
    rows = storage_order(picked) if order is None else order
    position = {row: i for i, row in enumerate(rows.tolist())}
    stored = replace_ids(frames[rows])
    splits = SplitTable(
        {key: np.array([position[row] for row in picked[key].tolist()]) for key in sorted(picked)}
    )
    name, theory = fields["id"], fields["level_of_theory"]["method"]
    paths = {
        "frames": root / "mini" / f"{stem or name}.h5",
        "splits": root / "splits" / f"{stem or name}.parquet",
    }
    for path in paths.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    hdf5.write(paths["frames"], stored, name=name, theory=theory, checksums=False)
    splits.write(paths["splits"])
    files = [
        {
            "name": str(path.relative_to(root)),
            "content": content,
            "bytes": path.stat().st_size,
            "sha256": sha256(path),
        }
        for content, path in paths.items()
    ]
    return write_card(fields | {"files": files}, stored, splits, root)


def replace_ids(frames: Frames) -> Frames:
    """The same frames, numbered from 0."""
    arrays = {f: getattr(frames, f) for f in frames.__dataclass_fields__}
    return Frames(**{**arrays, "ids": None})


def write_card(
    fields: dict[str, Any], frames: Frames, splits: SplitTable, root: Path = DATASETS
) -> DatasetCard:
    """Write the card, with what the stored frames say of themselves."""
    measured = {"statistics": statistics(frames, splits)}
    if fields.get("trajectories"):
        counts = np.bincount(frames.trajectories, minlength=len(fields["trajectories"]))
        measured["trajectories"] = [
            {**entry, "index": i, "stored": int(counts[i])}
            for i, entry in enumerate(fields["trajectories"])
        ]
    card = DatasetCard.model_validate(fields | measured)
    (root / "cards").mkdir(exist_ok=True)
    write_text(root / "cards" / f"{card.id}.yaml", as_yaml(card))
    return card


def keep_version(name: str, version: str) -> None:
    """Keep the card of a published version beside the one that a newer version will take."""
    path = DATASETS / "cards" / f"{name}.yaml"
    if DatasetCard.read(path).version == version:
        write_text(path.with_name(f"{name}@{version}.yaml"), path.read_text(encoding="utf-8"))


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines (BibTeX) as it is."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def as_yaml(card: DatasetCard) -> str:
    """The card as YAML: prose in blocks, and a line for each entry of its tables."""
    content = card.model_dump(mode="json", exclude_defaults=True)
    tables = {
        key: content.pop(key)
        for key in ("files", "groups", "statistics", "trajectories")
        if key in content
    }
    options = {"sort_keys": False, "allow_unicode": True, "Dumper": _Dumper}
    return yaml.dump(content, width=96, **options) + yaml.dump(
        tables, width=160, default_flow_style=None, **options
    )


def statistics(frames: Frames, splits: SplitTable) -> dict[str, dict[str, float]]:
    """The normalisers of each subset's test split, by the code that scores."""
    result = {}
    for subset in splits.subsets:
        test = frames.select(splits.ids(f"{subset}/test"))
        energy = errors(test.energies, test.energies, relative=True)
        force = errors(test.forces, test.forces)
        result[subset] = {
            "frames": len(test),
            "mean_abs_force": float(f"{force.mean_reference:.8g}"),
            "std_force": float(f"{force.std_reference:.8g}"),
            "mean_relative_energy": float(f"{energy.mean_reference:.8g}"),
            "std_energy": float(f"{energy.std_reference:.8g}"),
        }
    return result


def correlation(series: Sequence[np.ndarray], lag: int) -> float:
    """Autocorrelation at a lag in frames, pooled over independent trajectories.

    Parameters
    ----------
    series
        One array per trajectory, frames first; each is centred on its own mean.
    lag
        In frames.
    """
    centred = [x - x.mean(axis=0) for x in (s.reshape(len(s), -1) for s in series)]
    variance = sum(float((x**2).sum()) for x in centred) / sum(x.size for x in centred)
    products = sum(float((x[:-lag] * x[lag:]).sum()) for x in centred)
    return products / sum(x[lag:].size for x in centred) / variance


def correlation_time(series: Sequence[np.ndarray], spacing: float) -> float | None:
    """Time in fs after which the autocorrelation has fallen to 1/e.

    Linear between the lags; None if half a trajectory is too short for it.

    Parameters
    ----------
    series
        One array per trajectory, frames first.
    spacing
        Between frames, fs.
    """
    before = 1.0
    for lag in range(1, min(map(len, series)) // 2 + 1):
        here = correlation(series, lag)
        if here <= 1 / np.e:
            return round(spacing * (lag - 1 + (before - 1 / np.e) / (before - here)), 1)
        before = here
    return None


def correlation_times(frames: Frames, spacing: float) -> dict[str, float]:
    """Correlation times (fs) of forces and energy; what outlasts the trajectories is left out."""
    runs = [frames.trajectories == i for i in np.unique(frames.trajectories)]
    measured = {
        "forces": correlation_time([frames.forces[run] for run in runs], spacing),
        "energy": correlation_time([frames.energies[run] for run in runs], spacing),
    }
    return {name: time for name, time in measured.items() if time is not None}


def drift(frames: Frames) -> str:
    """How far trajectories (frames in the order of time) are from equilibrium, as a sentence."""
    change, within = [], []
    for i in np.unique(frames.trajectories):
        energies = frames.energies[frames.trajectories == i]
        fifth = max(1, len(energies) // 5)
        change.append(energies[-fifth:].mean() - energies[:fifth].mean())
        within.append(energies.std())
    return (
        f"From the first to the last fifth of a trajectory the energy changes by "
        f"{np.mean(change):+.1f} kcal/mol on average ({min(change):+.1f} to {max(change):+.1f}), "
        f"beside a standard deviation within a trajectory of {np.mean(within):.1f}: what of it is "
        "the same for all is how far they are from equilibrium."
    )


def relabel(dataset: str, count: int, engine: Engine, seed: int = 0) -> tuple[float, float, float]:
    """Label stored frames, drawn at random, once more.

    Returns
    -------
    energy, force, stress
        Largest difference from the stored labels, relative to the frame's energy and to its
        largest force and stress component.
    """
    frames = load(dataset).frames
    worst = np.zeros(3)
    for row in np.random.default_rng(seed).choice(len(frames), count, replace=False):
        cell = None if frames.cell is None else frames.cell[row]
        found = engine.label(frames.numbers, frames.positions[row], cell)
        pairs = [(found.energy, frames.energies[row]), (found.forces, frames.forces[row])]
        if frames.stress is not None:
            pairs.append((found.stress, frames.stress[row]))
        for k, (new, old) in enumerate(pairs):
            worst[k] = max(worst[k], np.abs(new - old).max() / np.abs(old).max())
    return tuple(worst)


def parser(description: str) -> argparse.ArgumentParser:
    """The options that all recipes share."""
    found = argparse.ArgumentParser(description=description.splitlines()[0])
    found.add_argument("--processes", type=int, default=os.cpu_count())
    found.add_argument("--check", type=int, metavar="N", help="relabel N stored frames")
    return found


def main(description: str, dataset: str, engine: Engine, build: Callable[[int], None]) -> int:
    """The command line of most recipes."""
    options = parser(description).parse_args()
    if options.check is None:
        build(options.processes)
        return 0
    return check(dataset, options.check, engine)


def check(dataset: str, count: int, engine: Engine) -> int:
    """Say how far stored labels are from new ones; 1 if farther than they may be."""
    worst = relabel(dataset, count, engine)
    print(
        f"{count} frames of {dataset} relabelled by {engine.version}: largest relative "
        "difference "
        + ", ".join(
            f"{name} {value:.1e}"
            for name, value in zip(("energy", "forces", "stress"), worst, strict=True)
        )
    )
    return int(max(worst) > TOLERANCE)
