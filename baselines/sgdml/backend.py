"""The sgdml package, made fit to be called from a program that has other things to do.

It is imported here and nowhere else at module level.  It logs to the terminal, ends the
process where it gives up, leaves workers behind when it is interrupted, and calls a BLAS that
fails on large matrices; each of these is seen to in one function.
"""

from __future__ import annotations

import builtins
import importlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.pool import Pool
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from teadata import TeaError
from teadata.errors import MissingExtraError
from teadata.loading import without

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

PATIENCE = 5.0
"""Seconds that a pool has to end by itself."""

# Where OpenBLAS 0.3.30 with two threads was seen to fail: factorising 12 600 rows was right, a
# product and factorisation of 20 000 crashed, 25 200 gave NaN or crashed; one thread was right.
OPENBLAS_THREADED_ROWS = 16_000

# The modules of sgdml that log, and those that call os._exit.
LOGGERS = ("train", "predict", "torchtools", "solvers.analytic", "solvers.iterative")
EXITS = ("predict", "torchtools", "solvers.analytic", "solvers.iterative")
POOLS = ("train", "predict", "utils.desc", "utils.perm")  # and those that start workers


class _LastWords(logging.Handler):
    """Keeps the message that sgdml logs before it ends the process."""

    message = "without saying why"

    def emit(self, record: logging.LogRecord) -> None:
        self.message = " ".join(record.getMessage().split())


class _Torch(ModuleType):
    """Has the place of torch in sgdml's modules, and loads it when something of it is wanted.

    Each of them imports torch and looks for a GPU, which takes longer than a small training.  Other
    modules never see this one.
    """

    @staticmethod
    def is_tensor(what: object) -> bool:
        """Tell whether something is a tensor, of which there is none before torch is loaded."""
        return "torch" in sys.modules and bool(importlib.import_module("torch").is_tensor(what))

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("torch"), name)


def _import(device: str) -> None:
    """Import what is used of sgdml, and torch for a device that is no CPU."""
    if device == "cpu" and not {"torch", "sgdml.train"} & sys.modules.keys():
        for name in ("numpy", "psutil", "scipy.optimize", "scipy.spatial"):
            importlib.import_module(name)  # for these torch is there, if it is
        # sgdml asks the name torch for a GPU even where its import failed, and would end here
        # with a NameError.  This one has no attributes, which it takes for a torch without a GPU.
        vars(builtins)["torch"] = ModuleType("torch")
        try:
            with without("torch"):
                importlib.import_module("sgdml.train")
        finally:
            vars(builtins).pop("torch", None)
        for name, module in list(sys.modules.items()):
            if name.startswith("sgdml.") and vars(module).get("_has_torch") is False:
                vars(module).update(torch=_Torch("torch"), _has_torch=True)
        return
    if device == "cpu":
        importlib.import_module("sgdml.train")
        return
    torch = importlib.import_module("torch")  # first: under sgdml's logger class it would chatter
    importlib.import_module("sgdml.torchtools")
    for name in ("sgdml.train", "sgdml.predict"):
        module = importlib.import_module(name)
        vars(module)["_torch_cuda_is_available"] = torch.cuda.is_available()


@contextmanager
def backend(log: Path | None, device: str = "cpu") -> Iterator[Any]:
    """Prepare sgdml for a block: its messages go to a log file, its exits are errors.

    Torch is loaded for a device that is no CPU.

    Raises
    ------
    MissingExtraError
        If sgdml is not installed.
    TeaError
        Where sgdml would have ended the process: too little memory, a matrix that cannot be
        factorised.
    """
    previous = logging.getLoggerClass()
    try:
        _import(device)
    except ImportError:
        raise MissingExtraError("sgdml", "sgdml", "sGDML") from None
    finally:
        logging.setLoggerClass(previous)  # sgdml installs its own class for every logger
    last_words = _LastWords(logging.CRITICAL)
    with _logging_to(log, last_words), _no_exits(last_words):
        yield importlib.import_module("sgdml")


@contextmanager
def _logging_to(log: Path | None, last_words: logging.Handler) -> Iterator[None]:
    loggers = [logging.getLogger(f"sgdml.{name}") for name in LOGGERS]
    handler = logging.NullHandler() if log is None else logging.FileHandler(log, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [handler, last_words], False
        if log is not None:  # a change of level takes a while: every logger forgets what it knew
            logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
            if log is not None:
                logger.setLevel(level)
        handler.close()


@contextmanager
def _no_exits(last_words: _LastWords) -> Iterator[None]:
    """Let sgdml raise an error where it would call ``os._exit``, which cleans nothing up."""

    def give_up(_: int) -> NoReturn:
        raise TeaError(
            f"sgdml gave up: {last_words.message}. Train on fewer frames (--size) where memory "
            "was short; where a matrix could not be factorised, look for frames that occur "
            "twice, or raise lam or sigma"
        )

    names = [f"sgdml.{name}" for name in EXITS]
    modules = [sys.modules[name] for name in names if name in sys.modules]
    before = [getattr(module, "os", os) for module in modules]  # one forgets to import it
    for module in modules:
        vars(module)["os"] = SimpleNamespace(**(vars(os) | {"_exit": give_up}))
    try:
        yield
    finally:
        for module, previous in zip(modules, before, strict=True):
            vars(module)["os"] = previous


@contextmanager
def _interrupt_later() -> Iterator[None]:
    """Put Ctrl-C off: Python forgets one that arrives in a hook that it runs after a fork."""
    if threading.current_thread() is not threading.main_thread():
        yield  # where Ctrl-C does not arrive
        return
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if seen:
        signal.raise_signal(signal.SIGINT)


def _begin_work(controller: ThreadpoolController) -> None:
    """Let a worker ignore Ctrl-C, and calculate with one thread: there is one for every core."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    controller.limit(limits=1)


def _end(pool: Pool) -> None:
    """End a pool's processes, also where one stopped with a lock that `terminate` waits for."""

    def end() -> None:
        pool.terminate()
        pool.join()

    processes = list(vars(pool)["_pool"])  # the pool forgets them as they end
    ending = threading.Thread(target=end, daemon=True)
    ending.start()
    ending.join(PATIENCE)
    if ending.is_alive():
        for process in processes:
            process.kill()


@contextmanager
def workers() -> Iterator[None]:
    """Start sgdml's pools so that Ctrl-C ends them, and says nothing.

    As sgdml starts them, each worker would print a traceback, and one that was interrupted
    while it started would stay.
    """
    from threadpoolctl import ThreadpoolController

    controller = ThreadpoolController()
    pools: list[Pool] = []

    def start(processes: int | None = None) -> Pool:
        with _interrupt_later():
            pool = multiprocessing.get_context("fork").Pool(processes, _begin_work, (controller,))
            pools.append(pool)
        return pool

    modules = [importlib.import_module(f"sgdml.{name}") for name in POOLS]
    before = [vars(module)["Pool"] for module in modules]
    for module in modules:
        vars(module)["Pool"] = start
    try:
        yield
    finally:
        for module, previous in zip(modules, before, strict=True):
            vars(module)["Pool"] = previous
        for pool in pools:
            _end(pool)


@contextmanager
def sound_blas(rows: int) -> Iterator[None]:
    """Hold OpenBLAS to one thread for matrices that it has failed on with more."""
    from threadpoolctl import ThreadpoolController

    controller = ThreadpoolController().select(internal_api="openblas")
    with controller.limit(limits=1 if rows > OPENBLAS_THREADED_ROWS else None):
        yield
