"""``pytest --expected-skips FILE`` fails for a skip that no line of the file matches."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SKIPS = """
import pytest

def test_passes(): pass

def test_asks_for_a_gpu(): pytest.skip("no CUDA device")

@pytest.mark.skipif(True, reason="no browser: none found")
def test_asks_for_a_browser(): pass

@pytest.mark.xfail(reason="not mended yet")
def test_fails_as_expected(): assert False
"""
IMPORTS = 'import pytest\npytest.importorskip("not_installed_anywhere")\n'


@pytest.fixture
def pytest_with(repository: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run pytest in a folder with this project's conftest.py, expecting the given reasons."""
    (tmp_path / "conftest.py").write_text((repository / "tests" / "conftest.py").read_text())
    (tmp_path / "test_skips.py").write_text(SKIPS)
    (tmp_path / "test_imports.py").write_text(IMPORTS)

    def call(*reasons: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
        expected = tmp_path / "expected"
        expected.write_text("# what may be skipped\n\n" + "".join(f"{r}\n" for r in reasons))
        command = [sys.executable, "-m", "pytest", "-q", f"--expected-skips={expected}", *options]
        if options:  # of the plugins only the one that is needed: others take long to load
            command += ["-p", "xdist"]
        # a folder of its own for what it writes: at its end pytest removes those of older runs
        command += [f"--basetemp={tmp_path / 'written'}", "-p", "no:cacheprovider"]
        return subprocess.run(
            [*command, f"--rootdir={tmp_path}", str(tmp_path)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={name: os.environ[name] for name in os.environ if name != "PYTEST_ADDOPTS"}
            | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            timeout=250,
            check=False,
        )

    return call


ALL = ("no CUDA device", "no browser: *", "could not import 'not_installed_anywhere'*")


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "workers"])
def test_all_skips_are_expected(pytest_with, options):
    done = pytest_with(*ALL, options=options)
    assert done.returncode == 0, done.stdout
    assert "3 skipped" in done.stdout


NAMES = ("test_asks_for_a_gpu", "test_asks_for_a_browser", "test_imports.py")


@pytest.mark.parametrize(
    ("expected", "options"), [((), ("-n", "2")), (ALL[1:], ())], ids=["workers", "one process"]
)
def test_any_other_skip_fails_the_run_and_is_named(pytest_with, expected, options):
    done = pytest_with(*expected, options=options)
    assert done.returncode == 1, done.stdout
    lines = sorted(line for line in done.stdout.splitlines() if line.startswith("skip not expect"))
    named = sorted(name for name in NAMES if any(name in line for line in lines))
    assert len(lines) == len(named) == len(ALL) - len(expected)
    assert NAMES[0] in named
