"""Options that several commands of ``baselines`` take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of a training.")]
TestSubset = Annotated[
    str | None, typer.Option(help="Subset of the test set; default: the one trained on.")
]
Device = Annotated[
    str | None, typer.Option(help="cpu or cuda; default: where the model was trained.")
]
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="See `baselines list`.")]
DatasetName = Annotated[str, typer.Argument(metavar="DATASET", help="See `teadata list`.")]
Records = Annotated[
    Path | None, typer.Option(help="Folder of the records; default: the shipped ones.")
]
RunFolders = Annotated[Path, typer.Option(help="Where the run folders are.")]
ConfigName = Annotated[str, typer.Option(help="Shipped configuration, or path of a YAML file.")]
