"""The commands of ``teadata`` that read datasets: list, info, verify, audit, export, …"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from teadata import console
from teadata.destinations import check_new
from teadata.errors import UsageError, unknown_name
from teadata.output.options import AsJson, DatasetId, Replace

if TYPE_CHECKING:
    from teadata.card import DatasetCard
    from teadata.dataset import Dataset


def list_datasets(as_json: AsJson = False) -> None:
    """List the datasets."""
    from teadata.catalog import card, every
    from teadata.errors import DataError

    known, broken = [], []
    for name in every():
        try:
            known.append(card(name))
        except DataError as error:  # a card that was edited and is none any more
            broken.append(error)
    if as_json:
        console.print_json([card.model_dump(mode="json") for card in known])
    else:
        _print_cards(known)
    if broken:
        raise DataError("\n".join(map(str, broken)))


def _print_cards(known: Sequence[DatasetCard]) -> None:
    from teadata.card import UNKNOWN

    console.print_table(
        ["dataset", "here", "edition", "system", "atoms", "level of theory", "subsets"],
        [
            (
                card.full_id,
                "yes" if card.files else "no",
                card.edition,
                card.system.formula if card.system.name == card.id else card.system.name,
                str(card.system.n_atoms or UNKNOWN),
                card.level_of_theory.method,
                ", ".join(card.subsets),
            )
            for card in known
        ],
        right=["atoms"],
    )


def info(dataset: DatasetId, as_json: AsJson = False) -> None:
    """Show a dataset's card and the sizes of its splits."""
    from teadata import catalog
    from teadata.cli.show import show
    from teadata.dynamics import reference_simulations
    from teadata.splits import ROLES

    card, counts, simulations = catalog.card(dataset), {}, None
    if card.files:
        data = catalog.load(dataset)
        counts = {s: {role: data.splits.count(s, role) for role in ROLES} for s in card.subsets}
        simulations = reference_simulations(data)
    if as_json:
        said = {} if simulations is None else {"simulations": simulations.model_dump(mode="json")}
        console.print_json(card.model_dump(mode="json") | {"frames": counts} | said)
        return
    show(card, counts, simulations)


def cite(
    dataset: DatasetId,
    bibtex: Annotated[bool, typer.Option("--bibtex", help="As BibTeX.")] = False,
) -> None:
    """Print what to cite when using a dataset."""
    from teadata.catalog import card, load

    found = card(dataset)
    if not found.citations:
        path = load(dataset).root / "card.yaml"
        console.say(f"{found.full_id} says nothing to cite; write it into its card: {path}")
    for citation in found.citations:
        if bibtex:
            console.say(citation.bibtex.strip() + "\n")
        else:
            doi = f" https://doi.org/{citation.doi}" if citation.doi else ""
            console.say(f"- {' '.join(citation.text.split())}{doi}")


DatasetIds = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[DATASET]...", help="Dataset id, see `teadata list`; default: all that are here."
    ),
]
Everything = Annotated[bool, typer.Option("--all", help="All there are; the default.")]


def _named(datasets: list[str] | None, everything: bool) -> Iterator[tuple[str, Dataset]]:
    """The named datasets or all, opened one after another; a wrong name comes first."""
    from teadata.catalog import card, here, load

    if datasets and everything:
        raise UsageError(f"either --all or {', '.join(datasets)}, not both")
    names = datasets or here()
    for name in names:
        card(name)
    for name in names:
        yield name, load(name)


def _print_results(rows: Iterable[tuple[str, str, str, str]]) -> None:
    console.print_table(["dataset", "check", "result", "found"], rows)


def verify(
    datasets: DatasetIds = None, everything: Everything = False, as_json: AsJson = False
) -> None:
    """Check datasets: checksums, arrays, splits, duplicates and leaks.

    Ends with status 1 if a check failed.
    """
    from teadata.verify import verify as run_checks

    results = {name: list(run_checks(data)) for name, data in _named(datasets, everything)}
    if as_json:
        console.print_json({n: [vars(check) for check in checks] for n, checks in results.items()})
    else:
        _print_results(
            (name, check.name, "ok" if check.passed else "FAILED", check.found)
            for name, checks in results.items()
            for check in checks
        )
    if not all(check.passed for checks in results.values() for check in checks):
        raise typer.Exit(1)


def audit(
    datasets: DatasetIds = None, everything: Everything = False, as_json: AsJson = False
) -> None:
    """Judge datasets: duplicates, leakage, outliers, net forces, cells.

    Ends with status 1 if a check failed; a warning is no failure.
    """
    from teadata.audit import audit as run_checks

    results = {name: list(run_checks(data)) for name, data in _named(datasets, everything)}
    if as_json:
        console.print_json({n: [vars(check) for check in checks] for n, checks in results.items()})
    else:
        shown = {"pass": "ok", "fail": "FAILED"}
        _print_results(
            (name, check.name, shown.get(check.outcome, check.outcome), check.found)
            for name, checks in results.items()
            for check in checks
        )
    if any(check.outcome == "fail" for checks in results.values() for check in checks):
        raise typer.Exit(1)


def export(
    dataset: DatasetId,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Output: file, or a folder for deepmd.")
    ],
    split: Annotated[
        str | None,
        typer.Option(
            help="Split, <subset>/<role>[/<size>], e.g. folded/train/200; default: all frames."
        ),
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Format: npz (sGDML), extxyz, hdf5, parquet or zarr; default: the suffix's.",
        ),
    ] = None,
    program: Annotated[
        str | None,
        typer.Option(
            "--for",
            help="Program: the one to read the file, in eV and Å; ase, mace, nequip or deepmd.",
        ),
    ] = None,
    energy_unit: Annotated[
        str | None, typer.Option(help="Energy unit: of the output; default: kcal/mol.")
    ] = None,
    length_unit: Annotated[
        str | None, typer.Option(help="Length unit: of the output; default: Å.")
    ] = None,
    replace: Replace = False,
) -> None:
    """Write a split to a file, in units that it states: sGDML's npz, extended XYZ, HDF5, …

    A test set carries dataset and subset, for teaeval score.
    """
    from teadata import formats
    from teadata.arrays import suffix_of
    from teadata.catalog import load
    from teadata.formats import targets
    from teadata.units import INSIDE, UnitSystem

    if format_name is not None and format_name not in formats.MODULES:
        raise unknown_name("format", format_name, formats.MODULES)
    said = energy_unit is not None or length_unit is not None
    if program is not None:
        given = (energy_unit or "eV", length_unit or "Å")
        targets.check(program, output, UnitSystem(*given) if said else None, format_name)
    units = UnitSystem(energy_unit or INSIDE.energy, length_unit or INSIDE.length)
    meant = formats.SUFFIXES.get(suffix_of(output))
    if format_name is not None and meant not in (None, format_name):
        raise UsageError(
            f"{output}: its suffix says {meant}, --format {format_name}; leave --format out, or "
            "change the suffix"
        )
    if format_name is None and program is None:
        formats.format_of(output)
    check_new(output, replace)
    data = load(dataset)
    frames, card = data.frames if split is None else data.split(split), data.card
    theory, texts = card.level_of_theory.method, _origin(card.full_id, split)
    if program is not None:
        targets.write(output, frames, program, title=card.id, theory=theory, texts=texts)
        written = "eV and Å"
    else:
        formats.write(
            output, frames, format_name, name=card.id, theory=theory, units=units, texts=texts
        )
        written = f"{units.energy} and {units.length}"
    console.say(
        f"{output}: {len(frames)} frames of {card.full_id} ({split or 'all'}), in {written}"
    )
    if program is not None and (note := targets.target(program).note):
        console.say(note)
    if program is None and (warning := targets.misread(output, format_name, units)):
        console.say(f"warning: {warning}", err=True)


def _origin(dataset: str, split: str | None) -> dict[str, str]:
    """What an exported file says of where its frames are from; a test set, as predictions do."""
    from teadata.splits import SplitName

    if split is None:
        return {"dataset": dataset}
    name = SplitName.parse(split)
    subset = {"subset": name.subset} if name.role == "test" else {}
    return {"dataset": dataset, **subset, "split": split}


def croissant(
    dataset: DatasetId,
    output: Annotated[
        Path, typer.Option("--output", "-o", file_okay=False, help="Output: folder.")
    ],
    url: Annotated[
        str | None,
        typer.Option(help="Address where it will be published; Croissant asks for it."),
    ] = None,
) -> None:
    """Write a dataset as an MLCommons Croissant folder: a description and two tables.

    croissant.json, frames.parquet and splits.parquet; mlcroissant loads them offline.
    """
    from teadata.catalog import load
    from teadata.croissant import DESCRIPTION, write

    if output.suffix.lower() in (".json", ".jsonld", ".yaml", ".zip") and not output.is_dir():
        raise UsageError(
            f"--output {output}: has the name of a file, expected that of a folder, in which "
            f"{DESCRIPTION} and two tables are written; e.g. --output {output.with_suffix('')}"
        )
    data = load(dataset)
    description = write(output, data, url=url)
    for file in description["distribution"]:
        console.say(f"{output / file['name']}: {file['contentSize']}, sha256 {file['sha256']}")
    names = ", ".join(record_set["name"] for record_set in description["recordSet"])
    console.say(f"{output / DESCRIPTION}: {data.card.full_id} with the record sets {names}")
    if url is None:
        console.say("Before the folder is published, say where with --url: Croissant asks for it.")


def register(app: console.App) -> None:
    """Add these commands to ``teadata``."""
    app.command("list", epilog="Example: teadata list")(list_datasets)
    app.command(epilog="Example: teadata info mini-i")(info)
    app.command(epilog="Example: teadata cite mini-i --bibtex > tea.bib")(cite)
    app.command(epilog="Example: teadata verify mini-i")(verify)
    app.command(epilog="Example: teadata audit mini-i")(audit)
    app.command(epilog="Example: teadata export mini-i --split folded/train/200 -o folded_200.xyz")(
        export
    )
    app.command(epilog="Example: teadata croissant mini-i -o mini-i-croissant")(croissant)
