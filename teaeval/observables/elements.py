"""Mean force and temperature by element."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from teadata.typing import Floats
from teadata.units import BOLTZMANN, KINETIC
from teaeval.observables.observable import Observable
from teaeval.observables.quantities import Axis, Histogram, Mean
from teaeval.observables.system import Sample, System
from teaeval.observables.thermodynamics import freedom_by_atom

FORCES = Axis("force", "kcal/mol/Å", 0.0, 4.0, 100)


def _forces(system: System) -> list[Histogram]:
    return [Histogram(name, FORCES) for name in system.elements]


def _magnitudes(system: System, sample: Sample) -> Mapping[str, Floats]:
    if sample.forces is None:
        return {}
    lengths = np.linalg.norm(sample.forces, axis=2)
    return {name: lengths[:, atoms] for name, atoms in system.elements.items()}


def _temperatures(system: System) -> list[Mean]:
    return [Mean(name, "K", exact=system.temperature) for name in system.elements]


def _kelvins(system: System, sample: Sample) -> Mapping[str, Floats]:
    if sample.velocities is None:
        return {}
    squared = (sample.velocities**2).sum(axis=2) * system.masses
    freedom = freedom_by_atom(sample.positions, system.masses, system.removed)
    found = {}
    for name, atoms in system.elements.items():
        degrees = freedom[:, atoms].sum(axis=1)
        kelvin = KINETIC * squared[:, atoms].sum(axis=1) / (degrees * BOLTZMANN)
        found[name] = np.stack([kelvin, np.ones(len(kelvin))], axis=1)
    return found


OBSERVABLES = (
    Observable("forces", "Forces by element", _forces, _magnitudes, "any system", needs="forces"),
    Observable(
        "temperatures",
        "Temperature by element",
        _temperatures,
        _kelvins,
        "any system",
        needs="velocities",
    ),
)
