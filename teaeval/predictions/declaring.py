"""What a caller says about a prediction file that the file does not say itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypedDict

from teadata import units
from teadata.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from teadata import DatasetCard


class FileDeclarations(TypedDict, total=False):
    """What can be said of a prediction file beside its dataset; None is the same as nothing.

    ``subset`` is whose test set was predicted, ``energy_unit`` and ``length_unit`` the file's
    units, ``force_unit`` that of its forces where it is not energy over length, ``energy_key`` and
    ``forces_key`` its names of the arrays, ``model`` and ``train`` who predicted: a name, and the
    split that was trained on.
    """

    subset: str | None
    energy_unit: str | None
    length_unit: str | None
    force_unit: str | None
    energy_key: str | None
    forces_key: str | None
    model: str | None
    train: str | None


class Declarations(FileDeclarations, total=False):
    """What can be said of a prediction file; ``dataset`` is of whose frames it is."""

    dataset: str | None


NAMES = ("dataset", *FileDeclarations.__annotations__)
"""The names of what can be declared."""


SPELLED: dict[str, Callable[[str], str]] = {
    "energy_unit": units.energy_unit,
    "length_unit": units.length_unit,
    "force_unit": units.force_unit,
}
"""What gives the one spelling of a unit."""

REFERENCE_NAMES = (
    "reference",
    "reference_energy_unit",
    "reference_length_unit",
    "reference_force_unit",
    "reference_energy_key",
    "reference_forces_key",
)
"""The names of what can be said of a reference."""


def check_known(declared: Iterable[str]) -> None:
    """Refuse what cannot be declared of a prediction file.

    Raises
    ------
    UsageError
        If there is something; a reference is none, and the error says what takes one.
    """
    strange = sorted({*declared} - {*NAMES})
    if "reference" in strange:
        raise UsageError(
            "a reference is nothing that a prediction file could state; teaeval.score, check and "
            "compare take one beside the file: teaeval.score(FILE, reference=LABELS)"
        )
    if strange:
        raise unknown_name("declaration", strange[0], NAMES)


def option(name: str) -> str:
    """The command line's option for a declaration."""
    return "--" + name.replace("_", "-")


def check_train(card: DatasetCard, train: str) -> None:
    """Refuse a training set that a dataset does not have.

    Parameters
    ----------
    card
        The dataset's card.
    train
        ``<subset>/train``, ``<subset>/train/<size>``, or ``<subset>/valid/<size>``: of two
        models, each can be trained on what the other validates with.

    Raises
    ------
    UsageError
        If it has no such split, or, where its data are here, not of that size.
    """
    from teadata import SplitName, catalog

    split = SplitName.parse(train)
    card.check_subset(split.subset)
    if split.role != "train" and (split.role != "valid" or split.size is None):
        known = [f"{split.subset}/{role}/<size>" for role in ("train", "valid")]
        raise unknown_name("training set", train, known)
    if split.size == 0:
        raise UsageError(f"training set {train!r}: expected a size of 1 or more")
    if card.files:
        catalog.load(card.full_id).splits.ids(split)
