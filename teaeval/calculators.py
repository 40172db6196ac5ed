"""Find calculators by name, any of ASE's or the trained model of a run folder, and run them."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from teadata import Frames, units
from teadata.errors import MissingExtraError, TeaError, UsageError
from teadata.typing import Floats

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator


GROUP = "tea.calculators"
"""Entry points that make a calculator of a run folder.

Each names a function ``f(folder: Path, device: str | None)`` that gives an ASE calculator, or
None if the folder is not of its kind.
"""


def find_calculator(
    reference: str | None = None, model: Path | str | None = None, device: str | None = None
) -> Any:
    """Make an ASE calculator from a factory or from the run folder of a trained model.

    Parameters
    ----------
    reference
        ``module:factory``, as for ``teaeval predict``.
    model
        Run folder of a trained model, instead.
    device
        Where such a model is to run; by default where it was trained.

    Raises
    ------
    UsageError
        If neither or both are given, the one given does not exist, or it is not an ASE
        calculator.
    """
    if (reference is None) == (model is None):
        raise UsageError("expected one of --calculator module:factory and --model RUN_FOLDER")
    if model is not None:
        return _of_folder(Path(model), device)
    if device is not None:
        raise UsageError("--device is for --model; a calculator's factory chooses its own")
    assert reference is not None
    calculator = from_factory(reference)
    if not hasattr(calculator, "get_forces"):
        raise UsageError(
            f"--calculator {reference}: made a {type(calculator).__name__}, expected an "
            "ASE calculator"
        )
    return calculator


def _of_folder(folder: Path, device: str | None) -> Any:
    if not folder.is_dir():
        raise UsageError(f"--model {folder}: there is no such folder; expected a run folder")
    known = []
    for point in entry_points(group=GROUP):
        try:
            make = point.load()
        except (ImportError, AttributeError) as error:
            raise TeaError(f"the entry point {GROUP}:{point.name} is broken: {error}") from None
        calculator = make(folder, device)
        if calculator is not None:
            return calculator
        known.append(point.name)
    if not known:
        raise UsageError(
            f"--model {folder}: no installed package has an entry point {GROUP}, so nothing here "
            "knows run folders; install tea-benchmark again"
        )
    raise UsageError(
        f"--model {folder}: is not a run folder that {' or '.join(known)} knows; expected the "
        "folder of a finished training"
    )


BATCH = 32
"""Frames that a calculator with ``predict`` is given at a time."""


@runtime_checkable
class Batched(Protocol):
    """A calculator that evaluates many frames at once."""

    def predict(self, frames: Frames) -> tuple[Floats, Floats]:
        """Energies (n,) in kcal/mol and forces (n, A, 3) in kcal/mol/Å of n frames."""
        ...


class CalculationError(TeaError):
    """The calculator failed on a frame."""


def from_factory(reference: str) -> Any:
    """Call ``module:factory``, which makes an ASE calculator or a :class:`Batched` one.

    Modules of the current folder are found too.

    Raises
    ------
    UsageError
        If there is no such module or factory, or it cannot be called without arguments.
    """
    module, colon, name = reference.partition(":")
    if not colon or not module or not name:
        raise UsageError(
            f"--calculator {reference}: expected module:factory, e.g. ase.calculators.emt:EMT, or "
            "my_model:make for a function make() in my_model.py"
        )
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        factory = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise UsageError(f"--calculator {reference}: {error}") from None
    except AttributeError:
        raise UsageError(f"--calculator {reference}: {module} has no {name}") from None
    try:
        return factory()
    except TypeError as error:
        raise UsageError(f"--calculator {reference}: {name}() failed: {error}") from None


def evaluate(calculator: Any, frames: Frames) -> tuple[Floats, Floats]:
    """Compute energies (N,) in kcal/mol and forces (N, A, 3) in kcal/mol/Å of frames.

    Parameters
    ----------
    calculator
        What :func:`from_factory` makes.
    frames
        One frame or more; their labels are not looked at.

    Raises
    ------
    CalculationError
        If the calculator fails on a frame.
    """
    step, work = (BATCH, _batch) if isinstance(calculator, Batched) else (1, _one)
    parts = [work(calculator, frames[n : n + step]) for n in range(0, len(frames), step)]
    energies, forces = zip(*parts, strict=True)
    return np.concatenate(energies), np.concatenate(forces)


def _batch(calculator: Batched, frames: Frames) -> tuple[Floats, Floats]:
    try:
        return calculator.predict(frames)
    except Exception as error:
        raise _failed(frames, error) from error


def _one(calculator: Calculator, frames: Frames) -> tuple[Floats, Floats]:
    """Evaluate one frame with an ASE calculator, and convert eV and eV/Å."""
    (atoms,) = frames.to_ase()
    atoms.calc = calculator
    try:
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    except MissingExtraError:
        raise
    except Exception as error:
        raise _failed(frames, error) from error
    return np.array([energy]) * units.EV, forces[None] * units.EV


def _failed(frames: Frames, error: Exception) -> CalculationError:
    ids = ", ".join(map(str, frames.ids[:3].tolist())) + (" …" if len(frames) > 3 else "")
    return CalculationError(
        f"the calculator failed on frame {ids}: {type(error).__name__}: {error}. What was computed "
        "before is kept: the same command goes on from there"
    )
