"""Vibrational density of states of a simulation, on common wavenumbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from teadata.typing import Floats
from teadata.units import INVERSE_FS
from teaeval.observables import bins
from teaeval.observables.observable import Observable
from teaeval.observables.quantities import Axis, Spectrum
from teaeval.observables.system import HYDROGEN, Sample, System
from teaeval.observables.transport import density_of_states

FLUORINE = 9

WINDOW = 2000.0
"""fs, largest lag of the autocorrelation that is transformed: a resolution of 8.3 cm⁻¹."""

FASTEST, FASTEST_HEAVY = 4000.0, 2400.0
"""Wavenumbers in cm⁻¹ up to which the spectrum is given, with hydrogen and without."""

FASTEST_BONDS = ((HYDROGEN, 4600.0), (FLUORINE, 4300.0))
"""The same where hydrogen is bonded to such an atom: harmonic H₂ is at 4401, HF at 4138 cm⁻¹."""

RESOLUTION = 10.0
"""cm⁻¹, between two points."""


def _fastest(system: System) -> float:
    """The wavenumber in cm⁻¹ that the system's fastest vibration is below."""
    hydrogen = system.numbers == HYDROGEN
    if not hydrogen.any():
        return FASTEST_HEAVY
    partners = set(system.numbers[system.bonds[hydrogen].any(axis=0)].tolist())
    if hydrogen.all():  # molecules may form, if there are none in this structure
        partners.add(HYDROGEN)
    return max([FASTEST, *(most for number, most in FASTEST_BONDS if number in partners)])


def _longest_stride(system: System) -> float:
    """Half the period of the fastest vibration, fs."""
    return INVERSE_FS / (2 * _fastest(system))


def _spectrum(system: System) -> list[Spectrum]:
    axis = Axis("wavenumber", "1/cm", 0.0, RESOLUTION, round(_fastest(system) / RESOLUTION))
    return [Spectrum("all atoms", axis, "cm")]


def _density(system: System, sample: Sample) -> Mapping[str, Floats]:
    (quantity,) = _spectrum(system)
    if sample.spectrum is not None:
        wavenumbers, density = sample.spectrum
    else:
        spacing = sample.spacing or 0.0
        found = density_of_states(
            sample.velocities if sample.velocities is not None else np.empty((0, 0, 3)),
            spacing,
            system.masses,
            lags=round(WINDOW / spacing),
        )
        wavenumbers, density = found.wavenumbers, found.density
    return {"all atoms": shares(wavenumbers, density, quantity.axis)}


def shares(wavenumbers: Floats, density: Floats, axis: Axis) -> Floats:
    """Shares of a spectrum at the points of an axis, and what is beyond them, (B + 4,).

    What is beyond is added up with its sign, so that noise about zero adds nothing.
    """
    found = bins.inside(RESOLUTION * np.interp(axis.middles, wavenumbers, density))
    end = float(axis.edges[-1])
    beyond = wavenumbers > end
    weights = density[beyond] * float(np.diff(wavenumbers).mean())
    found[-3] = max(0.0, float(weights.sum()))
    found[-1] = max(0.0, float(weights @ (wavenumbers[beyond] - end)))
    every: Floats = found / float(bins.total(found))
    return every


OBSERVABLES = (
    Observable(
        "vibrations",
        "Vibrational density of states",
        _spectrum,
        _density,
        "any system",
        needs="velocities",
        span=2 * WINDOW,
        most=_longest_stride,
    ),
)
