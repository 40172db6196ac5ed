"""A change to what users get needs a line in the changelog."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository with a branch ``work`` that left ``main``."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Someone")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "someone@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    (tmp_path / "teaeval").mkdir()
    (tmp_path / "teaeval" / "code.py").write_text("a = 1\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n- One.\n")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path, "Start")
    git(tmp_path, "checkout", "--quiet", "-b", "work")
    return tmp_path


@pytest.fixture
def check(repository: Path, checkout: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    def call(*base: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(repository / ".ci" / "changelog"), *base],
            capture_output=True,
            text=True,
            cwd=checkout,
            check=False,
        )

    return call


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True)


def commit(folder: Path, message: str) -> None:
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", message)


def test_a_change_without_a_line_fails_and_is_named(checkout, check):
    (checkout / "teaeval" / "code.py").write_text("a = 2\n")
    commit(checkout, "Two")
    done = check("main")
    assert done.returncode == 1
    assert "teaeval/code.py" in done.stderr
    assert "[Unreleased]" in done.stderr


def test_a_line_that_is_only_taken_away_does_not_count(checkout, check):
    (checkout / "teaeval" / "code.py").write_text("a = 2\n")
    (checkout / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n")
    assert check("main").returncode == 1


def test_a_change_with_a_line_passes_committed_or_not(checkout, check):
    (checkout / "teaeval" / "code.py").write_text("a = 2\n")
    (checkout / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n- One.\n- Two.\n")
    assert check("main").returncode == 0
    commit(checkout, "Two")
    assert check("main").returncode == 0


def test_what_users_do_not_get_needs_no_line(checkout, check):
    (checkout / "tests").mkdir()
    (checkout / "tests" / "test_code.py").write_text("")
    commit(checkout, "A test")
    assert check("main").returncode == 0


def test_a_change_that_no_user_notices_says_so(checkout, check):
    (checkout / "teaeval" / "code.py").write_text("a = 1  # one\n")
    commit(checkout, "A comment\n\nChangelog: none")
    assert check("main").returncode == 0


def test_changes_of_the_base_since_then_are_not_counted(checkout, check):
    git(checkout, "checkout", "--quiet", "main")
    (checkout / "teaeval" / "code.py").write_text("a = 3\n")
    commit(checkout, "Three")
    git(checkout, "checkout", "--quiet", "work")
    assert check("main").returncode == 0


@pytest.mark.parametrize("base", [(), ("--help",), ("main", "work"), ("nowhere",)])
def test_wrong_usage_ends_with_2_and_no_traceback(check, base):
    done = check(*base)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
