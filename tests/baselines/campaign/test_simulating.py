"""Simulations as tasks of a campaign: killed, gone on with, and taken by `teaeval`."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from baselines.campaign import matrix
from baselines.campaign.expansion import expand
from teadata import TeaError
from teaeval.md import Trajectory

SIMULATE = {
    "subsets": ["1000K-0.5"], "temperatures": [1000], "monitors": [], "replicas": 2,
    "steps": 120, "interval": 10, "checkpoint": 20, "discard": 0,
}  # fmt: skip

OPTIONS = [
    "--subset", "1000K-0.5", "--temperature", 1000, "--monitors", "none", "--replicas", 2,
    "--steps", 120, "--interval", 10, "--checkpoint", 20,
]  # fmt: skip


@pytest.fixture
def hydrogen_file(campaign_file):
    """A campaign of a potential that is trained in a second, and simulates."""

    def write(**values):
        usual = {
            "models": ["yukawa"], "datasets": ["mini-hydrogen"], "subsets": ["complete"],
            "sizes": [8], "configs": ["quick"], "tests": ["1000K-0.5"], "resources": None,
        }  # fmt: skip
        return campaign_file(**(usual | values))

    return write


def test_simulations_go_on_after_a_kill_and_are_those_of_md_run(run, hydrogen_file, tmp_path):
    path, folder = hydrogen_file(simulate=SIMULATE), tmp_path / "folder"
    command = ["campaign", "run", str(path), "--folder", str(folder), "--jobs", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "baselines", *command],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        end = time.monotonic() + 200
        while not list(folder.glob("runs/*/md/*/replica-0/checkpoint.npz")):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait(60)
    done = run("baselines", *command)
    assert done.returncode == 0, done.stderr
    assert "3 tasks: 3 done" in done.stdout
    (simulations,) = folder.glob("runs/*/md/*")
    again = run("teaeval", "md", "run", "mini-hydrogen", *OPTIONS, "--run", simulations.parents[1],
                "-o", tmp_path / "md")  # fmt: skip
    assert again.returncode == 0, again.stderr
    for replica in ("replica-0", "replica-1"):
        ours, theirs = (Trajectory(place / replica / "trajectory.h5md")
                        for place in (simulations, tmp_path / "md"))  # fmt: skip
        np.testing.assert_array_equal(ours.positions, theirs.positions)
    rows = json.loads(
        run("baselines", "campaign", "table", path, "--folder", folder, "--json").stdout
    )
    assert [row["step"].split("-")[0] for row in rows] == ["score", "md"]
    assert (rows[1]["unstable"], rows[1]["stable_ps"]) == (0, pytest.approx(0.12))
    laid_out = run("teaeval", "md", "table", rows[1]["file"])
    assert laid_out.returncode == 0, laid_out.stderr
    assert "Yukawa" in laid_out.stdout


def test_what_is_asked_for_decides_whether_simulations_are_analysed_again(run, hydrogen_file):
    """Trajectories stay; observables that were taken out leave the record, too."""
    short = SIMULATE | {"replicas": 1, "steps": 40}
    records = []
    for asked in (
        {"observables": ["radial", "forces"], "bootstrap": 20},
        {"observables": ["radial"], "bootstrap": 20},
        {"observables": ["radial"], "bootstrap": 30},
        {"observables": ["radial"], "bootstrap": 30},
    ):
        path = hydrogen_file(simulate=short | asked)
        done = run("baselines", "campaign", "run", path, "--folder", path.parent / "it")
        assert done.returncode == 0, done.stdout + done.stderr
        (file,) = path.parent.glob("it/runs/*/md/*/md.json")
        records.append((json.loads(file.read_text()), file.stat().st_mtime_ns))
    (both, _), (one, _), (more, third), (_, fourth) = records
    assert both["asked"] == {"bootstrap": 20, "observables": ["forces", "radial"]}
    assert one["asked"] == {"bootstrap": 20, "observables": ["radial"]}
    assert {item["observable"] for item in one["observables"]} <= {"radial"}
    assert more["asked"]["bootstrap"] == 30
    assert third == fourth
    digests = [record["replicas"][0]["trajectory_sha256"] for record, _ in records]
    assert len(set(digests)) == 1


def test_another_setting_is_another_simulation_of_the_same_model(hydrogen_file):
    one, other = (
        expand(matrix.read(path), path)[0]
        for path in (
            hydrogen_file(name=f"{steps}.yaml", simulate=SIMULATE | {"steps": steps})
            for steps in (120, 130)
        )
    )
    assert one.name == other.name
    assert one.simulations[0].name != other.simulations[0].name
    path = hydrogen_file(simulate=SIMULATE | {"discard": 0.1})
    assert expand(matrix.read(path), path)[0].simulations[0].name == one.simulations[0].name
    path = hydrogen_file(simulate=SIMULATE | {"temperatures": [300, 500], "replicas": 3})
    (run,) = expand(matrix.read(path), path)
    kelvins = [step.settings.temperature for step in run.simulations]
    assert kelvins == [300, 500]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"simulate": {"timestep": -1}}, "simulate 1: timestep"),
        ({"simulate": {"subsets": ["fold"]}}, "simulate 1: unknown subset"),
        ({"simulate": {"replicas": 100000}}, "expected 1 to"),
        ({"simulate": {"observables": ["ramachandra"]}}, "did you mean 'ramachandran'"),
        ({"simulate": {"thermostat": "nose"}}, "simulate 1: thermostat"),
        ({"simulate": {"engine": "torch"}}, "simulate 1: unknown engine"),
        ({"simulate": {"engine": "torch-sim"}}, "simulate 1: engine torch-sim takes no Yukawa"),
        ({"simulate": {"only": [{"model": "gap"}]}}, "simulate 1: only 1: no training has it all"),
        ({"hydrogen": {"states": ["1000K"]}}, "hydrogen: unknown state point"),
        ({"hydrogen": {"length": 10}}, "hydrogen: .*length 10 fs"),
        (
            {
                "models": ["sgdml"],
                "datasets": ["mini-i"],
                "subsets": ["folded"],
                "sizes": [10],
                "tests": ["folded"],
                "hydrogen": {},
            },
            "hydrogen: no training is on mini-hydrogen; leave the section out, or say of which",
        ),
    ],
)
def test_what_cannot_be_simulated_is_refused_before_anything_runs(hydrogen_file, values, message):
    path = hydrogen_file(**values)
    with pytest.raises(TeaError, match=message):
        expand(matrix.read(path), path)


def test_the_engine_of_simulations_is_chosen_and_makes_others_of_them(campaign_file):
    pytest.importorskip("torch_sim")
    values = {"models": ["mace"], "subsets": ["folded"], "sizes": [20], "configs": ["quick"],
              "resources": None}  # fmt: skip
    plain, ase, batch = (
        expand(matrix.read(path), path)[0].simulations[0]
        for path in (
            campaign_file(f"{place}.yaml", **values, simulate=simulate)
            for place, simulate in enumerate([{}, {"engine": "ase"}, {"engine": "torch-sim"}])
        )
    )
    assert batch.engine == "torch-sim"
    assert plain.name == ase.name != batch.name
