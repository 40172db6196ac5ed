"""Every defect that the audit claims to find is planted, and found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml

import teadata
from teadata import SplitTable, catalog

from .planted import ROLES, changed, crystal, findings, store


def test_a_sound_dataset_passes(dataset):
    found = findings(dataset(crystal()))
    random = dict.fromkeys(["sign of forces", "energies and forces"], "not judged")
    expected = dict.fromkeys(found, "pass") | random
    assert {name: f.outcome for name, f in found.items()} == expected
    assert list(found) == [
        "finite values",
        "cell",
        "shortest distances",
        "duplicates",
        "roles",
        "leakage complete->complete",
        "energy outliers",
        "force outliers",
        "sign of forces",
        "energies and forces",
        "net force",
    ]
    json.dumps([vars(f) for f in found.values()], allow_nan=False)


def test_command(run):
    done = run("teadata", "audit", "mini-ii", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    checks = {check["name"]: check for check in json.loads(done.stdout)["mini-ii"]}
    assert {f"leakage {task}" for task in teadata.load("mini-ii").card.tasks} < set(checks)
    assert checks["duplicates"]["evidence"]["near"] == 0
    assert {check["outcome"] for check in checks.values()} == {"pass"}


@pytest.mark.parametrize("command", ["audit", "verify"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--all", "mini-i"], "either --all or mini-i, not both"),
        (["mini-x"], "unknown dataset 'mini-x'"),
        (["mini-i", "mini-x"], "unknown dataset 'mini-x'"),
    ],
)
def test_wrong_usage(run, command, arguments, message):
    done = run("teadata", command, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_the_command_ends_with_1_if_a_check_fails(repository, mini_i, tmp_path):
    """A copy of the package with other data beside it, as an editable install has it."""
    shutil.copytree(repository / "teadata", tmp_path / "teadata")
    root = tmp_path / "datasets"
    (root / "cards").mkdir(parents=True)
    frames = mini_i.frames[:90]
    forces = frames.forces + 1.0
    table = SplitTable({("complete", role): frames.ids[rows] for role, rows in ROLES.items()})
    card = store(changed(frames, forces=forces), table, mini_i.card, root).card
    document = yaml.safe_dump(card.model_dump(mode="json"))
    (root / "cards" / "mini-i.yaml").write_text(document, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "from teadata.cli import main; main()", "audit", "--all"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"COLUMNS": "200"},
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "FAILED" in done.stdout
    assert "Traceback" not in done.stderr


def test_importing_the_package_does_not_import_the_audit():
    code = "import sys, teadata.cli; print([m for m in sys.modules if m.startswith('teadata.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "audit" not in done.stdout
    assert catalog.__name__ not in done.stdout
