"""What each of the user's files holds, decided before anything is written.

Everything wrong is collected and said at once, with what to do about it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from teadata import units
from teadata.card import UNKNOWN, DatasetCard
from teadata.elements import NUMBERS, SYMBOLS
from teadata.errors import DataError, TeaError, UsageError
from teadata.ingest.naming import PASS, Claim, choose, claim, mapped
from teadata.ingest.parts import Part
from teadata.ingest.sources import Source
from teadata.typing import Ints
from teadata.units import INSIDE, UnitSystem

SCALE = 2.0
"""Mean |F| may differ from that of the mini dataset of the same system by this factor: engines
differ by a few percent, temperatures by less than this; the nearest wrong unit of energy by 4."""


USUAL = (3.0, 150.0)
"""Mean |F| of thermal structures in kcal/mol/Å, for a system without a mini dataset: wide, but
narrower than from eV or hartree to kcal/mol."""


@dataclass(frozen=True)
class Options:
    """What the user states about the files.

    ``mapping`` names the split of a file; units are those of files that declare none;
    ``accept_float32`` takes energies of single precision, ``accept_force_scale`` forces of
    any size.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    energy_unit: str | None = None
    length_unit: str | None = None
    force_unit: str | None = None
    accept_float32: bool = False
    accept_force_scale: bool = False


@dataclass(frozen=True)
class Assigned:
    """A file, what it holds, and its units.

    ``rows`` (n,) are the places of its frames that are meant, None for all; ``label`` is how the
    user names those; ``listed`` is the user's file of indices that says them.
    """

    source: Source
    claim: Claim
    units: UnitSystem
    label: str
    rows: Ints | None = None
    listed: Path | None = None

    @property
    def count(self) -> int:
        """Number of frames."""
        return self.source.header.count if self.rows is None else len(self.rows)


def parse_order(order: str) -> Ints:
    """Atomic numbers from a text such as ``C2 O H6``, which gives atoms in order."""
    parts = re.findall(r"([A-Z][a-z]?)(\d*)", order)
    counts = [int(count or 1) for _, count in parts]
    numbers: Ints = np.repeat(np.array([NUMBERS[symbol] for symbol, _ in parts]), counts)
    return numbers


def of_system(source: Source, card: DatasetCard) -> bool:
    """Whether a file's atoms agree with what the dataset's card says of them."""
    system, header = card.system, source.header
    return (
        system.n_atoms in (None, len(header.numbers))
        and system.formula in (UNKNOWN, header.formula)
        and {SYMBOLS[z] for z in header.numbers} == set(system.elements)
    )


def select(
    sources: Sequence[Source], card: DatasetCard, *, whole_record: bool = False
) -> tuple[list[Source], list[Source]]:
    """Separate the files of the dataset's system from those of others, which are passed over.

    Parameters
    ----------
    sources
        The files.
    card
        The dataset's card.
    whole_record
        Whether nobody chose the files, so that those of other systems are no mistake.

    Raises
    ------
    DataError
        If a file that was named itself is of another system, or all are.
    """
    ours: list[Source] = []
    others: list[Source] = []
    for source in sources:
        (ours if of_system(source, card) else others).append(source)
    named = [source for source in others if "/" not in source.label and not whole_record]
    if named or not ours:
        system = card.system
        raise DataError(
            f"{card.id} is {system.name}, {system.formula}, {system.n_atoms or UNKNOWN} atoms of "
            f"{', '.join(system.elements)}; these files hold others:\n"
            + "\n".join(
                f"  {source.label}: {source.header.formula}, {len(source.header.numbers)} atoms"
                for source in named or others
            )
        )
    return ours, others


def passed_by_map(labels: Sequence[str], options: Options) -> set[str]:
    """The files that the mapping says are not to be taken.

    Raises
    ------
    UsageError
        If the mapping names no file, or several.
    """
    chosen = choose(options.mapping, labels)
    return {label for label, split in chosen.items() if split == PASS}


def draft(
    parts: Sequence[Part], card: DatasetCard, options: Options
) -> list[tuple[Part, Claim | str]]:
    """What each part is taken for, or why that is unclear.

    Raises
    ------
    UsageError
        If the mapping names no file, or several, or a split that does not exist.
    """
    labels = [part.label for part in parts]
    named = {name: split for name, split in options.mapping.items() if split != PASS}
    chosen = choose(named, labels)
    return [(part, _claim(part, chosen.get(part.label), card)) for part in parts]


def assign(parts: Sequence[Part], card: DatasetCard, options: Options) -> list[Assigned]:
    """Decide what each file, or part of one, holds.

    Raises
    ------
    UsageError
        If something is not clear or not declared; the message has a line for each file,
        with the option that says it.
    DataError
        If atoms are in another order, energies in single precision, or forces of a size that
        a wrong unit would give.
    """
    unclear, assigned = [], []
    for part, said in draft(parts, card, options):
        stated, missing = _units(part.source, options)
        if isinstance(said, str):
            unclear.append(f"  {part.label}: {said}")
        if missing:
            unclear.append(f"  {part.source.label}: {missing}")
        if isinstance(said, Claim) and stated is not None:
            assigned.append(Assigned(part.source, said, stated, part.label, part.rows, part.listed))
    if unclear:
        raise UsageError(
            "what these files hold is not clear:\n"
            + "\n".join(dict.fromkeys(unclear))
            + "\nor write what is known to a file, and correct it: --write-map mapping.yaml, then "
            "--map mapping.yaml"
        )
    _check_all(assigned, card, options)
    return assigned


def _claim(part: Part, split: str | None, card: DatasetCard) -> Claim | str:
    if split is not None:
        return mapped(split, part.count, card)
    label, beside = part.label, part.source.label
    if "#" in label:  # a part of a file, which is named after a key or an array
        label, beside = label.replace("#", "/", 1), ""
    said = claim(label, part.count, card, beside=beside, role=part.role, subset=part.subset)
    if isinstance(said, Claim):
        return replace(said, origin=part.origin)
    example = f"{next(reversed(card.subsets))}/train/{part.count}"
    return f"{said}; say what it is, e.g. --map {shlex.quote(f'{part.label}={example}')}"


def _units(source: Source, options: Options) -> tuple[UnitSystem | None, str]:
    """Units of a file, and what is wrong with them, if anything."""
    resolved = {"length_unit": INSIDE.length}
    problems: list[str] = []
    for kind, resolve in (
        ("energy", units.energy_unit),
        ("length", units.length_unit),
        ("force", units.force_unit),
    ):
        declared = getattr(source.header, f"{kind}_unit")
        given = getattr(options, f"{kind}_unit")
        flag = f"--{kind}-unit"
        try:
            names = {resolve(name) for name in (declared, given) if name is not None}
        except TeaError as error:
            problems.append(str(error))
            continue
        if len(names) == 2:
            problems.append(f"declares {declared}, but {flag} says {given}")
        elif names:
            resolved[f"{kind}_unit"] = names.pop()
        elif kind == "energy":
            problems.append(f"declares no unit of {kind}; say it with {flag}")
    return UnitSystem.stated(resolved) if not problems else None, ", ".join(problems)


def _check_all(assigned: Sequence[Assigned], card: DatasetCard, options: Options) -> None:
    problems = [
        *_check_order([item.source for item in assigned], card),
        *_check_cells([item.source for item in assigned], card),
        *([] if options.accept_float32 else _check_precision(assigned)),
    ]
    if not problems and not options.accept_force_scale:
        problems = _check_scale(assigned, card)
    if problems:
        raise DataError("these files cannot be taken:\n" + "\n".join(f"  {p}" for p in problems))


def _check_order(sources: Sequence[Source], card: DatasetCard) -> Iterable[str]:
    expected, where = sources[0].header.numbers, sources[0].label
    if card.system.order is not None:
        expected, where = parse_order(card.system.order), f"the card ({card.system.order})"
    for source in sources:
        wrong = np.flatnonzero(source.header.numbers != expected)
        if len(wrong):
            i = int(wrong[0])
            yield (
                f"{source.label}: atoms in another order than in {where}: atom {i} is "
                f"{SYMBOLS[source.header.numbers[i]]}, expected {SYMBOLS[expected[i]]}; reorder "
                "its positions and forces"
            )


def _check_cells(sources: Sequence[Source], card: DatasetCard) -> Iterable[str]:
    for source in sources:
        celled = "cell" in source.header.optional
        if card.system.periodic and not celled:
            yield f"{source.label}: no lattice or cell, and {card.system.name} is periodic"
        if card.system.periodic and celled and not any(source.header.pbc or ()):
            yield f"{source.label}: periodic in no direction, and {card.system.name} is periodic"


def _check_precision(assigned: Sequence[Assigned]) -> Iterable[str]:
    for item in assigned:
        if item.source.header.single:
            factor = item.units.factors["energies"]
            largest = np.abs(item.source.header.energies).max(initial=0.0)
            gap = float(np.spacing(np.float32(largest))) * factor
            yield (
                f"{item.source.label}: energies are float32: at {largest * factor:.8g} kcal/mol "
                f"they are {gap:.2g} kcal/mol apart, and what was lost is lost; use a file in "
                "float64, or --accept-float32"
            )


def _usual_forces(card: DatasetCard) -> tuple[float, float, str]:
    """Lowest and highest plausible mean |F| in kcal/mol/Å, and why."""
    from teadata.catalog import card as read_card

    if card.counterpart is None:
        return *USUAL, "as thermal structures have"
    other = read_card(card.counterpart)
    usual = next(iter(other.statistics.values())).mean_abs_force
    reason = f"that of {other.id}, {usual:.3g}, within a factor of {SCALE:g}"
    return usual / SCALE, usual * SCALE, reason


def _check_scale(assigned: Sequence[Assigned], card: DatasetCard) -> list[str]:
    """Look for forces of the wrong size, and say which units would make them right."""
    low, high, reason = _usual_forces(card)
    problems = []
    for item in assigned:
        forces = np.abs(next(item.source.pieces())["forces"])
        finite = forces[np.isfinite(forces)]  # that others are not is told when all are read
        if not finite.size:
            continue
        raw = float(finite.mean())
        mean_force = raw * item.units.factors["forces"]
        if low <= mean_force <= high:
            continue
        fitting = [
            f"{energy}/{length}"
            for length in units.LENGTH_UNITS
            for energy in units.ENERGY_UNITS
            if low <= raw * units.force_factor(energy, length) <= high
        ]
        problems.append(
            f"{item.source.label}: in {item.units.force} the mean |F| is "
            f"{mean_force:.4g} kcal/mol/Å, expected {low:.3g} to {high:.3g} ({reason}); it would "
            f"fit in {' or '.join(fitting) or 'no known unit'}: correct the file's unit or "
            "--energy-unit, or say it with --force-unit; if it is right, --accept-force-scale"
        )
    return problems
