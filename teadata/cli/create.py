"""The commands of ``teadata`` for datasets of the user's own: create, remove."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from teadata import console
from teadata.errors import IncompleteError, TeaError, UsageError
from teadata.output.options import EnergyKey, EnergyUnit, ForcesKey, ForceUnit, LengthUnit, Seed

if TYPE_CHECKING:
    from teadata.audit import Finding
    from teadata.create import Created, Input, Options

SHOWN = 40
"""Most files that are listed one by one; the rest are only counted."""

Repeated = list[str] | None


@dataclass(frozen=True)
class Files:
    """What the files hold, and what they do not say themselves."""

    subset: Annotated[
        Repeated,
        typer.Option(
            metavar="NAME=FILE", help="Subset: its name and the file that holds it; repeatable."
        ),
    ] = None
    role: Annotated[
        Repeated,
        typer.Option(
            metavar="ROLE=FILE",
            help="Role of a file's frames, e.g. test=md.xyz or folded/test=md.xyz; repeatable.",
        ),
    ] = None
    energy_unit: EnergyUnit = None
    length_unit: LengthUnit = None
    force_unit: ForceUnit = None
    energy_key: EnergyKey = None
    forces_key: ForcesKey = None
    stress_key: Annotated[
        str | None, typer.Option(help="The file's name of the stress, e.g. REF_stress.")
    ] = None
    virial_key: Annotated[
        str | None,
        typer.Option(help="The file's name of virials, to make stress of, e.g. REF_virials."),
    ] = None
    accept_float32: Annotated[
        bool, typer.Option("--accept-float32", help="Accept energies in single precision.")
    ] = False
    system: Annotated[
        str | None,
        typer.Option(metavar="FORMULA", help="The system to take of several, e.g. C2H6O."),
    ] = None
    each: Annotated[
        bool, typer.Option("--each", help="Make a dataset of each system, NAME-formula.")
    ] = False


@dataclass(frozen=True)
class Splitting:
    """How frames are divided."""

    train: Annotated[
        str | None,
        typer.Option(
            metavar="SIZES",
            help="Nested training sizes, e.g. 100,200,500; default: all remaining frames.",
        ),
    ] = None
    valid: Annotated[
        int | None, typer.Option(min=0, help="Validation frames of a subset; default: a tenth.")
    ] = None
    test: Annotated[
        int | None, typer.Option(min=0, help="Test frames of a subset; default: a fifth.")
    ] = None
    seed: Seed = 0
    split_by: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Key whose values stay in one role, e.g. trajectory; 'file': each file.",
        ),
    ] = None
    train_index: Annotated[
        Path | None, typer.Option(help="Places of the training frames: csv, txt, npy, npz.")
    ] = None
    valid_index: Annotated[Path | None, typer.Option(help="Places of the validation frames.")] = (
        None
    )
    test_index: Annotated[Path | None, typer.Option(help="Places of the test frames.")] = None
    first_index: Annotated[
        int | None,
        typer.Option(min=0, max=1, help="Index of the first frame in these files; default: 0."),
    ] = None
    role_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Key whose values say train, valid or test."),
    ] = None
    subset_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Key whose values name the subsets.")
    ] = None
    duplicates: Annotated[
        str,
        typer.Option(help="Geometries in two roles: refuse, drop or keep them."),
    ] = "refuse"


@dataclass(frozen=True)
class Described:
    """What the card says."""

    title: Annotated[str | None, typer.Option(help="Title, of the dataset.")] = None
    licence: Annotated[str | None, typer.Option(help="Licence, e.g. CC-BY-4.0.")] = None
    cite: Annotated[
        Repeated,
        typer.Option(
            metavar="TEXT", help="What to cite: a text, a DOI or a .bib file; repeatable."
        ),
    ] = None
    theory: Annotated[
        str | None,
        typer.Option(
            help="Level of theory of the labels, e.g. PBE/def2-SVP; default: what the files state."
        ),
    ] = None
    group: Annotated[
        Repeated,
        typer.Option(
            metavar="NAME=ATOMS",
            help="Atoms scored by themselves, mol=98-113, or molecules, water=H2O.",
        ),
    ] = None


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the dataset, e.g. ethanol.")],
    files: Files,
    splitting: Splitting,
    described: Described,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files, of labelled frames.")
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", help="Version; default: 0.1.0.")
    ] = None,
) -> None:
    """Make a dataset of your own files: card, splits, checksums and the audit's verdict.

    Reads extended XYZ, npz (sGDML, MD17, rMD17), ASE's .traj and .db, DeePMD folders, VASP's
    vasprun.xml and OUTCAR, other programs' outputs that ASE reads, HDF5, parquet and Zarr.
    """
    from teadata.create import create as make

    inputs = _inputs(paths or [], files)
    with console.progress_bar() as progress:
        made = make(name, inputs, _options(files, splitting, described), version, progress)
    for done in made:
        _show(done)


def _inputs(paths: Sequence[Path], files: Files) -> list[Input]:
    from teadata.create import Input
    from teadata.create.options import COMPLETE

    inputs = [Input(path) for path in paths]
    for given in files.subset or []:
        subset, path = _pair("--subset", given, "folded=folded.xyz")
        inputs.append(Input(path, subset))
    for given in files.role or []:
        what, path = _pair("--role", given, "test=test.xyz")
        subset, slash, role = what.rpartition("/")
        inputs.append(Input(path, subset if slash else COMPLETE, role))
    return inputs


def _pair(option: str, given: str, example: str) -> tuple[str, Path]:
    name, equals, path = given.partition("=")
    if not equals or not name or not path:
        raise UsageError(f"{option} {given}: expected NAME=FILE, e.g. {option} {example}")
    return name, Path(path)


def _options(files: Files, splitting: Splitting, described: Described) -> Options:
    from teadata.create import Options
    from teadata.create.fields import Keys
    from teadata.create.splitting import Wanted

    indices = {
        "train": splitting.train_index,
        "valid": splitting.valid_index,
        "test": splitting.test_index,
    }
    return Options(
        energy_unit=files.energy_unit,
        length_unit=files.length_unit,
        force_unit=files.force_unit,
        keys=Keys(files.energy_key, files.forces_key, files.stress_key, files.virial_key),
        accept_float32=files.accept_float32,
        wanted=Wanted(_sizes(splitting.train), splitting.valid, splitting.test, splitting.seed),
        subset_key=splitting.subset_key,
        role_key=splitting.role_key,
        split_by=splitting.split_by,
        indices={role: path for role, path in indices.items() if path is not None},
        first_index=splitting.first_index,
        duplicates=_duplicates(splitting.duplicates),
        groups=tuple(described.group or ()),
        system=files.system,
        each=files.each,
        title=described.title,
        licence=described.licence,
        cite=tuple(described.cite or ()),
        theory=described.theory,
    )


def _sizes(given: str | None) -> tuple[int, ...]:
    if given is None:
        return ()
    parts = [part.strip() for part in given.split(",")]
    if not all(part.isascii() and part.isdigit() and 0 < int(part) < 10**9 for part in parts):
        raise UsageError(f"--train {given}: expected sizes above 0, e.g. --train 100,200,500")
    return tuple(sorted({int(part) for part in parts}))


def _duplicates(given: str) -> Literal["refuse", "drop", "keep"]:
    from teadata.errors import unknown_name

    for known in ("refuse", "drop", "keep"):
        if given == known:
            return known
    raise unknown_name("way with duplicates", given, ("refuse", "drop", "keep"))


def _show(done: Created) -> None:
    """Print what was made: files, words about them, splits, the audit's verdict."""
    from teadata.splits import ROLES

    card = done.card
    if not done.new:
        console.say(
            f"{card.full_id} is here already, with the same frames and splits; nothing was "
            f"changed. Its card may be edited: {done.root / 'card.yaml'}"
        )
        return
    console.print_table(
        ["file", "frames", "taken for", "units"],
        [(item.file, str(item.frames), item.split, item.units) for item in card.ingested[:SHOWN]],
        right=["frames"],
    )
    if len(card.ingested) > SHOWN:
        console.say(f"… and {len(card.ingested) - SHOWN} more files")
    for note in done.notes:
        console.say(f"note: {note}")
    for warning in done.warnings:
        console.say(f"warning: {warning}", err=True)
    from teadata.catalog import load

    splits = load(card.full_id).splits
    console.print_table(
        ["subset", *ROLES],
        [(name, *(str(splits.count(name, role)) for role in ROLES)) for name in card.subsets],
        title=f"{card.full_id}: {card.system.formula}, {card.system.n_atoms} atoms",
        right=ROLES,
    )
    console.say(f"{card.full_id} is in {done.root}; complete its card: {done.root / 'card.yaml'}")
    _show_audit(done)


def _show_audit(done: Created) -> None:
    """Print what the audit warns of, and its verdict."""
    from teadata.create.verdict import verdict

    findings, frames, every = verdict(done.card.full_id)
    for finding in findings:
        if finding.outcome in ("warning", "fail"):
            console.say(f"audit, {finding.name}: {_outcome(finding)}: {finding.found}")
    counts = Counter(finding.outcome for finding in findings)
    part = f" of {frames} of the {every} frames" if frames < every else ""
    unsaid = f", {counts['not judged']} not judged" if counts["not judged"] else ""
    name = done.card.full_id
    console.say(
        f"audit{part}: {len(findings)} checks, {counts['fail']} failed, {counts['warning']} "
        f"warnings{unsaid}; all of it: teadata audit {name}"
    )
    if counts["fail"]:
        console.say(
            f"{name} was made although {counts['fail']} of the checks failed; if its files or "
            f"units are wrong, remove it with `teadata remove {name} --yes`, mend them, and make "
            "it again"
        )


def _outcome(finding: Finding) -> str:
    return "FAILED" if finding.outcome == "fail" else finding.outcome


def remove(
    dataset: Annotated[
        str,
        typer.Argument(metavar="DATASET", help="Dataset id, of your own, e.g. ethanol@0.1.0."),
    ],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask for the name; for scripts.")
    ] = False,
) -> None:
    """Remove a dataset of your own, after asking for its name.

    Without a version, all its versions.
    """
    from teadata.create import removable
    from teadata.create import remove as take_away

    name, _, version = dataset.partition("@")
    roots = removable(name, version or None)
    if not yes:
        listed = ", ".join(f"{name}@{root.name}" for root in roots)
        if not sys.stdin.isatty():
            raise UsageError(
                f"{listed}: to remove it, its name must be typed, and nobody can here; add --yes"
            )
        console.say(f"{listed}: cards, frames and splits will be gone from {roots[0].parent}.")
        console.say(f"Type {dataset} to remove: ", nl=False)
        sys.stdout.flush()
        typed = sys.stdin.readline().strip()
        if typed != dataset:
            raise UsageError(f"{typed!r} is not {dataset}; nothing was removed")
    for root in take_away(name, version or None):
        console.say(f"{name}@{root.name}: removed")


def told(error: TeaError) -> str:
    """An error as a command prints it, with the command that goes on, if that is known."""
    if not isinstance(error, IncompleteError) or not error.options:
        return error.told()
    given = _without(sys.argv[1:], error.options[0]) if error.options[1:] else sys.argv[1:]
    command = [Path(sys.argv[0]).name, *given, *error.options]
    further = f"to go on, if it is true of your files:\n  {shlex.join(command)}"
    return f"{error.told()}\n{further}"


def _without(words: list[str], option: str) -> list[str]:
    """The words of a command without an option and its value."""
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == option:
            next(rest, None)
        elif not word.startswith(f"{option}="):
            kept.append(word)
    return kept


def register(app: console.App) -> None:
    """Add the commands to the application."""
    app.command(
        epilog="Example: teadata create ethanol frames.xyz --energy-unit eV --valid 200 --test 1000"
    )(console.grouped(create))
    app.command(epilog="Example: teadata remove ethanol@0.1.0")(remove)
