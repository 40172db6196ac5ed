"""mace-torch, kept quiet, and what it needs of ours: arguments, graphs, networks."""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import io
import logging
import warnings
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from baselines.mace.config import MACEConfig
from teadata import Frames
from teadata.errors import MissingExtraError
from teadata.typing import Floats
from teadata.units import EV

HEADS = ["Default"]
"""mace-torch's name for the one head of a model that is trained on one level of theory."""


@functools.cache
def _load() -> None:
    """Import mace-torch without the messages that it and its dependencies print."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            for module in ("mace.tools.model_script_utils", "torch_ema"):
                importlib.import_module(module)
    except ImportError:
        raise MissingExtraError("mace-torch", "mace", "MACE") from None


@contextmanager
def _logged(log: Path | None) -> Iterator[None]:
    """Send what is logged, and warnings, to a file instead of the terminal."""
    root = logging.getLogger()
    handler: logging.Handler = logging.NullHandler()
    if log is not None:
        handler = logging.FileHandler(log, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    before = list(root.handlers), root.level
    root.handlers = [handler]
    if log is not None:  # a change of level takes a while: every logger forgets what it knew
        root.setLevel(logging.INFO)

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        root.warning("%s: %s", category.__name__, message)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("once")
            warnings.showwarning = show
            yield
    finally:
        root.handlers, level = before
        if log is not None:
            root.setLevel(level)
        handler.close()


@contextmanager
def backend(config: MACEConfig, device: str, log: Path | None = None) -> Iterator[None]:
    """Prepare mace-torch for a block, with a configuration's dtype as torch's default.

    The default dtype, the state of torch's random numbers and the loggers are as before
    when it ends.

    Raises
    ------
    MissingExtraError
        If mace-torch is not installed.
    """
    with _logged(log):
        _load()
        import torch

        devices = range(torch.cuda.device_count()) if device == "cuda" else ()
        default = torch.get_default_dtype()
        with torch.random.fork_rng(list(devices)):
            torch.set_default_dtype(getattr(torch, config.dtype))
            try:
                yield
            finally:
                torch.set_default_dtype(default)


def namespace(config: MACEConfig, seed: int, device: str) -> Namespace:
    """Make the arguments as mace-torch's command line would."""
    from mace.tools import build_default_arg_parser, check_args

    parsed: Namespace = build_default_arg_parser().parse_args(["--name", "mace"])
    for name, value in config.arguments(seed, device).items():
        if not hasattr(parsed, name):
            raise AttributeError(f"mace-torch has no argument {name}")
        setattr(parsed, name, value)
    checked: Namespace = check_args(parsed)[0]
    # What its command sets for a model of energies.
    checked.compute_energy, checked.compute_dipole = True, False
    checked.compute_polarizability = False
    return checked


def configurations(frames: Frames, offset: Floats | float = 0.0) -> list[Any]:
    """Convert frames to mace-torch's configurations, in eV and eV/Å.

    Parameters
    ----------
    frames
        In kcal/mol and Å.
    offset
        (N,) or one number in eV, which is taken from the energies.
    """
    from mace.data import Configuration

    energies, forces = frames.energies / EV - offset, frames.forces / EV
    return [
        Configuration(
            atomic_numbers=frames.numbers,
            positions=frames.positions[i],
            properties={"energy": energies[i], "forces": forces[i]},
            property_weights={"energy": 1.0, "forces": 1.0},
            cell=None if frames.cell is None else frames.cell[i],
            pbc=tuple(bool(axis) for axis in frames.pbc),
        )
        for i in range(len(frames))
    ]


def graphs(
    frames: Frames, numbers: Sequence[int], r_max: float, offset: Floats | float = 0.0
) -> list[Any]:
    """Convert frames to mace-torch's graphs, with the neighbours within r_max in Å.

    Parameters
    ----------
    frames, offset
        As for :func:`configurations`.
    numbers
        Atomic numbers of the elements that a model knows, rising.
    """
    from mace.data import AtomicData
    from mace.tools import AtomicNumberTable

    table = AtomicNumberTable(list(numbers))
    return [
        AtomicData.from_config(item, z_table=table, cutoff=r_max, heads=HEADS)
        for item in configurations(frames, offset)
    ]


def loader(dataset: list[Any], batch_size: int, seed: int | None = None) -> Any:
    """Batch graphs; with a seed they are shuffled, and an incomplete last batch is left out."""
    import torch
    from mace.tools.torch_geometric.dataloader import DataLoader

    shuffled = seed is not None
    generator = torch.Generator().manual_seed(seed) if seed is not None else None
    return DataLoader(
        dataset=dataset,
        batch_size=batch_size,
        shuffle=shuffled,
        drop_last=shuffled,
        generator=generator,
    )


RESIDENT = 4 * 2**30
"""Bytes of graphs that are kept on a GPU."""


def keep_on(device: str, *loaders: Any) -> None:
    """Move the graphs of some loaders to a GPU, if they fit, so that no step copies its batch.

    To be called when mace-torch has read them for its statistics, which it makes on the CPU.
    """
    graphs = [graph for loader in loaders for graph in loader.dataset]
    tensors = (value for graph in graphs for _, value in graph if hasattr(value, "nbytes"))
    if device == "cpu" or sum(tensor.nbytes for tensor in tensors) > RESIDENT:
        return
    for loader in loaders:
        loader.dataset[:] = [graph.to(device) for graph in loader.dataset]


def inputs(frames: Frames, numbers: Sequence[int], r_max: float, device: str) -> dict[str, Any]:
    """Make the inputs that a network takes for some frames.

    What mace-torch's batches of :func:`graphs` hold, without the labels: they take longer to
    make than a small network to evaluate, which is most of a simulation's time.
    """
    import torch
    from mace.data import get_neighborhood

    count, atoms = len(frames), frames.n_atoms
    periodic = tuple(bool(axis) for axis in frames.pbc)
    edges, shifts, units, cells = [], [], [], []
    for i in range(count):
        cell = None if frames.cell is None else frames.cell[i].copy()  # it is changed there
        edge, shift, unit, cell = get_neighborhood(frames.positions[i], r_max, periodic, cell)
        edges.append(edge + i * atoms)
        shifts.append(shift)
        units.append(unit)
        cells.append(cell)
    species = torch.as_tensor(np.searchsorted(numbers, frames.numbers)).repeat(count)
    one_hot = torch.nn.functional.one_hot(species, len(numbers))

    def real(values: Any) -> Any:
        return torch.tensor(np.concatenate(values), dtype=torch.get_default_dtype())

    tensors = {
        "positions": real(frames.positions),
        "node_attrs": one_hot.to(torch.get_default_dtype()),
        "edge_index": torch.tensor(np.concatenate(edges, axis=1), dtype=torch.long),
        "shifts": real(shifts),
        "unit_shifts": real(units),
        "cell": real(cells),
        "head": torch.zeros(count, dtype=torch.long),
        "batch": torch.arange(count).repeat_interleave(atoms),
        "ptr": torch.arange(count + 1) * atoms,
    }
    return {name: tensor.to(device) for name, tensor in tensors.items()}


def atomic_energies(frames: Frames) -> tuple[list[int], Floats]:
    """Find the elements (E,), rising, and their energies (E,) in eV.

    By mace-torch's least squares; for one system the solution of least norm, whose sum over
    the atoms is the mean energy.
    """
    from mace.data import compute_average_E0s
    from mace.tools import AtomicNumberTable

    numbers = [int(z) for z in np.unique(frames.numbers)]
    by_number = compute_average_E0s(configurations(frames), AtomicNumberTable(numbers))
    return numbers, np.array([by_number[z] for z in numbers])


def network(
    args: Namespace,
    numbers: Sequence[int],
    labelled: Any = None,
    state: dict[str, Any] | None = None,
) -> Any:
    """Build mace-torch's model for these arguments.

    Its atomic energies are zero: they are taken from the labels before, and given back to the
    predictions after, in float64, which a float32 network would round to 0.01 kcal/mol and more.

    Parameters
    ----------
    args
        From :func:`namespace`, with ``avg_num_neighbors``.
    numbers
        Atomic numbers of its elements, rising.
    labelled
        Batches whose labels give scale and shift, for a new model.
    state
        State dict of a trained model.
    """
    from mace.tools import AtomicNumberTable
    from mace.tools.model_script_utils import configure_model

    if state is not None:
        args.mean, args.std = (
            state[f"scale_shift.{name}"].cpu().numpy() for name in ("shift", "scale")
        )
    model, _ = configure_model(
        args,
        labelled,
        np.zeros((1, len(numbers))),
        heads=HEADS,
        z_table=AtomicNumberTable(list(numbers)),
    )
    if state is not None:
        model.load_state_dict(state)
    return model.to(args.device)


CONVERTIBLE = (2, 3)
"""Correlations of the networks that mace-torch's converters know."""


def can_accelerate(config: MACEConfig, device: str) -> bool:
    """Tell whether cuEquivariance's kernels can be used for a network of these settings.

    On a GPU, where both the package and its kernels are installed: without these, which are a
    package of their own, its layers are there and the fused ones of mace-torch fail.
    """
    from mace.modules.wrapper_ops import CUET_AVAILABLE

    kernels = importlib.util.find_spec("cuequivariance_ops_torch") is not None
    usable = bool(CUET_AVAILABLE) and kernels and config.correlation in CONVERTIBLE
    return device == "cuda" and usable


def accelerated(model: Any, config: MACEConfig, device: str) -> Any:
    """Convert a model to cuEquivariance's kernels, where they can be used."""
    if not can_accelerate(config, device):
        return model
    from mace.cli.convert_e3nn_cueq import run

    return run(model, device=device)


def portable(model: Any, config: MACEConfig, device: str) -> Any:
    """Convert a model back from cuEquivariance's kernels: the reverse of :func:`accelerated`."""
    if not can_accelerate(config, device):
        return model
    from mace.cli.convert_cueq_e3nn import run

    return run(model, device=device)
