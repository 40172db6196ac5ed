"""MAPbI3: orientation of methylammonium, Pb–I bonds and angles, tilts of the octahedra.

A lead atom's octahedron are the six iodine atoms nearest to it in the system's one structure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from teadata.typing import Floats, Ints
from teaeval.observables.observable import Observable
from teaeval.observables.quantities import Axis, Curve, Histogram, Map, Quantity
from teaeval.observables.system import Sample, System, angles

LEAD, IODINE, CARBON, NITROGEN = 82, 53, 6, 7

COSINE = Axis("cos θ", "", -1.0, 0.1, 20)
AZIMUTH = Axis("φ", "°", -180.0, 15.0, 24, periodic=True)
LAGS = Axis("lag", "fs", 0.0, 50.0, 20)
LENGTH = Axis("Pb–I", "Å", 2.0, 0.05, 60)
AT_LEAD = Axis("I–Pb–I", "°", 0.0, 3.0, 60)
AT_IODINE = Axis("Pb–I–Pb", "°", 0.0, 3.0, 60)
TILT = Axis("tilt", "°", 0.0, 1.0, 45)


@dataclass(frozen=True)
class _Lattice:
    """Axes C–N (M, 2), pairs Pb–I (P, 2), and the signs of tilts that go in and out of phase."""

    axes: Ints
    pairs: Ints
    in_phase: Floats
    antiphase: Floats


def _lattice(system: System) -> _Lattice | None:
    """The parts of a perovskite; None of another system."""
    lead, iodine = (np.flatnonzero(system.numbers == z) for z in (LEAD, IODINE))
    cell = system.frame.cell
    whole = bool(np.asarray(system.frame.pbc).all())
    if cell is None or not whole or not len(lead) or len(iodine) != 3 * len(lead):
        return None
    axes = []
    for atoms in system.groups.get("mol", ()):
        ends = [[a for a in atoms if system.numbers[a] == z] for z in (CARBON, NITROGEN)]
        if [len(end) for end in ends] != [1, 1]:
            return None
        axes.append([ends[0][0], ends[1][0]])
    every = np.stack(np.meshgrid(lead, iodine, indexing="ij"), axis=2).reshape(-1, 2)
    here = Sample(system.positions[None], cell[:1])
    distances = here.lengths(every)[0].reshape(len(lead), -1)
    nearest = np.argsort(distances, axis=1)[:, :6]
    pairs = np.stack([np.repeat(lead, 6), iodine[nearest].ravel()], axis=1)
    if not axes or (np.bincount(pairs[:, 1])[iodine] != 2).any():
        return None
    signs = _signs(system, cell[0], lead)
    return None if signs is None else _Lattice(np.array(axes), pairs, *signs)


def _signs(system: System, cell: Floats, lead: Ints) -> tuple[Floats, Floats] | None:
    """Signs (Pb, 3) of a rotation about each axis, of tilts in phase and out of phase along it.

    Neighbouring octahedra turn against each other in the plane across the axis; along it they turn
    alike (in phase) or against each other (antiphase).  None unless the lead atoms are on a
    lattice that is repeated an even number of times along each cell vector.
    """
    repeats = round(len(lead) ** (1 / 3))
    if repeats**3 != len(lead) or repeats % 2:
        return None
    fractions = repeats * system.positions[lead] @ np.linalg.inv(cell)
    offset = np.angle(np.exp(2j * np.pi * fractions).mean(axis=0)) / (2 * np.pi)
    sites = np.rint(fractions - offset).astype(np.int64) % repeats
    if len(np.unique(sites, axis=0)) != len(lead):
        return None
    all_three = sites.sum(axis=1, keepdims=True)
    across = all_three - sites
    return (-1.0) ** across, np.repeat((-1.0) ** all_three, 3, axis=1)


def _of(*quantities: Quantity) -> Callable[[System], list[Quantity]]:
    def of(system: System) -> list[Quantity]:
        return [] if _lattice(system) is None else list(quantities)

    return of


def _directions(sample: Sample, lattice: _Lattice) -> Floats:
    """Unit vectors (n, M, 3) from carbon to nitrogen."""
    along = sample.vectors(lattice.axes)
    found: Floats = along / np.linalg.norm(along, axis=2, keepdims=True)
    return found


def _frame(sample: Sample) -> Floats:
    """Orthonormal axes (n, 3, 3) as rows: along a, in the plane of a and b, across both."""
    cell = sample.cell if sample.cell is not None else np.empty((0, 3, 3))
    first = cell[:, 0] / np.linalg.norm(cell[:, 0], axis=1, keepdims=True)
    across = np.cross(cell[:, 0], cell[:, 1])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return np.stack([first, np.cross(across, first), across], axis=1)


def _orientation(system: System, sample: Sample) -> Mapping[str, Floats]:
    lattice = _lattice(system)
    if lattice is None:
        return {}
    x, y, z = np.moveaxis(
        np.einsum("nmi,nji->nmj", _directions(sample, lattice), _frame(sample)), 2, 0
    )
    return {"C–N": np.stack([z.clip(-1, 1), np.degrees(np.arctan2(y, x))], axis=2)}


def _relaxation(system: System, sample: Sample) -> Mapping[str, Floats]:
    """⟨u(0)·u(t)⟩ over molecules and origins, at the lags of the axis."""
    lattice = _lattice(system)
    if lattice is None or sample.spacing is None:
        return {}
    along = _directions(sample, lattice)
    most = min(len(along) - 1, int(np.ceil(LAGS.edges[-1] / sample.spacing)))
    found = [
        float((along[: len(along) - lag] * along[lag:]).sum(axis=2).mean())
        for lag in range(most + 1)
    ]
    return {"C–N": np.interp(LAGS.middles, sample.spacing * np.arange(most + 1), found)}


def _lengths(system: System, sample: Sample) -> Mapping[str, Floats]:
    lattice = _lattice(system)
    return {} if lattice is None else {"Pb–I": sample.lengths(lattice.pairs)}


def _corners(system: System, sample: Sample) -> Mapping[str, Floats]:
    lattice = _lattice(system)
    if lattice is None:
        return {}
    towards = sample.vectors(lattice.pairs)
    octahedra = towards.reshape(len(towards), -1, 6, 3)
    i, j = np.triu_indices(6, 1)
    order = np.argsort(lattice.pairs[:, 1], kind="stable")
    first, second = order[::2], order[1::2]
    at_lead = angles(octahedra[:, :, i], octahedra[:, :, j])
    return {
        "I–Pb–I": at_lead.reshape(len(towards), -1),
        "Pb–I–Pb": angles(towards[:, first], towards[:, second]),
    }


def _tilts(system: System, sample: Sample) -> Mapping[str, Floats]:
    """Rotation of each octahedron about each cell axis, from its four iodine atoms across it."""
    lattice = _lattice(system)
    if lattice is None:
        return {}
    towards = np.einsum("npi,nji->npj", sample.vectors(lattice.pairs), _frame(sample))
    here = Sample(system.positions[None], system.frame.cell)
    start = np.einsum("npi,nji->npj", here.vectors(lattice.pairs), _frame(here))[0]
    along = np.abs(start).argmax(axis=1).reshape(-1, 6)  # the axis that each bond is along
    turned = np.empty((len(towards), len(along), 3))
    for axis in range(3):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        angle = np.degrees(np.arctan2(towards[..., b], towards[..., a]))
        # from the direction along a or b that is nearest: right for rotations below 45°
        angle = (angle - 90 * np.rint(angle / 90)).reshape(len(towards), -1, 6)
        across = (along != axis).astype(np.float64)
        turned[..., axis] = (angle * across).sum(axis=2) / across.sum(axis=1)
    return {
        "in phase": np.abs((turned * lattice.in_phase).mean(axis=1)),
        "antiphase": np.abs((turned * lattice.antiphase).mean(axis=1)),
    }


SUBJECT = "a perovskite of lead, iodine and methylammonium (the group mol of the card)"

OBSERVABLES = (
    Observable(
        "methylammonium",
        "Orientation of methylammonium",
        _of(Map("C–N", COSINE, AZIMUTH)),
        _orientation,
        SUBJECT,
    ),
    Observable(
        "methylammonium-relaxation",
        "Autocorrelation of the C–N axis",
        _of(Curve("C–N", LAGS, "")),
        _relaxation,
        SUBJECT,
        span=2000.0,
    ),
    Observable("lead-iodide", "Pb–I distances", _of(Histogram("Pb–I", LENGTH)), _lengths, SUBJECT),
    Observable(
        "lead-iodide-angles",
        "Angles of lead and iodine",
        _of(Histogram("I–Pb–I", AT_LEAD), Histogram("Pb–I–Pb", AT_IODINE)),
        _corners,
        SUBJECT,
    ),
    Observable(
        "octahedral-tilts",
        "Lattice symmetry: tilts of the octahedra",
        _of(Histogram("in phase", TILT), Histogram("antiphase", TILT)),
        _tilts,
        SUBJECT,
    ),
)
