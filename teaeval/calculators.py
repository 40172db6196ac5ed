"""Find calculators by name, any of ASE's or the trained model of a run folder, and run them."""

from __future__ import annotations

import importlib
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from teadata import Frames, plugins, units
from teadata.errors import MissingExtraError, TeaError, UsageError
from teadata.files import check_folder
from teadata.provenance import sha256
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
    check_given(reference, model)
    if model is not None:
        return _of_folder(Path(model), device)
    if device is not None:
        raise UsageError("--device is for --run; a calculator's factory chooses its own")
    assert reference is not None
    calculator = from_factory(reference)
    if not hasattr(calculator, "get_forces"):
        raise UsageError(
            f"--calculator {reference}: made a {type(calculator).__name__}, expected an "
            "ASE calculator"
        )
    return calculator


def check_given(reference: str | None, model: Path | str | None) -> None:
    """Check that a factory or a run folder is given, and that such a folder is there.

    Raises
    ------
    UsageError
        If neither or both are given.
    PathError
        If there is no such folder.
    """
    if (reference is None) == (model is None):
        raise UsageError("expected one of --calculator module:factory and --run RUN")
    if model is not None:
        check_folder(Path(model), "a run folder, of a training that has finished")


def _of_folder(folder: Path, device: str | None) -> Any:
    known = []
    for plugin in plugins.loaded(GROUP):
        try:
            calculator = plugin.value(folder, device)
        except TeaError:
            raise
        except (Exception, SystemExit) as error:
            if plugin.package.startswith(plugins.OURS):
                raise
            plugin.pass_over(error)
            continue
        if hasattr(calculator, "get_forces"):
            return calculator
        if calculator is not None:
            made = type(calculator).__name__
            plugin.pass_over(f"expected an ASE calculator or None, found {made}")
            continue
        known.append(plugin.name)
    if not known:
        raise UsageError(
            f"--run {folder}: no installed package has an entry point {GROUP}, so nothing here "
            "knows run folders; install tea-benchmark again"
        )
    raise UsageError(
        f"--run {folder}: is not a run folder that {' or '.join(known)} knows; expected the "
        "folder of a finished training"
    )


def in_units(calculator: Calculator, energy: str, length: str = "Å") -> Calculator:
    """Wrap a calculator that gives other units than ASE's, so that it gives eV and eV/Å.

    What is made gives energies and forces, and no stress, whose unit these do not say.

    Parameters
    ----------
    calculator
        An ASE calculator.
    energy, length
        The units that it gives energies in, and forces per length; positions stay in Å.

    Raises
    ------
    UsageError
        If there is no such unit.

    Examples
    --------
    In ``my_model.py``, for ``--calculator my_model:make``::

        def make():
            return in_units(MyCalculator(), "kcal/mol")
    """
    from ase.calculators.calculator import Calculator, all_changes

    per_energy = units.energy_factor(energy) / units.EV
    factors = {"energy": per_energy, "forces": per_energy / units.length_factor(length)}

    class Converted(Calculator):  # type: ignore[misc]  # ASE has no types
        implemented_properties = tuple(factors)

        def calculate(
            self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes
        ) -> None:
            super().calculate(atoms, properties, system_changes)
            self.results = {
                name: calculator.get_property(name, self.atoms) * factor
                for name, factor in factors.items()
            }

    return Converted()


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
    if module.endswith(".py") or "/" in module:
        raise UsageError(f"--calculator {reference}: {_by_name(Path(module), name)}")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        factory = getattr(_the_users(reference, importlib.import_module, module), name)
    except AttributeError:
        raise UsageError(f"--calculator {reference}: {module} has no {name}") from None
    if not callable(factory):
        raise UsageError(
            f"--calculator {reference}: {name} is a {type(factory).__name__}, expected a function "
            "or class that makes a calculator"
        )
    calculator = _the_users(reference, factory)
    if not isinstance(calculator, Batched) and not hasattr(calculator, "get_forces"):
        raise UsageError(
            f"--calculator {reference}: {name}() made a {type(calculator).__name__}, expected an "
            "ASE calculator or an object with predict(frames)"
        )
    return calculator


def _by_name(path: Path, factory: str) -> str:
    """What to say for a module that is named by its path."""
    told = f"names a file; say --calculator {path.stem}:{factory}"
    folder = path.parent.absolute()
    if folder == Path.cwd():
        return told
    return f"{told}, with PYTHONPATH={shlex.quote(str(folder))} before the command, or run in there"


def _the_users(reference: str, code: Callable[..., Any], *arguments: Any) -> Any:
    """Run code that is not ours: whatever it raises is one error, and it does not end us."""
    try:
        return code(*arguments)
    except TeaError:
        raise
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {error}"
        if arguments and isinstance(error, ModuleNotFoundError) and error.name in arguments:
            raise UsageError(
                f"--calculator {reference}: No module named {error.name!r}: there is no "
                f"{error.name}.py in {Path.cwd()}, and it is not installed; run the command in "
                f"the folder of {error.name}.py, or with PYTHONPATH=FOLDER before it"
            ) from None
        where = "the module" if arguments else f"{reference.partition(':')[2]}()"
        raise UsageError(f"--calculator {reference}: {where} failed: {what}") from error


def source_of(reference: str) -> str | None:
    """The SHA-256 of the file of ``module:factory``, None if the module has no file."""
    module = sys.modules.get(reference.partition(":")[0])
    path = getattr(module, "__file__", None)
    return sha256(Path(path)) if path and Path(path).is_file() else None


def evaluate(calculator: Any, frames: Frames, *, batched: bool = True) -> tuple[Floats, Floats]:
    """Compute energies (N,) in kcal/mol and forces (N, A, 3) in kcal/mol/Å of frames.

    Parameters
    ----------
    calculator
        What :func:`from_factory` makes.
    frames
        One frame or more; their labels are not looked at.
    batched
        Whether ``predict(frames)`` is used where a calculator has it: what simulates one structure
        at a time asks for ASE's way.

    Raises
    ------
    CalculationError
        If the calculator fails on a frame.
    """
    together = batched and isinstance(calculator, Batched)
    step, work = (BATCH, _batch) if together else (1, _one)
    parts = [work(calculator, frames[n : n + step]) for n in range(0, len(frames), step)]
    energies, forces = zip(*parts, strict=True)
    return np.concatenate(energies), np.concatenate(forces)


def _batch(calculator: Batched, frames: Frames) -> tuple[Floats, Floats]:
    try:
        found: Any = calculator.predict(frames)
    except (MissingExtraError, CalculationError):
        raise
    except (Exception, SystemExit) as error:
        raise _failed(frames, error) from error
    if not isinstance(found, tuple | list) or len(found) != 2:
        what = f"{len(found)} values" if isinstance(found, tuple | list) else type(found).__name__
        raise CalculationError(
            f"{_of(calculator)} predict(frames) gave {what}, expected a pair: energies (n,) and "
            "forces (n, A, 3)"
        )
    energies = _energies(found[0], frames, calculator)
    return energies, forces_of(found[1], frames.forces.shape, calculator)


def _one(calculator: Calculator, frames: Frames) -> tuple[Floats, Floats]:
    """Evaluate one frame with an ASE calculator, and convert eV and eV/Å."""
    (atoms,) = frames.to_ase()
    atoms.calc = calculator
    try:
        energy = atoms.get_potential_energy()
        # A calculator may have moved the atoms it was given, e.g. into the cell.
        atoms.positions = frames.positions[0]
        forces = atoms.get_forces()
    except MissingExtraError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed(frames, error) from error
    energies = _energies(energy, frames, calculator) * units.EV
    return energies, forces_of(forces, (frames.n_atoms, 3), calculator)[None] * units.EV


def _of(calculator: Any) -> str:
    return f"the calculator {type(calculator).__name__}:"


def _array(values: Any, what: str, calculator: Any) -> Floats:
    """Numbers of any kind, tensors that need a gradient too, as an array of float64."""
    try:
        if hasattr(values, "detach"):
            values = values.detach().cpu()
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CalculationError(f"{_of(calculator)} its {what} are no numbers ({error})") from None


def _energies(values: Any, frames: Frames, calculator: Any) -> Floats:
    """Energies (n,), given so or as (n, 1); of a single frame, one number of any shape."""
    energies, count = _array(values, "energies", calculator), len(frames)
    if energies.shape not in {(count,), (count, 1)} and not energies.size == count == 1:
        raise CalculationError(
            f"{_of(calculator)} energies of shape {energies.shape} for {count} frames, expected "
            f"({count},): an energy for each frame"
        )
    return energies.reshape(count)


def forces_of(values: Any, shape: tuple[int, ...], calculator: Any) -> Floats:
    """Forces of any kind of numbers as an array of float64.

    Parameters
    ----------
    values
        What a calculator gave.
    shape
        (A, 3) or (n, A, 3), what it has to be.
    calculator
        Who gave it.

    Raises
    ------
    CalculationError
        If they are no numbers, or of another shape.
    """
    if type(values) is np.ndarray and values.dtype == np.float64 and values.shape == shape:
        return values
    forces = _array(values, "forces", calculator)
    if forces.shape != shape:
        raise CalculationError(
            f"{_of(calculator)} forces of shape {forces.shape}, expected {shape}: a vector for "
            f"each atom{' of each frame' if len(shape) > 2 else ''}"
        )
    return forces


def _failed(frames: Frames, error: BaseException) -> CalculationError:
    ids = ", ".join(map(str, frames.ids[:3].tolist())) + (" …" if len(frames) > 3 else "")
    return CalculationError(
        f"the calculator failed on frame {ids}: {type(error).__name__}: {error}"
    )
