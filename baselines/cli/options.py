"""Options that several commands of ``baselines`` take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from teadata import Dataset

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, of a training.")]
TestSubset = Annotated[
    str | None, typer.Option(help="Subset, of the test set; default: the one trained on.")
]
TestFrames = Annotated[
    int | None,
    typer.Option(min=1, help="Number of test frames, evenly spread; default: all."),
]
ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="The model's name, see `baselines list`.")
]
Records = Annotated[
    Path | None, typer.Option(help="Folder of the records; default: the shipped ones.")
]
RunFolders = Annotated[Path, typer.Option(help="Folder of the run folders.")]
ConfigName = Annotated[
    str, typer.Option(help="Configuration, a shipped one or the path of a YAML file.")
]

TrainSubset = Annotated[
    str | None,
    typer.Option(help="Subset: the one to train on; default: complete, or the only one."),
]


def trained_subset(dataset: Dataset, subset: str | None) -> str:
    """The subset that is trained on: the one given, complete, or the only one there is.

    Raises
    ------
    UsageError
        If none is given, and there are several without complete among them.
    """
    if subset is None and "complete" in dataset.card.subsets:
        return "complete"
    return dataset.card.the_subset(subset)
