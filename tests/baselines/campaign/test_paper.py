"""The published matrix: what it is of, what it would cost, and the same on the embedded data."""

from __future__ import annotations

import json

import pytest
import yaml

from baselines.campaign import matrix
from baselines.campaign.expansion import expand
from teaeval import published


@pytest.fixture
def paper(repository, tmp_path):
    """The example, or a copy with other values."""

    def made(**values):
        content = yaml.safe_load((repository / "examples" / "paper.yaml").read_text())
        path = tmp_path / "paper.yaml"
        path.write_text(yaml.safe_dump(content | values))
        return path

    return made


@pytest.fixture
def nothing_ingested(monkeypatch, tmp_path):
    """A machine without official data."""
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path / "home"))


@pytest.fixture
def costs(run, paper, nothing_ingested):
    """What --dry-run says on a machine without official data."""

    def asked(*options):
        done = run("baselines", "campaign", "run", paper(), "--dry-run", *options)
        assert done.returncode == 0, done.stderr
        return done

    return asked


def test_the_matrix_is_the_published_one(costs):
    rows = json.loads(costs("--json").stdout)
    tasks = {
        (row["model"], row["dataset"].partition("@")[0][8:].upper(), row["train"].split("/")[0])
        for row in rows
    }
    titles = {"MACE": "mace", "SO3krates": "so3krates", "sGDML": "sgdml", "FCHL19*": "fchl",
              "SOAP/GAP": "gap"}  # fmt: skip
    stated = {(titles[e.model], e.challenge, e.train) for e in published.entries("mean")
              if e.value is not None}  # fmt: skip
    assert tasks == stated | {("physnet", "I", "complete")}
    sizes = {row["train"] for row in rows if row["model"] == "physnet"}
    assert sizes == {f"complete/train/{entry.n_train}" for entry in published.physnet()}
    assert all(row["config"].startswith("paper-") for row in rows)
    assert {row["state"] for row in rows} == {"no data"}
    simulated = [row["simulated_ns"] for row in rows if row["simulated_ns"]]
    assert simulated == pytest.approx([31.2])


def test_hours_are_published_ones_or_said_not_to_be(costs):
    rows = json.loads(costs("--json").stdout)
    hours = {(row["model"], row["dataset"].partition("@")[0], row["train"]): row["gpu_hours"]
             for row in rows}  # fmt: skip
    assert hours["so3krates", "tea2023-iv", "complete/train/all"] == pytest.approx([7.5, 7.5])
    assert hours["mace", "tea2023-i", "folded/train/200"] == [0.5, 0.5]
    assert hours["mace", "tea2023-i", "folded/train/1000"] == [0.5, 32]
    assert hours["mace", "tea2023-iii", "complete/train/all"] == [32, 32]
    silent = {row["model"] for row in rows if row["gpu_hours"] is None}
    assert silent == {"sgdml", "gap", "fchl", "physnet"}
    assert {row["gpu_hours_source"] for row in rows if row["gpu_hours"] is None} == {
        "not published"
    }


def test_what_is_missing_is_said_with_the_command_that_gets_it(costs):
    shown = costs().stdout
    for name in ("tea2023-i", "tea2023-ii", "tea2023-iii", "tea2023-iv"):
        assert f"teadata fetch {name} " in shown
    assert "104 trainings, 0 done" in shown


def test_a_run_without_the_data_says_how_to_get_them(run, paper, nothing_ingested, tmp_path):
    done = run("baselines", "campaign", "run", paper(), "--folder", tmp_path / "runs")
    assert done.returncode == 1
    assert "teadata fetch tea2023-i" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_mini_and_quick_is_on_record_here(paper, repository):
    path = paper(edition="mini", config="quick")
    found = expand(matrix.read(path), path)
    assert len(found) == 35
    text = " ".join((repository / "docs" / "campaigns.md").read_text().split())
    recorded = sum(run.seconds for run in found)
    assert (
        f"35 trainings that are all on record. Their recorded times add up to {recorded:.0f} s"
        in text
    )
    assert all(run.seconds is not None and run.plan.device == "cpu" for run in found)
    assert {run.plan.config_name for run in found} == {"quick", "quick-iv", "quick-periodic"}
    (simulated,) = [step for run in found for step in run.simulations]
    assert simulated.dataset.startswith("mini-i@")
    assert simulated.nanoseconds < 0.01


def test_sizes_that_mini_lacks_are_left_out_and_said(paper):
    small = {"models": ["gap"], "datasets": ["tea2023-ii"], "configs": ["paper-ii"]}
    path = paper(edition="mini", matrices=[small | {"sizes": [200, 400, 800]}], simulate=[])
    said: list[str] = []
    sizes = {run.plan.train.split("/")[2] for run in expand(matrix.read(path), path, said.append)}
    assert sizes == {"200", "400"}
    assert said == [
        f"left out: 800 training frames of mini-ii {subset}, which has 400"
        for subset in ("complete", "incomplete")
    ]


def test_a_part_of_it_runs_here(run, paper, tmp_path):
    """Two lines make settings for hours on official data ones for seconds on the embedded."""
    path = paper(
        edition="mini", config="quick", tests=["folded"],
        matrices=[{"models": ["sgdml"], "datasets": ["tea2023-i"], "subsets": ["folded"],
                   "configs": ["paper-i"], "sizes": [200, 400]}],
        simulate={"steps": 4800000, "replicas": 13},
        quick={"sizes": [5], "frames": 3, "bootstrap": 0,
               "simulate": {"steps": 20, "interval": 10, "checkpoint": 10, "replicas": 1}},
    )  # fmt: skip
    done = run("baselines", "campaign", "run", path, "--folder", tmp_path / "runs", "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert "3 tasks: 3 done" in done.stdout
    scores = list((tmp_path / "runs").glob("runs/*/scores/*.json"))
    shown = run("teaeval", "table", *scores, "--published")
    assert "sGDML" in shown.stdout
    assert "no ratios" in shown.stdout
