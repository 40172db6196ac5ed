"""The pieces: what each does, what is published beside it, and how long it may take."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Context:
    """Where and how a piece works.

    Parameters
    ----------
    smoke
        On the CPU and at reduced size, to see that the piece itself works.
    folder
        The piece's own, which is kept: what it leaves there it may go on from.
    seconds
        Time after which it is stopped.
    """

    smoke: bool
    folder: Path
    seconds: float

    @property
    def device(self) -> str:
        return "cpu" if self.smoke else "cuda"

    def few(self, smoke: Any, full: Any) -> Any:
        """The reduced size or the whole."""
        return smoke if self.smoke else full


@dataclass(frozen=True)
class Found:
    """What a piece found: numbers by name, and a sentence of them for the table."""

    said: str
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Piece:
    """A piece of the GPU's work.

    Parameters
    ----------
    name, title
        For the command, and for the table.
    work
        ``module:function`` of this folder, which takes a :class:`Context` and gives a
        :class:`Found`.
    minutes
        Its limit.
    published
        What is published of it.
    options
        What the function is given beside the context.
    """

    name: str
    title: str
    work: str
    minutes: float
    published: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def do(self, context: Context) -> Found:
        module, _, name = self.work.partition(":")
        function: Callable[..., Found] = getattr(
            importlib.import_module(f"benchmarks.gpu.{module}"), name
        )
        return function(context, **self.options)


SPEEDS = ("mace", "so3krates", "physnet", "fchl", "sgdml", "gap")

PIECES = [
    Piece("versions", "Versions", "environment:versions", 2),
    *(
        Piece(
            f"tests-{framework}",
            f"Tests marked gpu, {title}",
            "environment:tests",
            9,
            options={"framework": framework},
        )
        for framework, title in (
            ("torch", "PyTorch"),
            ("jax", "JAX"),
            ("tensorflow", "TensorFlow"),
        )
    ),
    Piece(
        "so3krates-step",
        "SO3krates, a training step of `paper-i` to `paper-iv`, in batches of 1, 10, 10, 2",
        "so3krates:steps",
        9,
        "10, 10, 15 and 27 ms (A100)",
    ),
    Piece(
        "so3krates-tf32",
        "SO3krates, `mini-iii`: force errors by atom with and without tf32",
        "so3krates:tf32",
        9.5,
        "errors at the border of the sheet (Fig. SI 8)",
    ),
    Piece(
        "mace-step",
        "MACE, an epoch of `paper-i` with cuEquivariance",
        "mace:epoch",
        9,
        "a training of 30 min to 32 h (A100)",
    ),
    Piece(
        "mace-step-plain",
        "MACE, the same without cuEquivariance",
        "mace:epoch",
        9,
        "a training of 30 min to 32 h (A100)",
        {"kernels": False},
    ),
    Piece(
        "mace-epochs",
        "MACE, as many epochs of `paper-i` as fit; `--again mace-epochs` goes on",
        "mace:epochs",
        9.5,
    ),
    Piece("mace-md", "MACE, simulations in batch", "mace:simulations", 9),
    Piece(
        "fchl",
        "FCHL19\\*, `paper-i` (N_f = 16384): prediction, rows, A, its eigenvalues",
        "fchl:parts",
        9,
        "a prediction in a microsecond per atom",
    ),
    Piece("physnet-step", "PhysNet, a training step of `paper-i`", "physnet:step", 9),
    Piece("sgdml", "sGDML through torch, both solvers", "sgdml:solvers", 9),
    *(
        Piece(
            f"speed-{model}",
            f"Prediction, {model}",
            "speed:speed",
            9,
            options={"model": model},
        )
        for model in SPEEDS
    ),
]

BY_NAME = {piece.name: piece for piece in PIECES}
