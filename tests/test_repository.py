"""The repository's own promises: versions, citation, README, examples."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml

import baselines
import teadata
import teaeval


@pytest.fixture(scope="module")
def pyproject(repository: Path) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def project(pyproject) -> dict:
    return pyproject["project"]


def test_one_version_everywhere(repository, project):
    version = project["version"]
    assert teadata.__version__ == teaeval.__version__ == baselines.__version__ == version
    citation = yaml.safe_load((repository / "CITATION.cff").read_text())
    assert citation["version"] == version
    changes = (repository / "CHANGELOG.md").read_text()
    released = dict(re.findall(r"^## \[([\d.]+)\] - (\S+)$", changes, flags=re.MULTILINE))
    assert released[version] == str(citation["date-released"])


def test_citation_file_is_valid(repository):
    command = [str(Path(sys.executable).parent / "cffconvert"), "--validate"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=repository, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_readme_opens_with_the_two_commands_that_ci_runs(repository):
    text = (repository / "README.md").read_text()
    commands = re.findall(r"^\d\. `(python -m pip install .*)`$", text, flags=re.MULTILINE)
    assert commands == [
        "python -m pip install . && teaeval score examples/mini-i_folded_sgdml.npz",
        'python -m pip install -e ".[test]" -c constraints.txt && pytest -n auto',
    ]


def test_core_is_tested_on_every_python_that_it_is_said_to_run_on(repository, project):
    text = (repository / ".github" / "workflows" / "ci.yml").read_text()
    matrix = yaml.safe_load(text)["jobs"]["core"]["strategy"]["matrix"]
    start = "Programming Language :: Python :: "
    said = [line.removeprefix(start) for line in project["classifiers"] if line.startswith(start)]
    assert set(said) <= set(matrix["python"])
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos"}
    assert [job["versions"] for job in matrix["include"]] == ["lowest-direct"]


def test_tests_that_the_core_leaves_out_are_there(repository):
    for line in (repository / ".ci" / "needs-extras").read_text().splitlines():
        if line and not line.startswith("#"):
            path, _, name = line.partition("::")
            assert (repository / path).exists(), line
            if name:
                assert f"def {name.partition('[')[0]}" in (repository / path).read_text(), line


def test_the_group_of_test_tools_is_part_of_the_extra(pyproject, project):
    tools = set(pyproject["dependency-groups"]["test"]) - {"packaging>=24"}
    assert tools <= set(project["optional-dependencies"]["test"])


def test_constraints_satisfy_the_dependencies(repository, pyproject, project):
    from packaging.requirements import Requirement

    pinned = dict(
        line.split("==")
        for line in (repository / "constraints.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    )
    pinned = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pinned.items()}
    # nothing here was tested on a GPU
    extras = {n: v for n, v in project["optional-dependencies"].items() if n[:4] != "cuda"}
    lists = [project["dependencies"], *extras.values()]
    lists += pyproject["dependency-groups"].values()
    for text in (item for items in lists for item in items if isinstance(item, str)):
        requirement = Requirement(text)
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name != "tea-benchmark":
            assert requirement.specifier.contains(pinned[name]), text


def test_links_of_the_documents_lead_somewhere(repository):
    documents = [*repository.glob("*.md"), *(repository / "docs").rglob("*.md")]
    assert len(documents) > 4
    for document in documents:
        for target in re.findall(r"\]\(([^)#\s]+)", document.read_text()):
            if not target.startswith("http"):
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_example_prediction_is_sgdmls_and_scores(repository):
    path = repository / "examples" / "mini-i_folded_sgdml.npz"
    prediction = teaeval.read_prediction(path)
    assert prediction.model == "sGDML"
    assert prediction.train == "folded/train/500"
    score = teaeval.score(prediction)
    assert score.warnings == []
    # a model that has learned
    assert 0 < score.row("F").mae_percent_mean < 15
    assert np.isfinite([row.max for row in score.rows]).all()


def test_example_traces_back_to_its_training_record(repository):
    from baselines.runs.record import TrainingRecord
    from teadata.provenance import sha256

    record_file = repository / "examples" / "mini-i_folded_sgdml.record.json"
    prediction = teaeval.read_prediction(repository / "examples" / "mini-i_folded_sgdml.npz")
    assert prediction.record == sha256(record_file)
    record = TrainingRecord.read(record_file)
    card = teadata.load("mini-i").card
    assert record.plan.frames_sha256 == card.file("frames").sha256
    assert record.plan.splits_sha256 == card.file("splits").sha256
    assert record.plan.train == prediction.train


def test_make_alone_lists_what_there_is_to_make(repository):
    if shutil.which("make") is None:
        pytest.skip("no make")
    done = subprocess.run(["make"], capture_output=True, text=True, cwd=repository, check=True)
    targets = [line.split()[0] for line in done.stdout.splitlines()]
    names = ["help", "test", "lint", "docs", "linkcheck", "figures", "gallery", "bench"]
    names += ["gpu", "clean"]
    assert targets == names
    rules = (repository / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", rules, flags=re.MULTILINE) for target in targets)
