"""The benchmark from end to end, with a calculator that is quick."""

from __future__ import annotations

import json
import shutil

import pytest

import teadata
from teadata.errors import DataError, UsageError
from teaeval import cli
from teaeval.hydrogen import Protocol, make_plan, read_record, run
from teaeval.hydrogen import run as run_plan
from teaeval.md import Trajectory

STATES = ["1000K-0.5", "1000K-0.7"]
SHORT = Protocol(equilibration=10.0, length=80.0)


@pytest.fixture(scope="module")
def dataset():
    return teadata.load("mini-hydrogen")


def test_springs_are_molecules_for_ever(here, dataset):
    told = []
    plan = make_plan(dataset, "springs", calculator="springs:make", states=STATES, protocol=SHORT)
    record = run(plan, here / "out", progress=lambda *now: told.append(now))
    for result in record.states:
        assert result.status == "finished"
        assert result.observed.molecular.value > 0.95
        assert result.observed.frames == 40
        assert result.degrees_of_freedom == 3 * 32 - 3
        low, high = result.deviation.pressure.low, result.deviation.pressure.high
        assert low < result.observed.pressure.value - result.reference.pressure.value < high
        apart = result.deviation.rdf
        assert apart.value > 1.3 * apart.ceiling > 1.3 * apart.floor
    assert [t.verdict for t in record.transitions] == ["not found: molecular from 0.5 to 0.7 g/cm³"]
    assert record.errors.frames == 100
    assert record.errors.force_mae > 5
    trajectory = Trajectory(here / "out/states/1000K-0.5/trajectory.h5md")
    assert abs(trajectory.velocities.sum(axis=1)).max() < 1e-10  # the cell does not move
    assert trajectory.spacing == 2.0
    assert len(trajectory) == 46
    assert trajectory.temperatures.mean() == pytest.approx(1000, rel=0.2)
    assert told[-1][1] == told[-1][2]
    assert read_record(here / "out") == record


def test_what_is_done_is_kept_and_another_plan_refused(here, dataset):
    plan = make_plan(dataset, "springs", calculator="springs:make", states=STATES, protocol=SHORT)
    record = run(plan, here / "out")
    kept = here / "out/states/1000K-0.5/result.json"
    before = kept.stat().st_mtime_ns
    lost = here / "out/states/1000K-0.7"
    shutil.rmtree(lost)
    again = run(plan, here / "out")
    assert kept.stat().st_mtime_ns == before
    assert again.states[0] == record.states[0]
    assert again.states[1].observed == record.states[1].observed  # seeded
    # state points may be added
    fewer = plan.model_copy(update={"states": tuple(STATES[:1])})
    assert run(fewer, here / "out") == again  # the record is of all that are there
    # one that was simulated but not analysed is not simulated again
    (lost / "result.json").unlink()
    made = (lost / "trajectory.h5md").stat().st_mtime_ns
    assert run(plan, here / "out").states[1].observed == record.states[1].observed
    assert (lost / "trajectory.h5md").stat().st_mtime_ns == made
    other = make_plan(dataset, "springs", calculator="springs:make", states=STATES,
                      protocol=SHORT.model_copy(update={"seed": 7}))  # fmt: skip
    with pytest.raises(UsageError, match=r"another plan: seed 0, now 7"):
        run(other, here / "out")
    (here / "full").mkdir()
    (here / "full/thesis.tex").touch()
    with pytest.raises(UsageError, match="not a folder of a hydrogen benchmark"):
        run(plan, here / "full")
    older = json.loads(kept.read_text())
    del older["degrees_of_freedom"]
    kept.write_text(json.dumps(older))
    with pytest.raises(DataError, match=r"an earlier version made it.*counted the cell's momentum"):
        run(plan, here / "out")
    kept.write_text("{")
    with pytest.raises(DataError, match="remove this file"):
        run(plan, here / "out")


def test_a_simulation_that_breaks_shows_nothing(here, dataset):
    plan = make_plan(dataset, calculator="springs:torn", states=STATES[:1], protocol=SHORT)
    (result,) = run(plan, here / "out").states
    assert plan.label == "springs:torn"
    assert result.status == "failed"
    assert "K" in result.failure
    assert result.observed is None
    assert result.time < 90


def test_state_points_that_are_added_join_those_that_are_there(here, dataset, invoke):
    options = ("--calculator", "springs:make", "--model", "springs", "--length", "80",
               "--equilibration", "10")  # fmt: skip
    for state in reversed(STATES):
        invoke("hydrogen", *options, "--state", state)
    found = read_record(here / "hydrogen/springs")
    assert [one.state for one in found.states] == list(found.plan.states) == STATES
    assert found.transitions[0].verdict == "not found: molecular from 0.5 to 0.7 g/cm³"


def test_what_another_process_ends_meanwhile_is_in_the_record(here, dataset):
    first, second = (
        make_plan(dataset, "s", calculator="springs:make", states=[state], protocol=SHORT)
        for state in STATES
    )
    begun = []

    def meanwhile(*_):
        if not begun:
            begun.append(True)
            run(second, here / "out")

    assert [one.state for one in run(first, here / "out", progress=meanwhile).states] == STATES


def test_records_of_other_lengths_are_compared_with_a_word(here, dataset, run):
    plan = make_plan(dataset, "long", calculator="springs:make", states=STATES[:1], protocol=SHORT)
    long = run_plan(plan, here / "long")
    other = SHORT.model_copy(update={"length": 60.0})
    short = long.plan.model_copy(update={"label": "short", "protocol": other})
    (here / "short.json").write_text(long.model_copy(update={"plan": short}).model_dump_json())
    ended = run("teaeval", "hydrogen-table", here / "long", here / "short.json")
    assert ended.returncode == 0
    assert "not simulated alike: length is long 80 fs, short 60 fs" in ended.stderr


def test_a_model_without_stress_has_no_pressure(here, dataset):
    plan = make_plan(
        dataset, calculator="springs:without_stress", states=STATES[:1], protocol=SHORT
    )
    (result,) = run(plan, here / "out").states
    assert result.observed.pressure is None
    assert result.deviation.pressure is None
    assert result.observed.molecular.value > 0.9


def test_plans_that_cannot_be_run(here, dataset):
    with pytest.raises(UsageError, match="expected one of --calculator"):
        make_plan(dataset)
    with pytest.raises(UsageError, match=r"no record\.json"):
        make_plan(dataset, model=here)
    with pytest.raises(UsageError, match="that divides it"):
        make_plan(dataset, calculator="springs:make", protocol=Protocol(timestep=0.7))
    plan = make_plan(dataset, calculator="springs:failing", states=STATES[:1], protocol=SHORT)
    with pytest.raises(UsageError, match="no weights"):
        run(plan, here / "out")
    with pytest.raises(DataError, match=r"expected the record\.json"):
        read_record(here / "out")


def test_the_command_the_table_and_the_figures(here, invoke, assert_whole):
    options = ["--state", "1000K-0.5", "--state", "1000K-0.7", "--length", "80",
               "--equilibration", "10"]  # fmt: skip
    printed = invoke("hydrogen", "--calculator", "springs:make", "--model", "springs", *options)
    assert "1000K-0.7" in printed
    assert "molecular to atomic at 1000 K: not found: molecular from 0.5 to 0.7" in printed
    folder = here / "hydrogen/springs"
    assert {p.name for p in folder.iterdir()} == {
        "plan.json", "record.json", "states", "hydrogen.png", "hydrogen.csv", "rdf.png", "rdf.csv",
    }  # fmt: skip
    again = invoke("hydrogen", "--calculator", "springs:make", "--model", "springs", *options)
    assert again == f"hydrogen/springs: these state points were simulated before\n{printed}"
    data = teadata.load("mini-hydrogen")
    plan = make_plan(
        data, "other", calculator="springs:without_stress", states=STATES, protocol=SHORT
    )
    record = run(plan, here / "hydrogen/other")
    assert record.states[0].observed.rdf == read_record(folder).states[0].observed.rdf
    both = [folder, here / "hydrogen/other"]
    rows = json.loads(invoke("hydrogen-table", *both, "--json"))
    assert [row["model"] for row in rows] == ["springs", "other", "reference"]
    assert rows[1]["ΔP/GPa"] == "–"
    assert invoke("hydrogen-table", *both, "--markdown").count("\n") == 5
    assert_whole(cli.app, "hydrogen-table", *both)
    table = record.to_pandas()
    assert table["state"].tolist() == list(STATES)
    assert table["pressure"].isna().all()
    assert "\n" not in repr(record)
    invoke("plot", "hydrogen", *both, "-o", here / "both.svg")
    invoke("plot", "hydrogen", *both, "--rdf", "-o", here / "rdf.svg")
    lines = (here / "both.csv").read_text().splitlines()
    assert len(lines) == 1 + 2 * 3 * 4 - 2  # two densities, three series, no pressure in one
    with pytest.raises(UsageError, match="two records are of 'springs'"):
        invoke("hydrogen-table", folder, folder)
    with pytest.raises(UsageError, match="less than twice"):
        invoke("hydrogen", "--calculator", "springs:make", "--length", "20")


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same(here, dataset):
    from distributed import LocalCluster

    plan = make_plan(dataset, calculator="springs:make", states=STATES, protocol=SHORT)
    here_and_now = run(plan, here / "one")
    with LocalCluster(
        n_workers=1, threads_per_worker=2, dashboard_address=":0", host="127.0.0.1"
    ) as cluster:
        far = run(plan, here / "two", scheduler=cluster.scheduler_address)
    assert [r.observed for r in far.states] == [r.observed for r in here_and_now.states]


@pytest.mark.slow
def test_processes_and_a_killed_run_give_the_same(here, run):
    import os
    import signal
    import subprocess
    import sys
    import time
    from pathlib import Path

    common = ["--calculator", "springs:make", "--model", "springs", "--state", "1000K-0.5",
              "--state", "1000K-0.7", "--length", "2000"]  # fmt: skip
    done = run("teaeval", "hydrogen", *common, "-o", "one", cwd=here)
    assert done.returncode == 0, done.stderr
    done = run("teaeval", "hydrogen", *common, "-o", "two", "--jobs", "2", cwd=here)
    assert done.returncode == 0, done.stderr
    command = Path(sys.executable).parent / "teaeval"
    killed = subprocess.Popen([command, "hydrogen", *common, "-o", "three"], cwd=here)
    checkpoint = here / "three/states/1000K-0.5/checkpoint.npz"
    while not checkpoint.exists() and killed.poll() is None:
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not (here / "three/record.json").exists()
    assert run("teaeval", "hydrogen", *common, "-o", "three", cwd=here).returncode == 0
    first, second, third = (read_record(here / name) for name in ("one", "two", "three"))
    for a, b, c in zip(first.states, second.states, third.states, strict=True):
        assert a.observed == b.observed == c.observed
