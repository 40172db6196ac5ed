"""Observables of a simulation, as pure functions of arrays.

Positions (N, A, 3) are in Å, velocities in Å/fs, times in fs, cells (3, 3) or (N, 3, 3) in Å with
the vectors as rows, temperatures in K, energies in kcal/mol, stress and pressure in kcal/mol/Å³.

>>> from teaeval import observables
>>> found = observables.rdf(positions, numbers, cell)["O", "O"]  # doctest: +SKIP
>>> found.r, found.g  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teadata.lazy import exports

if TYPE_CHECKING:
    from teaeval.observables.angles import adf, backbone, dihedrals, ramachandran
    from teaeval.observables.blocks import block_mean, correlation_time
    from teaeval.observables.distances import distance, hellinger, wasserstein
    from teaeval.observables.gyration import gyration_radii, radius_of_gyration
    from teaeval.observables.pairs import mutual_neighbours, rdf
    from teaeval.observables.thermodynamics import pressure, temperature
    from teaeval.observables.transport import (
        density_of_states,
        diffusion,
        diffusion_by_origin,
        finite_size,
        msd,
        unwrap,
        vacf,
        without_drift,
    )

_HOME = {
    "adf": "teaeval.observables.angles",
    "backbone": "teaeval.observables.angles",
    "block_mean": "teaeval.observables.blocks",
    "correlation_time": "teaeval.observables.blocks",
    "density_of_states": "teaeval.observables.transport",
    "diffusion": "teaeval.observables.transport",
    "diffusion_by_origin": "teaeval.observables.transport",
    "dihedrals": "teaeval.observables.angles",
    "distance": "teaeval.observables.distances",
    "finite_size": "teaeval.observables.transport",
    "gyration_radii": "teaeval.observables.gyration",
    "hellinger": "teaeval.observables.distances",
    "msd": "teaeval.observables.transport",
    "mutual_neighbours": "teaeval.observables.pairs",
    "pressure": "teaeval.observables.thermodynamics",
    "radius_of_gyration": "teaeval.observables.gyration",
    "ramachandran": "teaeval.observables.angles",
    "rdf": "teaeval.observables.pairs",
    "temperature": "teaeval.observables.thermodynamics",
    "unwrap": "teaeval.observables.transport",
    "vacf": "teaeval.observables.transport",
    "wasserstein": "teaeval.observables.distances",
    "without_drift": "teaeval.observables.transport",
}

__all__ = [
    "adf",
    "backbone",
    "block_mean",
    "correlation_time",
    "density_of_states",
    "diffusion",
    "diffusion_by_origin",
    "dihedrals",
    "distance",
    "finite_size",
    "gyration_radii",
    "hellinger",
    "msd",
    "mutual_neighbours",
    "pressure",
    "radius_of_gyration",
    "ramachandran",
    "rdf",
    "temperature",
    "unwrap",
    "vacf",
    "wasserstein",
    "without_drift",
]

__getattr__, __dir__ = exports(__name__, _HOME)
