"""Simulations at several temperatures, and several models beside each other."""

from __future__ import annotations

import json

import pytest

from teadata.errors import DataError, UsageError
from teaeval import md
from teaeval.md import comparison, record
from teaeval.md.outcome import Failure
from teaeval.plots import gyration


def test_temperatures_in_one_command(
    calculators_folder, calculators, invoke, tmp_path, monkeypatch
):
    monkeypatch.chdir(calculators_folder)
    start = ("md", "run", "mini-i", "--subset", "folded", "--calculator", "cheap:Tied")
    start += ("--steps", "40", "--interval", "10", "--checkpoint", "40", "--replicas", "2")
    both = (*start, "--temperature", "300", "--temperature", "500", "-o", tmp_path / "md")
    found = json.loads(invoke(*both, "--json"))
    assert [*found] == [str(tmp_path / "md" / state) for state in ("300K", "500K")]
    assert all(len(outcomes) == 2 for outcomes in found.values())
    temperatures = {
        path.name: md.Outcome.read(path / "replica-0").settings.temperature
        for path in (tmp_path / "md").iterdir()
    }
    assert temperatures == {"300K": 300, "500K": 500}
    assert "500K: these simulations have ended before" in invoke("md", "resume", tmp_path / "md")
    said = invoke("md", "analyse", tmp_path / "md")
    assert said.count("no frame is left to analyse: the first 2 ps of each replica") == 2
    with pytest.raises(UsageError, match=r"none was stable for longer than 0.02 ps; simulate"):
        invoke("plot", "gyration", tmp_path / "md/300K/md.json", "-o", tmp_path / "rg.svg")
    records = record.read_all([tmp_path / "md"])
    assert [one.settings.temperature for one in records] == [300, 500]
    with pytest.raises(UsageError, match="--temperature 300 is given twice"):
        invoke(*start, "--temperature", "300", "--temperature", "300", "-o", tmp_path / "x")
    with pytest.raises(UsageError, match="holds simulations at one temperature, and 2 were given"):
        invoke(*both[:-2], "-o", tmp_path / "md/300K")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no folder of simulations"):
        invoke("md", "analyse", tmp_path / "empty")


@pytest.fixture(scope="module")
def good(simulated) -> record.Simulations:
    """The record of four replicas that lasted for 10 ps."""
    found = md.analyse(simulated, discard=0, replicates=20, observables=["gyration"])
    settings = found.settings.model_copy(update={"steps": 20_000})
    changes = {"time": 10.0, "stable_time": 10.0}
    lasting = [
        found.replicas[0].model_copy(update=changes | {"trajectory_sha256": f"good {i}"})
        for i in range(4)
    ]
    return found.model_copy(update={"settings": settings, "replicas": lasting})


@pytest.fixture(scope="module")
def bad(good) -> record.Simulations:
    """The record of a model whose replicas lose a bond, all but one the same."""
    replicas = []
    for i, names in enumerate([("C4", "O17"), ("C4", "O17"), ("C4", "O17"), ("N1", "C2")]):
        time = 1.0 + i
        failure = Failure(
            kind="broken", time=time, noticed=time + 0.05, message=f"bond {i}", names=names
        )
        changes = {"status": "failed", "time": time, "stable_time": time, "failure": failure,
                   "trajectory_sha256": f"bad {i}"}  # fmt: skip
        replicas.append(good.replicas[0].model_copy(update=changes))
    return good.model_copy(update={"name": "Torn", "replicas": replicas})


def test_what_broke_and_which_model_lasts(good, bad, invoke, tmp_path):
    first, second = bad.broken
    assert (first.place, first.replicas, first.times) == ("C4–O17", [0, 1, 2], [1, 2, 3])
    assert (second.place, second.message) == ("N1–C2", "bond 3")
    (compared,) = comparison.tests([good, bad])
    assert compared.labels == ("Tied", "Torn")
    assert compared.test.p == pytest.approx(2 / 70)
    files = []
    for one in (good, bad):
        files.append(tmp_path / f"{one.name}.json")
        files[-1].write_text(one.model_dump_json())
    table = invoke("md", "table", *files, "--format", "markdown")
    assert "broken: C4–O17 | 3 of 4 | 1, 2, 3" in table
    assert "| Tied / Torn |" in table
    assert "0.0286" in table
    data = json.loads(invoke("md", "table", *files, "--json"))
    assert data["simulations"][1]["survival"]["share"] == [0.75, 0.5, 0.25, 0]
    assert data["simulations"][1]["survival"]["median"] == 2
    assert len(invoke("md", "table", *files, "--csv").splitlines()) == 9
    invoke("plot", "survival", *files, "-o", tmp_path / "s.svg")
    rows = (tmp_path / "s.csv").read_text().splitlines()
    assert ",Tied,0.0,1.0,0.39763" in rows[1]  # 4 of 4
    assert len(rows) == 1 + 2 + 6


def test_more_models_and_states(good, bad):
    warm = good.settings.model_copy(update={"temperature": 500.0})
    warmer = good.model_copy(update={"settings": warm})
    found = comparison.tests([good, bad, bad, warmer])
    assert [len(one.labels) for one in found] == [3, 2, 2, 2]
    assert found[0].labels == ("Tied", "Torn #1", "Torn #2")
    assert comparison.tests([good, warmer]) == []
    slow = good.settings.model_copy(update={"timestep": 0.25, "steps": 40_000})
    states = comparison.by_state([good, bad, good.model_copy(update={"settings": slow})])
    assert [state.rpartition(", ")[2] for state in states] == ["0.5 fs", "0.25 fs"]
    assert [len(members) for members in states.values()] == [2, 1]


def test_what_was_watched_for_other_things_is_not_compared(good, bad, invoke, tmp_path):
    blind = good.settings.model_copy(update={"monitors": ("temperature",)})
    unwatched = good.model_copy(update={"settings": blind, "name": "Blind"})
    assert comparison.tests([bad, unwatched]) == []
    later = bad.settings.model_copy(update={"persistence": 500.0})
    patient = bad.model_copy(update={"settings": later})
    assert [state.partition(", 300 K")[2] for state in comparison.by_state([bad, patient])] == [
        ", watched for topology and temperature and escape",
        ", watched for topology and temperature and escape, persistence 500",
    ]
    (tmp_path / "md.json").write_text(unwatched.model_dump_json())
    table = invoke("md", "table", tmp_path, "--markdown")
    assert "Blind: not watched for topology, escape (--monitors): a replica that fails" in table


def test_the_same_simulations_twice_are_no_two_samples(good, invoke, tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(good.model_dump_json())
    for files in (("a.json", "a.json"), ("a.json", "b.json")):
        with pytest.raises(UsageError, match=r"replica 0 of .* is the same simulation as replica"):
            invoke("md", "table", *(tmp_path / name for name in files))
    with pytest.raises(UsageError, match="give each record once"):
        invoke("plot", "survival", *[tmp_path / "a.json"] * 2, "-o", tmp_path / "s.svg")


def test_distances_from_different_references_have_no_best(good):
    from teaeval.tables.simulations import sampled

    (one,) = good.observables
    nearer = one.distances[0].model_copy(update={"value": 0.001, "low": 0.0})
    changes = {"distances": [nearer, *one.distances[1:]]}
    near = good.model_copy(update={"name": "Near", "observables": [one.model_copy(update=changes)]})
    (grid,) = sampled([good, near])
    assert [cell.best for cell in grid.rows[0].cells] == [False, False, False, True, False, False]
    other = one.model_copy(update=changes | {"reference": "2 simulations by DFT"})
    own = near.model_copy(update={"observables": [other], "discard": 2.0})
    (grid,) = sampled([good, own])
    assert not any(cell.best for row in grid.rows for cell in row.cells)
    told = "Near with 2 simulations by DFT. So no distance is the best"
    assert any(told in note for note in grid.notes)
    assert any("left out at the start: Tied 0 ps; Near 2 ps" in note for note in grid.notes)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("stable_time", -3.0, r"replicas\.1\.stable_time: expected 0 or more, found -3\.0"),
        ("time", "nan", r"replicas\.1\.time: expected a finite number, found 'nan'"),
        ("temperature", "nan", r"replicas\.1\.temperature: nan, expected a finite number"),
        (
            "stable_time",
            11.0,
            r"replicas\.1\.stable_time: 11 ps, expected at most its time of 10 ps",
        ),
        ("status", "lost", r"replicas\.1\.status: expected 'finished', .*, found 'lost'"),
        ("steps", -1, r"replicas\.1\.steps: expected 0 or more, found -1"),
    ],
)
def test_a_wrong_time_names_the_file_and_the_replica(good, invoke, tmp_path, field, value, said):
    content = good.model_dump(mode="json")
    content["replicas"][1][field] = value
    (tmp_path / "bad.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=rf"bad\.json: not a record of simulations: .*{said}"):
        invoke("md", "table", tmp_path / "bad.json")


def test_what_was_not_finite_is_named(good, invoke, tmp_path):
    def failing(message):
        return good.replicas[0].model_copy(
            update={
                "status": "failed",
                "failure": Failure(kind="not finite", time=1.0, noticed=1.0, message=message),
                "trajectory_sha256": message,
            }
        )

    messages = ("the energy is nan", "positions are not finite", "velocities are not finite")
    broken = good.model_copy(update={"replicas": [failing(message) for message in messages]})
    (tmp_path / "md.json").write_text(broken.model_dump_json())
    said = invoke("md", "table", tmp_path / "md.json")
    for name in ("energy", "positions", "velocities"):
        assert f"not finite: {name}" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--steps", "-10"), "^--steps: expected a number above 0, found -10$"),
        (("--timestep", "-1"), "^--timestep: expected a number above 0, found -1.0$"),
        (("--temperature", "nan"), "^--temperature: expected a finite number, found nan$"),
        (("--friction-unit", "1/s"), "^--friction-unit: expected '1/fs', .*, found '1/s'$"),
        (
            ("--monitors", "topology,topo"),
            "^--monitors: expected 'topology', 'temperature' or 'escape', found 'topo'$",
        ),
    ],
)
def test_a_wrong_setting_names_the_option_and_the_value(invoke, options, said):
    with pytest.raises(UsageError, match=said):
        invoke("md", "run", "mini-i", "--subset", "folded", "--calculator", "cheap:Tied", *options)


def test_a_missing_run_folder_comes_before_the_settings(invoke, tmp_path):
    for command in (("md", "run", "mini-i", "--subset", "folded", "--steps", "10"), ("hydrogen",)):
        with pytest.raises(DataError, match="gone: no such folder; expected a run folder"):
            invoke(*command, "--run", tmp_path / "gone")


def test_each_reference_of_radii_of_gyration_is_drawn(good):
    """Those of one temperature, too: one was drawn in place of the other."""
    rg = good.gyration
    other = rg.model_copy(
        update={"reference": "2 simulations by DFT", "reference_counts": rg.reference_counts[::-1]}
    )
    own = good.model_copy(update={"name": "Own", "gyration": other})
    labels = {row["label"] for row in gyration.simulated([good, good, own]).data}
    assert {label for label in labels if "reference" in label} == {
        "mini-i folded, 300 K, reference",
        "mini-i folded, 300 K, reference of Own: 2 simulations by DFT",
    }


def test_a_drift_of_too_few_frames_is_none(good):
    from teaeval.md.table import lines_of

    nve = good.settings.model_copy(update={"thermostat": "none"})
    said = lines_of(good.model_copy(update={"settings": nve}))
    assert any("replica 0, 1, 2, 3: no energy drift, of too few frames" in line for line in said)
    assert not any("drift" in line for line in lines_of(good))


def test_replicas_of_one_model_with_the_same_noise_are_told(good):
    from teaeval.tables.simulations import survival

    def seeded(first):
        replicas = [
            one.model_copy(update={"seed": first + i}) for i, one in enumerate(good.replicas)
        ]
        return good.model_copy(update={"replicas": replicas})

    told = "Tied #1 and Tied #2: replicas of the seeds 2, 3 have the same noise"
    assert any(told in note for note in survival([seeded(0), seeded(2)]).notes)
    assert not any("noise" in note for note in survival([seeded(0), seeded(4)]).notes)
    other = seeded(0).model_copy(update={"name": "Other"})
    assert not any("noise" in note for note in survival([seeded(0), other]).notes)
