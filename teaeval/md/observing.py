"""Measure observables of simulations, and how far they are from a reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

from teadata.typing import Floats
from teaeval.md import observed
from teaeval.md.observed import Observed
from teaeval.md.sources import Reference, Source, strides
from teaeval.observables import statistics
from teaeval.observables.observable import Observable
from teaeval.observables.quantities import Map, Part, Quantity
from teaeval.observables.registry import absent, chosen
from teaeval.observables.statistics import Blocked, blocked, estimate, separation
from teaeval.observables.system import System
from teaeval.observables.wells import wells
from teaeval.resampling import SHARE

LEAST_OUTSIDE = 0.001
"""Share of a sample outside the bins from which on that is said."""

FAR = 2.0
"""Widths of the 95 % interval that a mean may be from what theory says without a word: of one, by
chance, every twentieth is farther."""

TOO_SHORT = "are shorter than twice the correlation time, so intervals are too narrow"


def observe(
    system: System,
    sources: Sequence[Source],
    references: Sequence[Reference],
    names: Sequence[str] = (),
    replicates: int = 1000,
) -> tuple[list[Observed], dict[str, str]]:
    """Measure observables.

    Parameters
    ----------
    system
        What was simulated.
    sources
        A trajectory of each replica.
    references
        What they are compared with, the best first: each observable takes the first that has what
        it needs.
    names
        Of the observables; all that are of this system by default.
    replicates
        Resamples behind the intervals of distances.

    Returns
    -------
    list of Observed
        Every quantity of every observable.
    dict
        Why an observable could not be measured, by its name; of all of them also why one that is
        of most such systems is not of this one.

    Raises
    ------
    UsageError
        If there is no such observable, or it is not of this system.
    """
    found: list[Observed] = []
    left_out = {} if names else absent(system)
    for observable in chosen(system, names):
        usable, reason = _usable(sources, observable, system)
        if not usable:
            left_out[observable.name] = reason
            continue
        found += _Comparison(system, observable, usable, references, replicates).records()
    return found, left_out


def _usable(
    sources: Sequence[Source], observable: Observable, system: System
) -> tuple[list[Source], str]:
    """The sources that have what an observable needs, and why the first of the others has not."""
    reasons = [source.lacks(observable, system) for source in sources]
    usable = [one for one, reason in zip(sources, reasons, strict=True) if reason is None]
    return usable, next((text for text in reasons if text), "there are no frames")


class _Comparison:
    """One observable of simulations beside that of a reference."""

    def __init__(
        self,
        system: System,
        observable: Observable,
        sources: Sequence[Source],
        references: Sequence[Reference],
        replicates: int,
    ) -> None:
        self.system, self.observable, self.replicates = system, observable, replicates
        self.quantities = observable.quantities(system)
        self.notes: list[str] = []
        self.reference: Reference | None = None
        others: list[Source] = []
        for candidate in references:
            others, _ = _usable(candidate.sources, observable, system)
            if others:
                self.reference = candidate
                break
        every = (1, 1)
        if self.reference is not None and observable.strided:
            if (same := strides(sources, others)) is None:
                self.notes.append(
                    f"not compared with {self.reference.label}: the time between frames differs"
                )
                self.reference, others = None, []
            else:
                every = same
        self.spacing = (sources[0].spacing or 0.0) * every[0] / 1000 or None
        self.sample = self._measured(sources, every[0])
        self.other = self._measured(others, every[1]) if others else None
        self.other_spacing = (others[0].spacing or 0.0) * every[1] / 1000 if others else None

    def _measured(self, sources: Sequence[Source], every: int) -> dict[str, Blocked]:
        """Each quantity in blocks."""
        parts: dict[str, list[list[Part]]] = {one.name: [] for one in self.quantities}
        for source in sources:
            for trajectory in parts.values():
                trajectory.append([])
            for piece in source.pieces(self.observable, every):
                values = self.observable.measure(self.system, piece)
                for quantity in self.quantities:
                    parts[quantity.name][-1].append(quantity.part(values[quantity.name]))
        return {name: blocked(trajectories) for name, trajectories in parts.items()}

    def records(self) -> list[Observed]:
        """The record of each quantity."""
        return [self._one(quantity) for quantity in self.quantities]

    def _one(self, quantity: Quantity) -> Observed:
        sample = self.sample[quantity.name]
        other = self.other[quantity.name] if self.other is not None else None
        exact = getattr(quantity, "exact", None)
        notes = list(self.notes)
        if sample.short:
            notes.append(f"replicas {TOO_SHORT}")
        if other is not None and other.short and self.other_spacing:
            notes.append(f"simulations of the reference {TOO_SHORT}")
        notes += _outside(quantity, sample, "simulations")
        if other is not None:
            notes += _outside(quantity, other, "reference")
        compared = other is not None and _comparable(quantity, sample, other)
        mean = _mean(quantity, sample, self.spacing)
        notes += _off_theory(mean, exact, quantity.unit)
        return Observed(
            observable=self.observable.name,
            quantity=quantity.name,
            unit=quantity.unit,
            kind=quantity.kind,
            axes=[observed.Axis(**asdict(axis)) for axis in quantity.axes],
            mean=mean,
            values=_rounded(quantity.shown(sample.total)),
            reference=self.reference.label if compared and self.reference else None,
            reference_mean=_mean(quantity, other, self.other_spacing)
            if compared and other
            else None,
            reference_values=_rounded(quantity.shown(other.total)) if compared and other else [],
            exact=exact,
            distances=self._distances(quantity, sample, other) if compared and other else [],
            wells=_wells(quantity, sample, other) if compared and other else [],
            notes=notes,
        )

    def _distances(
        self, quantity: Quantity, sample: Blocked, other: Blocked
    ) -> list[observed.Separation]:
        found = []
        for measure in quantity.measures:
            apart = separation(quantity, measure, sample.rows, other.rows, self.replicates)
            unit = "" if measure == "hellinger" else quantity.distance_unit
            numbers = {k: _number(v) for k, v in asdict(apart).items() if k != "measure"}
            found.append(
                observed.Separation.model_validate({"measure": measure, "unit": unit} | numbers)
            )
        return found


def _outside(quantity: Quantity, sample: Blocked, whose: str) -> list[str]:
    """What to say of the share of a sample that is outside the bins."""
    found = []
    for share, side, edge in zip(
        quantity.outside(sample.total), ("below", "above"), (0, -1), strict=True
    ):
        if share >= LEAST_OUTSIDE:
            axis = quantity.axes[0]
            where = f"{side} {axis.edges[edge]:g} {axis.unit}".rstrip()
            found.append(
                f"{100 * share:.2g} % of the {whose} is {where}, outside the bins: it is not "
                "drawn, but counted in distances and means"
            )
    return found


def _off_theory(mean: observed.Estimate | None, exact: float | None, unit: str) -> list[str]:
    """What to say of a mean that is clearly not what theory says it must be."""
    if mean is None or exact is None or mean.low is None or mean.high is None:
        return []
    if abs(mean.value - exact) <= max(mean.high - mean.value, mean.value - mean.low) * FAR:
        return []
    return [
        f"theory says {exact:g} {unit}, more than {FAR:g} times as far away as the 95 % interval "
        "reaches: more has to be left out at the start (--discard), or energy is not conserved"
    ]


def _comparable(quantity: Quantity, *samples: Blocked) -> bool:
    """Whether anything was counted in both."""
    return all(float(quantity.weight(one.total)) > 0 for one in samples)


def _mean(quantity: Quantity, sample: Blocked, spacing: float | None) -> observed.Estimate | None:
    ratio = quantity.ratio(sample.rows)
    if ratio is None or not ratio[1].sum() > 0:
        return None
    correlation = None
    if sample.correlation is not None and spacing:
        correlation = sample.correlation * spacing
    return _recorded(estimate(*ratio, quantity.limits), correlation)


def _recorded(found: statistics.Estimate, correlation: float | None = None) -> observed.Estimate:
    numbers = {name: _number(value) for name, value in asdict(found).items()}
    return observed.Estimate.model_validate(numbers | {"correlation": _number(correlation)})


def _wells(quantity: Quantity, sample: Blocked, other: Blocked) -> list[observed.Well]:
    """Populations of the reference's wells, by blocks."""
    if not isinstance(quantity, Map):
        return []
    found = []
    for well in wells(quantity, other.total):
        member = well.bins.ravel()
        shares = [
            _recorded(estimate(one.rows @ member, one.rows.sum(axis=1), SHARE))
            for one in (sample, other)
        ]
        found.append(observed.Well(x=well.x, y=well.y, share=shares[0], reference=shares[1]))
    return found


def _number(value: float | None) -> float | None:
    """A number for a record, with six digits; None for one that is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")


def _rounded(values: Floats) -> list[float]:
    return [float(f"{value:.5g}") for value in values.ravel().tolist()]
