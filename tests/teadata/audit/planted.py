"""A sound dataset, in which the tests of the audit plant defects."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from teadata import Dataset, Frames, SplitTable
from teadata.audit import Finding, audit
from teadata.card import DataFile, DatasetCard
from teadata.formats import hdf5
from teadata.provenance import sha256

ROLES = {"train": slice(0, 30), "valid": slice(30, 45), "test": slice(45, 90)}


def changed(frames: Frames, **arrays: Any) -> Frames:
    return Frames(**{f.name: getattr(frames, f.name) for f in fields(frames)} | arrays)


def crystal(seed: int = 0) -> Frames:
    """90 thermal frames of a distorted salt, 8 atoms, of 9 trajectories, forces summing to 0."""
    rng = np.random.default_rng(seed)
    cell = np.array([[5.6, 0.0, 0.0], [1.0, 5.4, 0.0], [0.3, -0.4, 5.8]])
    lattice = np.array([[i, j, k] for i in (0, 0.5) for j in (0, 0.5) for k in (0, 0.5)])
    numbers = np.where((2 * lattice).sum(axis=1) % 2 == 0, 11, 17)
    forces = rng.normal(scale=20, size=(90, 8, 3))
    return Frames(
        numbers=numbers,
        positions=lattice @ cell + rng.normal(scale=0.2, size=(90, 8, 3)),
        energies=-1e5 + rng.normal(scale=5, size=90),
        forces=forces - forces.mean(axis=1, keepdims=True),
        cell=np.tile(cell, (90, 1, 1)),
        pbc=[True] * 3,
        ids=1000 + np.arange(90),
        trajectories=np.repeat(np.arange(18), 5),
    )


def store(frames: Frames, table: SplitTable, card: DatasetCard, folder: Path) -> Dataset:
    hdf5.write(folder / "frames.h5", frames)
    table.write(folder / "splits.parquet")
    files = [
        DataFile(
            name=name,
            content=content,
            bytes=(folder / name).stat().st_size,
            sha256=sha256(folder / name),
        )
        for name, content in (("frames.h5", "frames"), ("splits.parquet", "splits"))
    ]
    update = {
        "files": files,
        "system": card.system.model_copy(update={"periodic": True}),
        "subsets": {"complete": "all"},
        "tasks": ["complete->complete"],
        "statistics": {},
    }
    return Dataset(card.model_copy(update=update), folder)


def findings(dataset: Dataset) -> dict[str, Finding]:
    return {finding.name: finding for finding in audit(dataset)}


def found_wrong(found: dict[str, Finding]) -> dict[str, str]:
    return {n: f.outcome for n, f in found.items() if f.outcome not in ("pass", "not judged")}


def not_passed(dataset: Dataset) -> dict[str, str]:
    return found_wrong(findings(dataset))
