"""The commands of ``teadata`` that bring official data: fetch, ingest, pin."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from teadata import console
from teadata.destinations import check_outputs
from teadata.errors import TeaError, UsageError, restated
from teadata.files import check_output
from teadata.output.options import DatasetId, EnergyUnit, ForceUnit, LengthUnit

if TYPE_CHECKING:
    from teadata.card import DatasetCard
    from teadata.ingest import Draft, Ingestion, Options
    from teadata.remote import Record

Mapping = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FILE=SPLIT",
        help="What a file holds, e.g. data.npz=folded/train/1000, or mapping.yaml; repeatable.",
    ),
]
WriteMap = Annotated[
    Path | None,
    typer.Option(
        "--write-map",
        metavar="FILE",
        help="Mapping to write, .yaml: what each file is taken for; then stop.",
    ),
]
Float32 = Annotated[
    bool, typer.Option("--accept-float32", help="Accept energies in single precision.")
]
ForceScale = Annotated[
    bool, typer.Option("--accept-force-scale", help="Accept forces of an unusual size.")
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Replace what is there already: make the dataset again.")
]

SHOWN = 40
"""Most files that are listed one by one; the rest are only counted."""


def register(app: console.App) -> None:
    """Add the commands to the application."""
    app.command(epilog="Example: teadata fetch tea2023-iii --dry-run")(fetch)
    app.command(epilog="Example: teadata ingest folded.zip --dataset tea2023-i")(ingest)
    app.command(epilog="Example: teadata pin tea2023-iii | git apply")(pin)


def fetch(
    dataset: DatasetId,
    record: Annotated[
        str | None,
        typer.Option(help="DOI or id of the Zenodo record; default: the card's."),
    ] = None,
    file: Annotated[
        list[str] | None, typer.Option("--file", help="File of the record; repeatable.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All there are.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done: the downloads; then stop.")
    ] = False,
    mapping: Mapping = None,
    write_map: WriteMap = None,
    energy_unit: EnergyUnit = None,
    length_unit: LengthUnit = None,
    force_unit: ForceUnit = None,
    accept_float32: Float32 = False,
    accept_force_scale: ForceScale = False,
    replace: Replace = False,
) -> None:
    """Download the files of an official dataset from Zenodo, and ingest them.

    What was downloaded is kept and verified; a broken download goes on where it stopped.
    """
    from teadata import catalog, remote

    card = catalog.packaged(dataset)
    if card.edition != "official":
        raise UsageError(f"{card.full_id} comes with the package: there is nothing to fetch")
    if file and everything:
        raise UsageError("either --file or --all, not both")
    options = _options(
        mapping, energy_unit, length_unit, force_unit, accept_float32, accept_force_scale
    )
    if write_map is not None:
        _check_map(write_map, replace)
    reference = record or _reference(card)
    with remote.shown() as progress:
        record_here = remote.resolve(reference, dataset=card.id, progress=progress)
    names = _wanted(card, record_here, file or [], everything)
    if dry_run:
        return
    pins = {f.name: f.sha256 for f in card.source.files} if card.source else {}
    with remote.shown() as progress:
        paths = remote.fetch_files(
            record_here, names, pins=pins, dataset=card.id, progress=progress
        )
    if write_map is None and catalog.card(card.id).files and not replace:
        console.say(f"{card.full_id} is here already; --replace makes it anew of these files")
        return
    try:
        _ingest(paths, card, options, record_here.id, replace=replace, whole_record=everything,
                write_map=write_map)  # fmt: skip
    except TeaError as error:
        # of a folder, files of other systems are passed over, as they are here
        files = shlex.join(map(str, [paths[0].parent] if everything else paths))
        said = _said(
            mapping, write_map, energy_unit, length_unit, force_unit,
            {"accept-float32": accept_float32, "accept-force-scale": accept_force_scale,
             "replace": replace},
        )  # fmt: skip
        raise restated(
            error,
            f"{error}\nThe files are kept: correct that. To go on: teadata ingest {files} "
            f"--dataset {card.id}{said}",
        ) from None


def _said(
    mapping: list[str] | None,
    write_map: Path | None,
    energy_unit: str | None,
    length_unit: str | None,
    force_unit: str | None,
    flags: dict[str, bool],
) -> str:
    """The options of a command that another one has too, for a shell; a space before each."""
    values = {
        "write-map": write_map,
        "energy-unit": energy_unit,
        "length-unit": length_unit,
        "force-unit": force_unit,
    }
    words = [word for one in mapping or [] for word in ("--map", one)]
    words += [word for name, value in values.items() if value for word in (f"--{name}", str(value))]
    words += [f"--{name}" for name, given in flags.items() if given]
    return "".join(f" {shlex.quote(word)}" for word in words)


def _wanted(card: DatasetCard, record: Record, chosen: list[str], everything: bool) -> list[str]:
    """Names of the files of a record that are to be downloaded; prints them and the others."""
    names = [f.name for f in record.files] if everything else _choose(card, record, chosen)
    _show_record(record, names)
    if not names:
        raise UsageError(
            f"which of these files belong to {card.id} is not known; choose with --file NAME, "
            "or take them --all"
        )
    return names


def _show_record(record: Record, names: list[str]) -> None:
    """Print which version of a record was found, its files, and which of them are wanted."""
    from teadata import remote

    console.say(f"{record.title}, {record.label} (doi:{record.doi})")
    if record.requested is not None:
        console.say(
            f"{record.requested} stands for all versions; this is {record.label}. To get the same "
            f"one again: --record {record.id}"
        )
    console.print_table(
        ["file", "size", "here", "wanted"],
        [
            (
                f.name,
                remote.size_text(f.bytes),
                f"{remote.bytes_here(record, f) / max(f.bytes, 1):.0%}",
                "yes" if f.name in names else "no",
            )
            for f in record.files
        ],
        right=["size", "here"],
    )


def _reference(card: DatasetCard) -> str:
    """The record that the card pins, or else the DOI that it gives."""
    if card.source is not None and (card.source.record or card.source.doi):
        return card.source.record or str(card.source.doi)
    raise UsageError(
        f"where the data of {card.id} are published is not known to its card; give the record "
        f"with --record, or ingest files that you have: teadata ingest FILE... --dataset {card.id}"
    )


def _choose(card: DatasetCard, record: Record, wanted: list[str]) -> list[str]:
    """Choose files: those asked for, else those pinned, else those named like the dataset."""
    from teadata import catalog
    from teadata.errors import unknown_name
    from teadata.ingest.naming import belongs

    there = [f.name for f in record.files]
    for name in wanted:
        if name not in there:
            raise unknown_name("file", name, there)
    if wanted:
        return wanted
    pinned = [f.name for f in card.source.files if f.name in there] if card.source else []
    if pinned and card.source is not None and len(pinned) == len(card.source.files):
        return pinned
    if len(there) == 1:
        return there
    owners = {
        name: {c.id for c in catalog.cards() if c.source and belongs(name, c.source.hints)}
        for name in there
    }
    return [name for name, ids in owners.items() if ids == {card.id}]


def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Files, archives (zip, tar) or folders."),
    ],
    dataset: Annotated[str, typer.Option(help="Dataset id, of an official one, e.g. tea2023-i.")],
    mapping: Mapping = None,
    write_map: WriteMap = None,
    energy_unit: EnergyUnit = None,
    length_unit: LengthUnit = None,
    force_unit: ForceUnit = None,
    accept_float32: Float32 = False,
    accept_force_scale: ForceScale = False,
    replace: Replace = False,
) -> None:
    """Make an official dataset of files that you have: npz (sGDML), extended XYZ, HDF5.

    Asks for nothing: what is not clear is an error that shows the option to give.
    """
    from teadata import catalog

    card = catalog.card(dataset)
    options = _options(
        mapping, energy_unit, length_unit, force_unit, accept_float32, accept_force_scale
    )
    _ingest(paths, card, options, None, replace=replace, write_map=write_map)


def _options(
    mapping: list[str] | None,
    energy_unit: str | None,
    length_unit: str | None,
    force_unit: str | None,
    accept_float32: bool,
    accept_force_scale: bool,
) -> Options:
    from teadata.ingest import Options
    from teadata.ingest.naming import parse_map

    return Options(
        mapping=parse_map(mapping or []),
        energy_unit=energy_unit,
        length_unit=length_unit,
        force_unit=force_unit,
        accept_float32=accept_float32,
        accept_force_scale=accept_force_scale,
    )


def _ingest(
    paths: list[Path],
    card: DatasetCard,
    options: Options,
    record: str | None,
    *,
    replace: bool,
    whole_record: bool = False,
    write_map: Path | None,
) -> None:
    from teadata.ingest import ingest, look

    if write_map is not None:
        _check_map(write_map, replace)
        check_outputs([write_map], paths)
        _write_map(write_map, look(paths, card.id, options, whole_record=whole_record))
        return
    done = ingest(
        paths, card.id, options, record=record, whole_record=whole_record, replace=replace
    )
    _show(done)


def _check_map(path: Path, replace: bool) -> None:
    """Refuse a mapping that cannot be written, or that may have been corrected by hand."""
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise UsageError(f"{path}: a mapping is written as .yaml")
    check_output(path)
    if path.exists() and not replace:
        raise UsageError(
            f"--write-map {path}: is there already, and is not replaced: it may have been "
            "corrected by hand; choose another name, or say --replace"
        )


def _write_map(path: Path, found: Draft) -> None:
    """Write what each file is taken for, to be corrected, and why."""
    from teadata.files import write_text
    from teadata.ingest.naming import PASS, UNCLEAR, Claim

    lines = [
        f"# file: <subset>/<role>[/<size>], '{PASS}' for one that is not taken, in place of every "
        f"'{UNCLEAR}'"
    ]
    unclear = 0
    for part, said in found.parts:
        split, why = UNCLEAR, str(said)
        if isinstance(said, Claim):
            split, why = said.split, f"by its {said.origin}"
        unclear += split == UNCLEAR
        lines.append(f"{json.dumps(part.label, ensure_ascii=False)}: '{split}'  # {why}")
    for passed in found.passed_over:
        lines.append(f"# passed over: {passed.label}: {' '.join(passed.why.split())}")
    write_text(path, "\n".join(lines) + "\n")
    console.say(
        f"{path}: {len(found.parts)} files, of which {unclear} are not clear; correct it, and give "
        f"it with --map {shlex.quote(str(path))}"
    )


def _show(done: Ingestion) -> None:
    """Print what each file was taken for."""
    from teadata import catalog

    if not done.new:
        console.say(
            f"{done.card.full_id} is here already, made of the same files; nothing was changed. "
            "To make it anew: --replace"
        )
        return
    rows = [
        (
            item.label,
            str(item.count),
            f"{item.source.header.formula}, {len(item.source.header.numbers)}",
            item.claim.split,
            item.claim.origin,
            str(item.units),
        )
        for item in done.assigned
    ]
    console.print_table(
        ["file", "frames", "system, atoms", "taken for", "by its", "units"],
        rows[:SHOWN],
        right=["frames"],
    )
    if len(rows) > SHOWN:
        console.say(f"… and {len(rows) - SHOWN} more files")
    for passed in done.passed_over[:SHOWN]:
        console.say(f"passed over: {passed.label}: {passed.why}")
    if len(done.passed_over) > SHOWN:
        console.say(f"… and {len(done.passed_over) - SHOWN} more that were passed over")
    for note in done.notes:
        console.say(f"note: {note}")
    data = catalog.load(done.card.id)
    counts = ", ".join(f"{s}/{r} {len(ids)}" for (s, r), ids in data.splits.members.items())
    console.say(f"{done.card.full_id}: {counts}; in {data.root}")


def pin(
    dataset: DatasetId,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Output: .patch or .diff; default: printed."),
    ] = None,
) -> None:
    """Write a patch that pins the names, sizes and SHA-256 of the local files in the card."""
    from teadata.files import write_text
    from teadata.ingest.pin import patch

    if output is not None and output.suffix not in (".patch", ".diff"):
        raise UsageError(f"{output}: a patch is written as .patch or .diff")
    text = patch(dataset)
    if output is None:
        console.say(text, nl=False)
        return
    write_text(output, text)
    console.say(f"{output}: apply it in a checkout with: git apply {shlex.quote(str(output))}")
