"""The option ``--reference``: labelled frames of a file in place of a dataset's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from teadata.errors import UsageError
from teaeval.cli.options import Declared, File

if TYPE_CHECKING:
    from teaeval.predictions.prediction import Prediction
    from teaeval.predictions.reference import Reference


@dataclass(frozen=True)
class Referenced:
    """A file of labelled frames that predictions are compared with, and what it does not state."""

    reference: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Reference: a file of labelled frames, in place of a dataset."
        ),
    ] = None
    reference_energy_unit: Annotated[
        str | None, typer.Option(help="Reference's energy unit, if the file does not state it.")
    ] = None
    reference_length_unit: Annotated[
        str | None, typer.Option(help="Reference's length unit, if the file does not state it.")
    ] = None
    reference_force_unit: Annotated[
        str | None,
        typer.Option(help="Reference's force unit, if it is not energy unit per length unit."),
    ] = None
    reference_energy_key: Annotated[
        str | None, typer.Option(help="Reference's name of the energies, e.g. REF_energy.")
    ] = None
    reference_forces_key: Annotated[
        str | None, typer.Option(help="Reference's name of the forces, e.g. REF_forces.")
    ] = None

    def read(self, declared: Declared, sources: Sequence[File] = ()) -> Reference | None:
        """Read the reference; None if there is none.

        Parameters
        ----------
        declared
            What is said of the predictions.
        sources
            The predictions, and what is said of each alone.

        Raises
        ------
        UsageError
            If an option belongs to a dataset, or to a reference that is not given.
        """
        from teadata import catalog
        from teaeval.predictions.reference import read_reference
        from teaeval.predictions.stated import CANONICAL, UNITS

        said = {
            name.removeprefix("reference_"): value
            for name, value in asdict(self).items()
            if value is not None and name != "reference"
        }
        if self.reference is None:
            if said:
                option = "--reference-" + min(said).replace("_", "-")
                raise UsageError(f"{option} is about a reference; give its file with --reference")
            return None
        for name in ("dataset", "subset", "train"):
            for given in (getattr(declared, name), *(source.said.get(name) for source in sources)):
                if given is not None:
                    raise UsageError(
                        f"--{name} {given} and --reference {self.reference}: {NEEDLESS[name]}"
                    )
        for name in UNITS:
            if name in said:
                CANONICAL[name](said[name])
        if not self.reference.exists() and catalog.find(str(self.reference)) is not None:
            raise UsageError(
                f"--reference {self.reference} is a dataset, and a reference is a file; to score "
                f"against a dataset: --dataset {self.reference} --subset NAME"
            )
        options: Any = said
        return read_reference(self.reference, **options)

    def reader(
        self, declared: Declared, sources: Sequence[File]
    ) -> Callable[[File], Prediction | list[Prediction]]:
        """How predictions are read: for a reference, one of each system of a file."""
        from teaeval.predictions.reading import read_prediction, read_predictions

        said = declared.saying(sources)
        if self.reference is None:
            return lambda source: read_prediction(source.path, **said(source))
        return lambda source: read_predictions(source.path, **said(source))


NEEDLESS = {
    "dataset": "a prediction is compared with one of them; leave the other out",
    "subset": "a reference is one set of frames, without subsets; leave --subset out",
    "train": "a training set is a split of a dataset, not of a reference; leave --train out",
}
"""Why what belongs to a dataset is refused beside a reference."""
