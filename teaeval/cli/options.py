"""Options that several commands of ``teaeval`` take, in groups that belong together."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from teadata import console
from teadata.errors import UsageError, unknown_name
from teadata.locations import Location, location
from teadata.output.command_line import Renamed
from teadata.output.options import (
    AsCsv,
    AsJson,
    AsMarkdown,
    EnergyKey,
    EnergyUnit,
    ForcesKey,
    ForceUnit,
    LengthUnit,
    Seed,
)
from teaeval.defaults import MOST_REPLICATES, REPLICATES, SIGN_PATTERNS
from teaeval.predictions.declaring import NAMES, Declarations

if TYPE_CHECKING:
    from teaeval.predictions.prediction import Prediction


@dataclass(frozen=True)
class File:
    """A prediction file, and what the command line says of this file alone."""

    path: Location
    said: Declarations = field(default_factory=Declarations)

    def __fspath__(self) -> str:
        return str(self.path)

    @classmethod
    def parse(cls, text: str) -> File:
        """Take ``FILE`` or ``FILE:name=value,name=value`` apart.

        Raises
        ------
        UsageError
            If a name can not be declared.
        """
        match = None if Path(text).exists() else re.fullmatch(r"(.+?):(\w+=.*)", text, re.DOTALL)
        if match is None:
            return cls(location(text))
        said: dict[str, Any] = {}
        for pair in re.split(r",(?=\w+=)", match[2]):
            name, _, value = pair.partition("=")
            name = name.replace("-", "_")
            if name not in NAMES:
                raise unknown_name("declaration", name, NAMES)
            said[name] = value
        return cls(location(match[1]), cast("Declarations", said))


PER_FILE = "a.xyz:energy_unit=eV,… declares what one file does not state."

PredictionFile = Annotated[
    File,
    typer.Argument(
        parser=File.parse, metavar="PREDICTION", help="Prediction file, or its address, s3://…"
    ),
]
PredictionFiles = Annotated[
    list[File],
    typer.Argument(parser=File.parse, metavar="PREDICTION...", help=f"Prediction file; {PER_FILE}"),
]
ModelName = Annotated[
    str | None, typer.Option(metavar="NAME", help="The model's name, for tables and figures.")
]
TrainedOn = Annotated[
    str | None,
    typer.Option(metavar="SPLIT", help="Split that was trained on, e.g. folded/train/200."),
]
RunFolder = Annotated[
    Path | None,
    typer.Option(metavar="RUN", help="Run folder, of a training; or give --calculator."),
]
OLD_MODEL = Renamed("--run", unless=("--run", "--calculator"))
"""What --model was before it was the model's name everywhere: alone, it is the run folder."""

TimeStep = Annotated[float, typer.Option(help="Time step, fs.")]
TestSubset = Annotated[
    str | None, typer.Option("--subset", help="Subset, of the test set; default: the only one.")
]
PredictionOutput = Annotated[
    Path, typer.Option("--output", "-o", help="Output: .npz, .h5, .zarr, .parquet or .xyz.")
]
ScoreFiles = Annotated[
    list[Path], typer.Argument(metavar="SCORE...", help="Score, as `teaeval score -o` writes.")
]
Replicates = Annotated[
    int,
    typer.Option(
        min=0,
        max=MOST_REPLICATES,
        help="Bootstrap samples: for the intervals of MAX; 0: no intervals.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Dask scheduler, tcp://host:port, whose workers see the files."),
]
SimulationFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--md", help="Simulations of the model, md.json of `teaeval md analyse`; repeatable."
    ),
]
SimulationRecords = Annotated[
    list[Path],
    typer.Argument(
        metavar="SIMULATIONS...",
        help="Simulations, md.json of `teaeval md analyse`, or the folder of it.",
    ),
]
AllowFailed = Annotated[
    bool,
    typer.Option(
        "--allow-failed", help="Count missing and not finite frames as failed; take the rest."
    ),
]
KindOfNumber = Annotated[
    str, typer.Option(help="Kind of number: mean (as Table SI 7), std (as SI 8) or absolute.")
]
Published = Annotated[
    bool,
    typer.Option("--published", help="Published numbers, too; for the official edition only."),
]

SchedulerTimeout = Annotated[
    float,
    typer.Option(
        min=1.0,
        help="Patience: seconds to wait for a Dask scheduler, or for a piece of work.",
    ),
]


@dataclass(frozen=True)
class Bootstrap:
    """Number of bootstrap samples, and their seed."""

    bootstrap: Replicates = REPLICATES
    seed: Seed = 0


@dataclass(frozen=True)
class SignPatterns:
    """Number of sign patterns, and their seed."""

    patterns: Annotated[
        int,
        typer.Option(
            min=1,
            max=MOST_REPLICATES,
            help="Sign patterns to draw for p if there are too many units to use all.",
        ),
    ] = SIGN_PATTERNS
    seed: Seed = 0


@dataclass(frozen=True)
class Declared:
    """What a prediction file does not state itself."""

    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Dataset id, if the file does not state it.")
    ] = None
    subset: Annotated[
        str | None,
        typer.Option(
            "--subset", help="Subset, if the file does not state it; default: the only one."
        ),
    ] = None
    energy_unit: EnergyUnit = None
    length_unit: LengthUnit = None
    force_unit: ForceUnit = None
    energy_key: EnergyKey = None
    forces_key: ForcesKey = None
    model: ModelName = None
    train: TrainedOn = None

    def check(self) -> None:
        """Refuse names of nothing, before any file is read."""
        from teadata import catalog, units
        from teaeval.predictions.declaring import check_train

        if self.energy_unit is not None:
            units.energy_unit(self.energy_unit)
        if self.length_unit is not None:
            units.length_unit(self.length_unit)
        if self.force_unit is not None:
            units.force_unit(self.force_unit)
        if self.dataset is not None:
            card = catalog.card(self.dataset)
            if self.subset is not None:
                card.check_subset(self.subset)
            if self.train is not None:
                check_train(card, self.train)

    def read(self, source: File) -> Prediction:
        """Read one prediction file with these declarations."""
        from teaeval.predictions.reading import read_prediction

        return read_prediction(source.path, **self.saying([source])(source))

    def saying(self, sources: Sequence[File]) -> Callable[[File], dict[str, Any]]:
        """What is said of each of several files, as arguments of those that read predictions.

        What files state goes before these declarations, unless there is one file only.

        Raises
        ------
        UsageError
            If one name is given to several models.
        """
        self.check()
        if len(sources) == 1:
            return lambda source: self._said() | dict(source.said)
        if self.model is not None:
            named = [f"{source.path}:model={self.model}" for source in sources[:1]]
            named += [f"{source.path}:model=NAME" for source in sources[1:]]
            raise UsageError(
                f"--model names one model, and there are {len(sources)} predictions; name them "
                f"one by one: {shlex.join(named)}"
            )
        return lambda source: {"defaults": self._said(), **source.said}

    def _said(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value is not None}


FORMATS = {".md": "markdown", ".tex": "latex", ".csv": "csv", ".html": "html", ".json": "json"}
"""The format that a suffix stands for."""


@dataclass(frozen=True)
class Form:
    """Format in which something is printed."""

    form: Annotated[
        str | None,
        typer.Option("--format", help="Format: terminal, markdown, csv or json."),
    ] = None
    as_json: AsJson = False
    as_csv: AsCsv = False
    as_markdown: AsMarkdown = False

    def asked(self, offered: Sequence[str] = ("terminal", "markdown", "csv", "json")) -> str | None:
        """The format that is asked for.

        Raises
        ------
        UsageError
            If it is none of those offered, or there are several.
        """
        short = {"json": self.as_json, "csv": self.as_csv, "markdown": self.as_markdown}
        given = {name for name, wanted in short.items() if wanted} | {self.form} - {None}
        if len(given) > 1:
            raise UsageError(f"expected one format, found {', '.join(sorted(map(str, given)))}")
        asked = next(iter(given), None)
        if asked is not None and asked not in offered:
            raise unknown_name("format", asked, offered)
        return asked


@dataclass(frozen=True)
class Layout(Form):
    """Format of a table, and where it goes."""

    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Format: terminal, markdown, latex, csv, html or json; default: the suffix's.",
        ),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Output: .md, .tex, .csv, .html or .json."),
    ] = None

    @property
    def format(self) -> str:
        """The format asked for, or the one of the file's suffix; the terminal's without either.

        Raises
        ------
        UsageError
            If there is no such format or suffix, or the terminal's is asked for with a file.
        """
        asked = self.asked(("terminal", *FORMATS.values()))
        if self.output is None:
            return asked or "terminal"
        if asked == "terminal":
            raise UsageError("the format terminal is printed; leave --output out")
        meant = FORMATS.get(self.output.suffix.lower())
        if asked is None and meant is None:
            raise UsageError(
                f"{self.output}: no format has the suffix {self.output.suffix!r}; expected "
                f"one of {', '.join(FORMATS)}, or --format"
            )
        if asked is not None and meant not in (None, asked):
            raise UsageError(
                f"{self.output}: its suffix says {meant}, --format {asked}; leave --format out, or "
                "change the suffix"
            )
        return asked or str(meant)

    def put(self, text: str) -> None:
        """Write a text to the file, or print it."""
        from teadata.files import write_text

        if self.output is None:
            console.say(text, nl=False)
        else:
            write_text(self.output, text)
            console.say(f"{self.output}: written")
