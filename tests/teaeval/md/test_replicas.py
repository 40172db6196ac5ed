"""Several simulations: plans, batches, analysis, scores, the report, the command."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import tomllib
from importlib.metadata import EntryPoint

import numpy as np
import pytest

import teadata
import teaeval
from teadata import plugins
from teadata.errors import DataError, PathError, UsageError
from teaeval import calculators, md
from teaeval.md import record
from teaeval.md.plan import check_owner

from .conftest import same


def plan_of(settings, replicas=3, **options):
    return md.make_plan(teadata.load("mini-i"), "folded", settings, replicas, **options)


def test_replicas_differ_and_can_be_repeated(simulated, mini_i):
    plan = json.loads((simulated / "plan.json").read_text())
    frames = [replica["frame"] for replica in plan["replicas"]]
    assert len(set(frames)) == 2
    assert set(frames) <= set(mini_i.split("folded/test").ids)
    runs = [md.Trajectory(simulated / f"replica-{i}/trajectory.h5md") for i in range(2)]
    start = mini_i.split("folded/test").select(frames)
    for run, positions in zip(runs, start.positions, strict=True):
        np.testing.assert_array_equal(run.positions[0], positions)
    assert not np.array_equal(runs[0].velocities[0], runs[1].velocities[0])
    assert plan_of(md.Settings(), calculator="x:y") == plan_of(md.Settings(), calculator="x:y")


def test_together_is_the_same_as_one_by_one(calculators, tmp_path):
    settings = md.Settings(steps=40, interval=10, checkpoint=20)
    one = plan_of(settings, calculator="cheap:Batch")
    md.run(one, tmp_path / "one")
    calculators.Batch.asked = 0
    md.run(one.model_copy(update={"together": True}), tmp_path / "all")
    assert calculators.Batch.asked < 50  # 40 steps, and what it takes to begin
    for i in range(3):
        a, b = (
            md.Trajectory(tmp_path / how / f"replica-{i}/trajectory.h5md").positions
            for how in ("one", "all")
        )
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)  # but for units of its answers
    with pytest.raises(UsageError, match="no predict"):
        md.run(plan_of(settings, calculator="cheap:Tied", together=True), tmp_path / "tied")


def test_one_that_fails_does_not_stop_the_others(calculators, tmp_path):
    class Fails(calculators.Batch):
        def predict(self, frames):
            energies, forces = super().predict(frames)
            if not hasattr(self, "first"):
                self.first = frames.positions[1].copy()
            away = np.abs(frames.positions - self.first).max(axis=(1, 2))
            forces[away < 0.3] *= 1e6
            return energies, forces

    calculators.Fails = Fails
    plan = plan_of(md.Settings(steps=40, interval=10, checkpoint=20), calculator="cheap:Fails")
    found = md.run(plan.model_copy(update={"together": True}), tmp_path / "all")
    assert [outcome.status for outcome in found] == ["finished", "failed", "finished"]


def test_simulations_join_scores_and_reports(simulated, invoke, prediction_file, tmp_path):
    invoke("md", "analyse", simulated, "--discard", "0", "--bootstrap", "20", "--observable",
           "gyration", "-o", tmp_path / "rg.svg")  # fmt: skip
    file = simulated / "md.json"
    text = invoke("score", prediction_file, "--bootstrap", "0", "--md", file, "-o",
                  tmp_path / "score.json")  # fmt: skip
    assert "simulations with Tied: NVT, langevin, 300 K, friction 0.001 1/fs, 0.5 fs" in text
    score = teaeval.Score.model_validate_json((tmp_path / "score.json").read_text())
    assert score.simulations == [record.read(file)]
    assert "all as" in invoke("verify", tmp_path / "score.json", "--prediction", prediction_file)
    other = score.simulations[0].model_copy(update={"dataset": "mini-ii@1.0.0"})
    with pytest.raises(UsageError, match="expected the same dataset"):
        score.with_simulations([other])
    invoke("report", prediction_file, "--bootstrap", "0", "--worst", "1", "--md", file, "-o",
           tmp_path / "r.html")  # fmt: skip
    page = (tmp_path / "r.html").read_text()
    section = re.search(r'<section id="simulations">.*?</section>', page, re.DOTALL).group()
    assert "0 of 2 replicas unstable" in section
    # survival and what was sampled, each as a table and as a figure, and radii
    assert section.count("<figure") == 5
    assert "survival: 100% of the replicas last 0.1 ps" in section
    assert 'href="#simulations"' in page
    invoke("plot", "gyration", file, simulated, "-o", tmp_path / "both.svg")
    lines = (tmp_path / "both.csv").read_text().splitlines()[1:]
    assert len({line.split(",")[0].strip('"') for line in lines}) >= 2
    edited = tmp_path / "other.json"
    stated = record.read(file).frames_sha256
    edited.write_text(file.read_text().replace(stated, "1" * 64))
    with pytest.raises(UsageError, match=f"SHA-256 {stated} in .* and {'1' * 64} in "):
        invoke("plot", "gyration", file, edited, "-o", tmp_path / "no.svg")


def test_simulations_that_have_ended_are_not_repeated(simulated, invoke):
    written = (simulated / "replica-0/trajectory.h5md").stat().st_mtime_ns
    said = invoke("md", "resume", simulated)
    assert f"{simulated}: these simulations have ended before; nothing was done" in said
    assert (simulated / "replica-0/trajectory.h5md").stat().st_mtime_ns == written


def test_the_command(calculators_folder, calculators, invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(calculators_folder)
    start = ("md", "run", "mini-i", "--subset", "folded", "--steps", "2000", "--json")
    start += ("--replicas", "1", "-o", tmp_path / "torn")
    with pytest.raises(SystemExit, match="1"):
        invoke(*start, "--calculator", "cheap:Torn")
    kept = md.Outcome.read(tmp_path / "torn/replica-0")
    assert kept.failure.atoms == (0, 1)
    with pytest.raises(UsageError, match="another plan"):
        invoke(*start, "--calculator", "cheap:Tied")
    for options, message in (
        (
            ("--calculator", "cheap:Tied", "--thermostat", "ice"),
            "--thermostat: expected .langevin.*, found .ice",
        ),
        (("--calculator", "cheap:Tied", "--interval", "7"), "not a multiple of interval"),
        (("--calculator", "cheap:Tied", "--replicas", "9999"), "expected 1 to 2500"),
        (
            (
                "--calculator",
                "cheap:nothing",
            ),
            "has no nothing",
        ),
        (
            (
                "--calculator",
                "cheap:START",
            ),
            "expected a function or class that makes a calculator",
        ),
        ((), "expected one of --calculator"),
        (("--run", str(tmp_path)), "is not a run folder|entry point"),
        (("--run", "nowhere"), "no such folder"),
        (("--calculator", "cheap:Tied", "--device", "cuda"), "--device is for --run"),
    ):
        where = ("-o", tmp_path / "other")
        with pytest.raises((UsageError, PathError), match=message):
            invoke("md", "run", "mini-i", "--subset", "folded", *options, *where)
        assert not (tmp_path / "other").exists()


def test_run_folders_are_found_by_entry_points(repository, monkeypatch, tmp_path):
    """As pyproject.toml states them: the metadata of an installation may be older."""
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    stated = project["project"]["entry-points"][calculators.GROUP]
    points = [EntryPoint(name, value, calculators.GROUP) for name, value in stated.items()]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points)
    plugins.loaded.cache_clear()
    with pytest.raises(UsageError, match="is not a run folder that baselines knows"):
        calculators.find_calculator(model=tmp_path)
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(DataError, match="record"):
        calculators.find_calculator(model=tmp_path)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [])
    plugins.loaded.cache_clear()
    with pytest.raises(UsageError, match="no installed package has an entry point"):
        calculators.find_calculator(model=tmp_path)
    monkeypatch.undo()
    plugins.loaded.cache_clear()


@pytest.mark.slow
def test_replicas_in_processes(calculators_folder, run, tmp_path):
    command = ["md", "run", "mini-i", "--subset", "folded", "--calculator", "cheap:Tied"]
    command += ["--replicas", "3", "--steps", "100", "--interval", "10", "--checkpoint", "20"]
    for jobs in ("1", "2"):
        done = run("teaeval", *command, "--jobs", jobs, "-o", tmp_path / jobs,
                   cwd=calculators_folder)  # fmt: skip
        assert done.returncode == 0, done.stderr
    for i in range(3):
        name = f"replica-{i}/trajectory.h5md"
        assert same(tmp_path / "1" / name, tmp_path / "2" / name)
    done = run("teaeval", *command, "--jobs", "2", "--calculator", "cheap:nothing", "-o",
               tmp_path / "3", cwd=calculators_folder)  # fmt: skip
    assert done.returncode == 2


def test_code_that_anothers_plan_names_is_not_run(calculators_folder, run, tmp_path, monkeypatch):
    folder = tmp_path / "theirs"
    command = ["md", "run", "mini-i", "--subset", "folded", "--calculator", "cheap:Tied"]
    command += ["--replicas", "1", "--steps", "20", "--interval", "10", "--checkpoint", "20"]
    done = run("teaeval", *command, "--monitors", "none", "-o", folder, cwd=calculators_folder)
    assert done.returncode == 0, done.stderr
    done = run("teaeval", "md", "resume", folder, cwd=calculators_folder)
    assert "its plan names the calculator cheap:Tied" in done.stderr
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    with pytest.raises(UsageError, match=f"belongs to another user .number {owner}."):
        check_owner(folder)


def test_a_calculator_in_another_unit_is_refused_before_it_is_simulated(tmp_path, monkeypatch, run):
    (tmp_path / "wrong.py").write_text(
        "import numpy as np, teadata\n"
        "from ase.calculators.calculator import Calculator\n"
        "test = teadata.load('mini-i').split('folded/test')\n"
        "class make(Calculator):\n"
        "    implemented_properties = ['energy', 'forces']\n"
        "    def calculate(self, atoms=None, properties=None, changes=None):\n"
        "        super().calculate(atoms, properties, changes)\n"
        "        near = np.abs(test.positions - self.atoms.positions).sum(axis=(1, 2)).argmin()\n"
        "        self.results = {'energy': test.energies[near], 'forces': test.forces[near]}\n"
    )
    call = ["teaeval", "md", "run", "mini-i", "--subset", "folded", "--steps", "2"]
    call += ["--interval", "1", "--checkpoint", "2", "--replicas", "1", "-o", "out"]
    done = run(*call, "--calculator", "wrong:make", cwd=tmp_path)
    assert done.returncode == 1
    assert "as values in kcal/mol/Å have that were taken for eV/Å" in done.stderr
    assert not (tmp_path / "out").exists()
    lines = done.stderr.splitlines()
    start = next(i for i, line in enumerate(lines) if "Write units.py" in line)
    (tmp_path / "units.py").write_text(
        "\n".join(line.strip() for line in lines[start + 1 : start + 3])
    )
    mended = run(*call, "--calculator", "units:make", cwd=tmp_path)
    assert "were taken for" not in mended.stderr
    assert (tmp_path / "out").is_dir()
