"""What a trajectory of hydrogen shows, and how far that is from the reference."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np

from teadata import Frames
from teadata.errors import DataError, UsageError
from teadata.typing import Floats, Ints
from teadata.units import GIGAPASCAL
from teaeval.hydrogen.duration import (
    block_count,
    onset,
    shortcomings,
    slowest,
    window,
)
from teaeval.hydrogen.record import (
    DRAWS_SEED,
    Deviation,
    Estimate,
    Observed,
    Protocol,
    Radial,
    Separation,
)
from teaeval.observables.blocks import block_mean, slices
from teaeval.observables.distances import distance
from teaeval.observables.pairs import mutual_neighbours, rdf
from teaeval.observables.thermodynamics import pressure
from teaeval.observables.transport import diffusion_by_origin, without_drift

HYDROGEN = ("H", "H")

PER_PS = 1e-3
"""One Å²/ps in Å²/fs."""


def observe(
    positions: Floats,
    numbers: Ints,
    cell: Floats,
    stress: Floats | None,
    temperature: float,
    spacing: float,
    protocol: Protocol,
    reference: Observed | None = None,
) -> Observed:
    """Measure pressure, diffusion, radial distribution and stable molecules of a trajectory.

    Parameters
    ----------
    positions
        (N, A, 3) in Å, unwrapped.
    numbers
        (A,) atomic numbers, all hydrogen.
    cell
        (3, 3) in Å.
    stress
        (N, 3, 3) in kcal/mol/Å³, of the potential energy; None where the model has none.
    temperature
        K, of the thermostat.
    spacing
        Time between two frames, fs.
    protocol
        How.
    reference
        What the reference shows, whose lags are taken; of the reference itself None.

    Raises
    ------
    DataError
        If there are other elements than hydrogen.
    UsageError
        If the trajectory is shorter than the times of the protocol.
    """
    if (numbers != 1).any():
        raise DataError("the hydrogen benchmark is of hydrogen; there are other elements")
    partners = mutual_neighbours(positions, cell, protocol.cutoff)
    share = stable(partners, round(protocol.persistence / spacing))
    places = without_drift(positions, np.ones(len(numbers)))
    start = onset(places, spacing)
    lags = (
        protocol.lags or (reference and reference.lags) or window(places, spacing, protocol.length)
    )
    moving = diffusion_by_origin(places, spacing, lags)
    series = [share, moving]
    if stress is not None:
        series.append(pressure(stress, cell, len(numbers), temperature))
    length, correlation = len(positions) * spacing, slowest(series, spacing)
    blocks = block_count(length, correlation, protocol.blocks)
    pieces = 1
    if reference is not None:  # rows of counts as long as the reference's
        rows = len(reference.rdf.counts) / reference.time
        pieces = max(1, round(length * rows / blocks))
    pairs = rdf(positions, numbers, cell, bins=protocol.bins, blocks=blocks * pieces)[HYDROGEN]
    return Observed(
        frames=len(positions),
        time=length,
        pressure=Estimate.of(block_mean(series[2], blocks), GIGAPASCAL) if series[2:] else None,
        diffusion=Estimate.of(block_mean(moving, blocks), PER_PS),
        molecular=Estimate.of(block_mean(share, blocks)),
        blocks=tuple(float(share[part].mean()) for part in slices(len(share), blocks)),
        rdf=Radial(
            r_max=float(pairs.edges[-1]),
            g=tuple(pairs.g.tolist()),
            counts=tuple(tuple(int(n) for n in row) for row in pairs.counts),
        ),
        lags=lags,
        onset=start,
        correlation=correlation,
        notes=tuple(shortcomings(length, correlation, blocks, start, lags)),
    )


def observe_frames(frames: Frames, spacing: float, protocol: Protocol) -> Observed:
    """Measure the same on a reference trajectory, whose frames state temperature and cell.

    Raises
    ------
    DataError
        If they have none.
    """
    if frames.cell is None or frames.temperatures is None or (frames.cell != frames.cell[0]).any():
        raise DataError("a reference trajectory needs a temperature and a constant cell")
    return observe(
        frames.positions,
        frames.numbers,
        frames.cell[0],
        frames.stress,
        float(frames.temperatures[0]),
        spacing,
        protocol,
    )


def with_rows_of(
    model: Observed, reference: Observed, frames: Frames, protocol: Protocol
) -> Observed:
    """Count the reference's pairs in rows as long as a shorter simulation's.

    What chance makes of the distance comes from dealing the rows of both out anew: rows of a
    reference that are as long as the whole simulation would scatter less than its own.

    Parameters
    ----------
    model
        What a simulation shows.
    reference
        What the reference shows, from :func:`observe_frames`.
    frames
        Of the reference.
    protocol
        How both were measured.
    """
    blocks, row = len(reference.blocks), model.time / len(model.rdf.counts)
    pieces = min(round(reference.time / row / blocks), len(frames) // blocks)
    if pieces <= 1 or frames.cell is None:
        return reference
    pairs = rdf(
        frames.positions,
        frames.numbers,
        frames.cell[0],
        bins=protocol.bins,
        blocks=blocks * pieces,
    )[HYDROGEN]
    counts = tuple(tuple(int(n) for n in row) for row in pairs.counts)
    radial = reference.rdf.model_copy(update={"counts": counts})
    return reference.model_copy(update={"rdf": radial})


def deviation(model: Observed, reference: Observed, protocol: Protocol) -> Deviation:
    """Subtract the reference from the model, with the uncertainties of both."""
    blocks = len(model.blocks), len(reference.blocks)
    push = None
    if model.pressure is not None and reference.pressure is not None:
        push = difference(model.pressure, reference.pressure, *blocks)
    apart = distance(
        np.array(model.rdf.counts),
        np.array(reference.rdf.counts),
        pieces=len(model.rdf.counts) // len(model.blocks),
        others=len(reference.rdf.counts) // len(reference.blocks),
        replicates=protocol.replicates,
        seed=DRAWS_SEED,
    )
    return Deviation(
        pressure=push,
        diffusion=difference(model.diffusion, reference.diffusion, *blocks),
        molecular=difference(model.molecular, reference.molecular, *blocks),
        rdf=Separation(**asdict(apart)),
    )


def difference(first: Estimate, second: Estimate, blocks: int, others: int) -> Estimate:
    """Subtract two estimates, of so many blocks each, with Welch's interval."""
    from scipy.special import stdtrit

    value = first.value - second.value
    if first.error is None or second.error is None:
        return Estimate(value=value)
    a, b = first.error**2, second.error**2
    error = math.sqrt(a + b)
    freedom = (a + b) ** 2 / (a**2 / (blocks - 1) + b**2 / (others - 1)) if error else 1.0
    half = float(stdtrit(freedom, 0.975)) * error
    return Estimate(value=value, error=error, low=value - half, high=value + half)


def stable(partners: Ints, frames: int) -> Floats:
    """Share of the atoms that stay in their molecule for n frames, (N − n,), from each frame on.

    An atom is in a stable molecule at an origin if it has the same partner in that frame and
    in all of the n next ones.

    Parameters
    ----------
    partners
        (N, A) partner of each atom in each frame, −1 for none: see
        :func:`teaeval.observables.mutual_neighbours`.
    frames
        n, the persistence in frames.

    Raises
    ------
    UsageError
        If there are not more than n frames.
    """
    if not 0 <= frames < len(partners):
        raise UsageError(
            f"a persistence of {frames} frames in {len(partners)} of them; expected fewer than "
            "there are"
        )
    kept = (partners[1:] == partners[:-1]) & (partners[1:] >= 0)
    total = np.concatenate([np.zeros((1, partners.shape[1]), dtype=np.int64), kept.cumsum(axis=0)])
    lasting = (total[frames:] - total[: len(total) - frames]) == frames
    shares: Floats = (lasting & (partners[: len(lasting)] >= 0)).mean(axis=1)
    return shares
