"""The part of a score's record that ``teaeval score --details`` adds."""

from __future__ import annotations

from teadata.schema import StrictModel
from teaeval.resampling import Interval


class Quantile(StrictModel):
    """The absolute error that a share of the values do not exceed."""

    share: float
    error: float


class EnergyDetails(StrictModel):
    """Energy errors, kcal/mol; as they are, without their mean, and per atom.

    ``shift`` is the mean error; the ``*_shifted`` are of the errors about it.  ``*_per_atom``
    are divided by the number of atoms.  Intervals are about the same shift; None where
    there are none.
    """

    shift: float
    mae_shifted: float
    rmse_shifted: float
    max_shifted: float
    mae_shifted_interval: Interval | None
    rmse_shifted_interval: Interval | None
    mae_per_atom: float
    rmse_per_atom: float
    mae_per_atom_shifted: float
    rmse_per_atom_shifted: float
    quantiles: list[Quantile]


class MagnitudeBin(StrictModel):
    """Errors of the atoms whose reference |F| lies in a range, kcal/mol/Å.

    ``mean_force`` is their mean |F|, ``mae`` the mean absolute error of their components.
    """

    low: float
    high: float | None
    atoms: int
    mean_force: float
    mae: float


class AtomError(StrictModel):
    """Mean absolute error of the force components of an atom, or of a residue's, kcal/mol/Å."""

    name: str
    mae: float


class ForceErrors(StrictModel):
    """Force errors by vector, by atom and by strength, kcal/mol/Å.

    ``magnitude_mae`` is the mean of | |p| − |r| |, ``vector_mae`` that of |p − r|, ``cosine``
    the mean over frames of a frame's mean cosine between p and r (None if no vector has a
    direction), each with its interval.  Quantiles are of the absolute errors of
    components, to within 1/4096 of their value.
    """

    magnitude_mae: float
    vector_mae: float
    cosine: float | None
    magnitude_interval: Interval | None
    vector_interval: Interval | None
    cosine_interval: Interval | None
    quantiles: list[Quantile]
    by_magnitude: list[MagnitudeBin]
    by_atom: list[AtomError]
    by_residue: list[AtomError]


class NoveltyBin(StrictModel):
    """Errors of frames by their distance to the training set, Å."""

    low: float
    high: float
    frames: int
    energy_mae: float
    force_mae: float


class Novelty(StrictModel):
    """Error against distance to the training set.

    The distance is that of the fingerprint of :mod:`teadata.structure.fingerprint` to the nearest
    training frame.  ``*_correlation`` are Spearman's, of a frame's distance and its mean absolute
    error.
    """

    train: str
    train_frames: int
    frames: int
    energy_correlation: float | None
    force_correlation: float | None
    bins: list[NoveltyBin]


class Details(StrictModel):
    """All details of a score; ``novelty`` is None if the training set is not known."""

    energy: EnergyDetails
    forces: ForceErrors
    novelty: Novelty | None
