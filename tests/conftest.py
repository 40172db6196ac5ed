"""What the tests share: the embedded dataset, predictions of it, and the commands."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import gc
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import teadata
import teaeval
from teadata import Dataset, Frames
from teaeval import Prediction

REPOSITORY = Path(__file__).resolve().parents[1]

# Tests start hundreds of processes: what one has compiled of the project, the next need not.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

COMMANDS = ("teadata", "teaeval", "baselines", "sgdml", "mace_run_train")

Run = Callable[..., subprocess.CompletedProcess[str]]

BEFORE = pytest.StashKey[dict[str, str]]()
"""The environment before the test that is running."""

FROZEN = pytest.StashKey[int]()
"""How many modules there were when the garbage collector was last told to leave all alone."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--expected-skips``."""
    parser.addoption(
        "--expected-skips",
        type=Path,
        metavar="FILE",
        help="fail if a test is skipped for a reason that no line of FILE matches; "
        "a line is a pattern with *, a # starts a comment",
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that skipped a test for an unexpected reason, and name the test."""
    listing = session.config.getoption("expected_skips")
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if listing is None or reporter is None:
        return
    lines = (line.partition("#")[0].strip() for line in listing.read_text().splitlines())
    patterns = [line for line in lines if line]
    for report in reporter.stats.get("skipped", []):
        if hasattr(report, "wasxfail"):
            continue
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not any(fnmatch.fnmatchcase(reason, pattern) for pattern in patterns):
            where = report.nodeid or report.longrepr[0]
            reporter.write_line(f"\nskip not expected by {listing}: {where}: {reason}", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_configure() -> None:
    """Undo that a job in the background ignores Ctrl-C, and all it starts: some tests send it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[Any]:
    """Let the garbage collector rest while modules are imported, which stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests that are marked slow, or for a GPU, take an hour."""
    for item in items:
        if item.get_closest_marker("slow") or item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.timeout(3600))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note the environment before a test, in which libraries may have left variables.

    What many modules brought that were imported since, the garbage collector need not look through
    again and again.
    """
    item.config.stash[BEFORE] = dict(os.environ)
    if (figure := sys.modules.get("matplotlib.figure")) and sys.gettrace() is not None:
        draw_untraced(figure.Figure)
    if len(sys.modules) > item.config.stash.get(FROZEN, 0) + 200:
        gc.collect()
        gc.freeze()
        item.config.stash[FROZEN] = len(sys.modules)


def draw_untraced(figure: type) -> None:
    """Let coverage wait while Matplotlib draws, which is slow where every line is traced."""
    if hasattr(figure.savefig, "__wrapped__"):
        return
    savefig = figure.savefig

    @functools.wraps(savefig)
    def untraced(*arguments: Any, **options: Any) -> Any:
        trace = sys.gettrace()
        sys.settrace(None)
        try:
            return savefig(*arguments, **options)
        finally:
            sys.settrace(trace)

    figure.savefig = untraced


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """With a worker on every core (`pytest -n auto`), each calculates with one thread."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let each worker begin with one stretch of the tests, and take from another at the end.

    So what a session or a module shares is made once, and few workers load the same libraries.
    """
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.option.dist == "load" else None


@pytest.fixture(scope="session", autouse=True)
def no_data_of_the_users(tmp_path_factory) -> Iterator[None]:
    """Tests, and the commands they run, see only the embedded datasets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEADATA_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def mini_i() -> Dataset:
    return teadata.load("mini-i")


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def run(repository: Path, tmp_path_factory, pytestconfig) -> Iterator[Run]:
    """Run one of the project's commands as its user does, or a script of Python by its path.

    It is another process with its own output: forked from one that has imported the libraries
    (tests/warm.py), or started anew where a test has set a variable that Python or a library reads
    at its start.  What libraries have set in earlier tests (Dask limits the threads of all that it
    starts) it does not get.
    """
    scripts = Path(sys.executable).parent
    found = spec_from_file_location("warm", repository / "tests" / "warm.py")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("warm")
    usual = module.Warm(folder / "usual")
    calculating = module.Warm(folder / "calculating", "torch")

    def run_command(
        command: str | Path, *arguments: object, cwd: Path | None = None, timeout: float = 300,
        columns: int = 200,
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        line = [str(scripts / command), *map(str, arguments)]
        script = Path(command).suffix == ".py"
        asked = {(command,), (command, *arguments[:1])}
        warm = calculating if script or asked & module.CALCULATING else usual
        environment = warm.cleared(os.environ, pytestconfig.stash[BEFORE])
        environment["COLUMNS"] = str(columns)
        if (script or command in COMMANDS) and warm.suits(environment):
            return warm.run(line, cwd, environment, timeout)
        return subprocess.run(
            [sys.executable] * script + line, capture_output=True, text=True, cwd=cwd,
            timeout=timeout, env=environment, check=False,
        )  # fmt: skip

    yield run_command
    usual.close()
    calculating.close()


@pytest.fixture(scope="session")
def invoke() -> Callable[..., str]:
    """Run ``teaeval`` in this process, and give what it prints; errors are raised."""
    from typer.testing import CliRunner

    from teadata.output.command_line import narrowed
    from teaeval.cli import app

    def call(*arguments: object) -> str:
        line = list(map(str, arguments))
        done = CliRunner(env={"COLUMNS": "200"}).invoke(narrowed(app, line), line)
        if done.exception is not None:
            raise done.exception
        return done.stdout

    return call


@pytest.fixture(scope="session")
def fair(mini_i: Dataset) -> Prediction:
    """A fair prediction of the folded test set, the labels with seeded noise, for all tests."""
    rng = np.random.default_rng(1)
    test = mini_i.split("folded/test")
    return Prediction(
        dataset="mini-i",
        subset="folded",
        energies=test.energies + rng.normal(0, 1.0, len(test)),
        forces=test.forces + rng.normal(0, 2.0, test.forces.shape),
        frame_ids=test.ids,
        numbers=test.numbers,
        model="noise",
        train="folded/train/200",
    )


@pytest.fixture(scope="session")
def fair_file(fair: Prediction, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("fair") / "prediction.npz"
    teaeval.write_prediction(path, fair)
    return path


@pytest.fixture
def noisy(fair: Prediction) -> Prediction:
    """A fair prediction of the folded test set, which a test may change."""
    return dataclasses.replace(fair, energies=fair.energies.copy(), forces=fair.forces.copy())


@pytest.fixture
def prediction_file(fair_file: Path, tmp_path: Path) -> Path:
    """The file of a fair prediction, which a test may change."""
    return Path(shutil.copy(fair_file, tmp_path))


@pytest.fixture
def small(mini_i: Dataset) -> Frames:
    """Eight labelled frames of a real molecule."""
    return mini_i.split("folded/train/8")


@pytest.fixture(scope="session")
def assert_whole() -> Callable[..., None]:
    """Whether a command's tables have every word of a wide terminal in narrow ones, too."""
    from typer.testing import CliRunner

    from teadata.output.command_line import narrowed

    def shown(app: Any, call: tuple[object, ...], columns: int) -> str:
        runner, line = CliRunner(env={"COLUMNS": str(columns)}), list(map(str, call))
        done = runner.invoke(narrowed(app, line), line, catch_exceptions=False)
        assert done.exit_code in (0, 1), done.output
        return done.stdout

    def check(app: Any, *call: object) -> None:
        wide = shown(app, call, 400)
        for columns in (60, 80, 120):
            narrow = shown(app, call, columns)
            assert "…" not in set(narrow) - set(wide)
            lost = set(wide.split()) - set(narrow.split())
            assert not [word for word in lost if set(word) != {"─"}]

    return check
