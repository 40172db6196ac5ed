"""Ramachandran maps of a peptide's residues."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import numpy as np

from teadata.errors import UsageError
from teadata.typing import Floats
from teaeval.observables.angles import Backbone, backbone, dihedrals
from teaeval.observables.observable import Observable
from teaeval.observables.quantities import Axis, Map
from teaeval.observables.system import Sample, System

WIDTH = 10.0
"""Degrees, width of a bin."""


def _backbone(system: System) -> Backbone | None:
    if system.periodic:
        return None
    with suppress(UsageError):
        return backbone(system.frame)
    return None


def _maps(system: System) -> list[Map]:
    chain = _backbone(system)
    count = round(360 / WIDTH)
    x, y = (Axis(name, "°", -180.0, WIDTH, count, periodic=True) for name in ("φ", "ψ"))
    return [] if chain is None else [Map(name, x, y) for name in chain.names]


def _angles(system: System, sample: Sample) -> Mapping[str, Floats]:
    chain = _backbone(system)
    if chain is None:
        return {}
    both = [dihedrals(sample.positions, atoms) for atoms in (chain.phi, chain.psi)]
    stacked = np.stack(both, axis=2)  # (n, residues, 2)
    return {name: stacked[:, i] for i, name in enumerate(chain.names)}


OBSERVABLES = (
    Observable(
        "ramachandran",
        "Ramachandran maps",
        _maps,
        _angles,
        "a peptide with a residue between two others, caps included",
    ),
)
