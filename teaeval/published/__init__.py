"""What the papers of the TEA Challenge 2023 published, as data.

>>> from teaeval import published
>>> published.value("III", "complete", "complete", "F", "MACE", "MAE")
0.21

The numbers are of the official data (doi:10.1039/d4sc06529h and its supplementary information,
SI): they are no yardstick for the mini edition, whose labels are another method's.
"""

from teaeval.published.results import (
    MEASURES,
    MODELS,
    Entry,
    Kind,
    PhysNetEntry,
    absolute,
    entries,
    model_name,
    physnet,
    value,
)
from teaeval.published.settings import Cost, Setting, costs, settings

__all__ = [
    "MEASURES",
    "MODELS",
    "Cost",
    "Entry",
    "Kind",
    "PhysNetEntry",
    "Setting",
    "absolute",
    "costs",
    "entries",
    "model_name",
    "physnet",
    "settings",
    "value",
]
