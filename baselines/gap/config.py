"""Settings of a GAP, and the lengths that follow from its elements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field, field_validator

from baselines.config import ModelConfig
from baselines.fields import Count, CountOrZero, Positive
from teadata.elements import SYMBOLS
from teadata.errors import DataError


class BondLengths(NamedTuple):
    """Bond lengths of an element with itself in Å: typical, and shortest."""

    typical: Positive
    shortest: Positive


BOND_LENGTHS = {
    1: BondLengths(1.2, 0.75),
    6: BondLengths(1.4, 1.3),
    7: BondLengths(1.6, 1.1),
    8: BondLengths(1.7, 1.2),
    53: BondLengths(3.2, 2.7),
    82: BondLengths(3.5, 2.9),
}
"""By atomic number: the values of the universal length scales that asaplib 2020 tabulates,
the program of Cheng et al., Acc. Chem. Res. 53, 1981 (2020)."""


class GAPConfig(ModelConfig):
    """Settings of a GAP fit.

    Parameters
    ----------
    sparse_two_body
        Sparse points M of each pair of elements, spread uniformly over its distances.
    sparse_soap
        Sparse points M of each element and SOAP kernel, by CUR; fewer where the training
        frames have fewer environments.
    n_max, l_max
        Radial and angular basis functions of both SOAP descriptors.
    zeta
        Exponent of the SOAP kernels.
    sigma_energy
        Regularisations of energies to search, in kcal/mol per atom.
    sigma_force
        Regularisations of forces to search, in kcal/mol/Å.  Every combination with
        `sigma_energy` is fitted; the one of lowest force RMSE on the validation set is kept.
    scale_range
        What the cutoffs of the universal SOAP are multiplied by, see :func:`soap_kernels`.
    sharpness
        What its Gaussian widths are divided by.
    two_body_range
        Cutoff of a pair in units of its typical bond length.
    two_body_sigma_factor
        What both regularisations are multiplied by while the two-body kernel is fitted alone.
    jitter
        Added to the diagonal of the sparse covariance matrix, in eV².
    bond_lengths
        By symbol, typical and shortest bond length in Å of elements that are not among those
        known here (H, C, N, O, I, Pb), or others than theirs.
    """

    LATER: ClassVar = frozenset({"bond_lengths"})

    dtype: Literal["float64"] = "float64"
    sparse_two_body: Count
    sparse_soap: Count
    n_max: Count
    l_max: CountOrZero
    zeta: Count
    sigma_energy: Annotated[list[Positive], Field(min_length=1)]
    sigma_force: Annotated[list[Positive], Field(min_length=1)]
    scale_range: Positive
    sharpness: Positive
    two_body_range: Positive
    two_body_sigma_factor: Positive
    jitter: Positive
    bond_lengths: dict[str, BondLengths] = Field(default_factory=dict)

    @field_validator("bond_lengths")
    @classmethod
    def _elements(cls, given: dict[str, BondLengths]) -> dict[str, BondLengths]:
        for symbol, lengths in given.items():
            if symbol not in SYMBOLS[1:]:
                raise ValueError(f"{symbol} is no element; expected a symbol such as Cu")
            if lengths.shortest > lengths.typical:
                raise ValueError(
                    f"{symbol}: expected the typical length, then the shortest; found "
                    f"{lengths.typical:g} and {lengths.shortest:g}"
                )
        return given

    def lengths_of(self, numbers: Iterable[int]) -> dict[int, BondLengths]:
        """Look up the bond lengths of each element, by atomic number.

        Raises
        ------
        DataError
            If an element's are neither given nor in :data:`BOND_LENGTHS`.
        """
        known = BOND_LENGTHS | {SYMBOLS.index(z): each for z, each in self.bond_lengths.items()}
        elements = sorted({int(z) for z in numbers})
        unknown = [SYMBOLS[z] for z in elements if z not in known]
        if unknown:
            raise DataError(
                f"GAP's length scales are known here for {', '.join(SYMBOLS[z] for z in known)}, "
                f"not for {', '.join(unknown)}. Give their typical and shortest bond lengths in Å: "
                "`baselines show-config gap quick > mine.yaml`, write in it, for instance, "
                f"`bond_lengths: {{{unknown[0]}: [2.6, 2.3]}}`, and train with --config mine.yaml"
            )
        return {z: known[z] for z in elements}


# Factor from a bond length to a cutoff, least short cutoff in Å, least ratio of the long to the
# short cutoff, and cutoff over Gaussian width, of the same program.
BOND_TO_CUTOFF = 1.3
LEAST_CUTOFF = 2.0
LEAST_RATIO = 1.2
CUTOFF_TO_WIDTH = 8.0

TRANSITION = 0.25
"""Width over which a SOAP cutoff function falls to zero, in units of the cutoff."""


class SoapKernel(NamedTuple):
    """Cutoff and Gaussian width of a SOAP descriptor, both in Å."""

    cutoff: float
    width: float


def _significant(value: float) -> float:
    return float(f"{value:.2g}")


def soap_kernels(numbers: Iterable[int], config: GAPConfig) -> tuple[SoapKernel, SoapKernel]:
    """Choose the short and the long SOAP kernel of a system, as the universal SOAP does.

    The short cutoff is the shortest bond length of all elements times 1.3 `scale_range`, at
    least 2 Å; the long one the longest typical bond length times 1.3 `scale_range`, at least
    1.2 times the short one.  A Gaussian is a cutoff / 8 / `sharpness` wide.  All are rounded
    to two digits.

    Raises
    ------
    DataError
        If the bond lengths of an element are not known.
    """
    lengths = config.lengths_of(numbers).values()
    factor = BOND_TO_CUTOFF * config.scale_range
    short = max(LEAST_CUTOFF, factor * min(each.shortest for each in lengths))
    long = max(LEAST_RATIO * short, factor * max(each.typical for each in lengths))
    return (
        SoapKernel(_significant(short), _significant(short / CUTOFF_TO_WIDTH / config.sharpness)),
        SoapKernel(_significant(long), _significant(long / CUTOFF_TO_WIDTH / config.sharpness)),
    )
