"""What simulations sampled: the command, the record, and what it is compared with."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import teadata
from teadata.errors import UsageError
from teaeval import md
from teaeval.md import observing, record, sources
from teaeval.md.observed import Separation
from teaeval.observables import registry
from teaeval.observables.system import System


def test_simulations_are_compared_with_the_engines_own(simulated, invoke, tmp_path):
    figure = tmp_path / "all.svg"
    said = invoke(
        "md", "analyse", simulated, "--discard", "0.02", "--bootstrap", "20", "-o", figure
    )
    assert "reference: 2 simulations of 50 ps by GFN2-xTB itself at 300 K" in said
    assert "vibrations: not measured: it needs 4 ps without a gap, and there are 0.08" in said
    assert "forces: not measured: the trajectories have no forces; simulate with --forces" in said
    found = record.read(simulated)
    by_name = {(one.observable, one.quantity): one for one in found.observables}
    assert {name for name, _ in by_name} | set(found.left_out) == {
        one.name for one in registry.chosen(System(teadata.load("mini-i").frames[0]))
    }
    rg = by_name["gyration", "radius of gyration"]
    assert rg.mean.value == pytest.approx(found.gyration.mean, rel=1e-5)
    assert rg.reference_mean.value == pytest.approx(found.gyration.reference_mean, rel=1e-5)
    assert found.gyration.reference_temperature == 300
    area = sum(rg.reference_values) * rg.axes[0].width
    assert area == pytest.approx(1, abs=1e-3)
    for one in by_name.values():
        if one.reference:
            assert one.distance.value >= 0
            assert one.distance.halves <= one.distance.halves_most
    residue = by_name["ramachandran", "ALA3"]
    assert sum(well.reference.value for well in residue.wells) == pytest.approx(1, abs=0.05)
    assert by_name["temperatures", "C"].exact == 300
    # 6.25 fs between the frames of the one, 48 of the other
    lifetime = invoke("md", "analyse", simulated, "--observable", "hydrogen-bond-lifetime",
                      "--discard", "0", "--json")  # fmt: skip
    names = {one["observable"] for one in json.loads(lifetime)["observables"]}
    assert names <= {"hydrogen-bond-lifetime"}
    assert ",ramachandran,ALA3,reference," in figure.with_suffix(".csv").read_text()
    with pytest.raises(UsageError, match="--observable height is of one molecule, the group mol"):
        md.analyse(simulated, 0, 20, observables=["height"])
    with pytest.raises(UsageError, match="unknown observable"):
        md.analyse(simulated, 0, 20, observables=["gyraton"])


def test_models_beside_each_other(simulated, invoke, tmp_path):
    invoke("md", "analyse", simulated, "--discard", "0", "--bootstrap", "20",
           "--observable", "gyration", "--observable", "ramachandran")  # fmt: skip
    one = record.read(simulated)
    files = []
    for name in ("A", "B"):
        files.append(tmp_path / f"{name}.json")
        own = [
            replica.model_copy(update={"trajectory_sha256": f"{name} {i}"})
            for i, replica in enumerate(one.replicas)
        ]
        named = one.model_copy(update={"name": name, "replicas": own})
        files[-1].write_text(named.model_dump_json())
    table = invoke("md", "table", *files, "--format", "markdown")
    assert (
        "A mean | A distance | B mean | B distance | reference mean | reference distance" in table
    )
    maps = [line for line in table.splitlines() if line.startswith("| ramachandran |")]
    assert len([line for line in maps if ", share in the well at" not in line]) == 3
    assert len(maps) > 3
    invoke("plot", "observables", *files, "-o", tmp_path / "f.svg")
    rows = (tmp_path / "f.csv").read_text().splitlines()
    assert {row.split(",")[4] for row in rows[1:]} == {"A", "B", "reference"}
    # of another temperature, and compared with something else: all three references are drawn
    hotter = one.model_copy(
        update={"name": "C", "settings": one.settings.model_copy(update={"temperature": 500.0})}
    )
    other = [
        seen.model_copy(update={"reference": "test frames"} if seen.reference else {})
        for seen in one.observables
    ]
    for name, changed in (
        ("B", one.model_copy(update={"name": "B", "observables": other})),
        ("C", hotter),
    ):
        (tmp_path / f"{name}.json").write_text(changed.model_dump_json())
    invoke("plot", "observables", *files, tmp_path / "C.json", "-o", tmp_path / "f.svg")
    with open(tmp_path / "f.csv", encoding="utf-8") as file:
        drawn = {(row["state"][-5:], row["model"]) for row in csv.DictReader(file)}
    assert {name for state, name in drawn if state == "300 K"} == {
        "A", "B", "reference 1", "reference 2",
    }  # fmt: skip
    assert {name for state, name in drawn if state == "500 K"} == {"C", "reference"}


def test_an_older_record_of_distances_is_read():
    """What halves of the reference are apart was called floor and ceiling."""
    numbers = {"value": 0.3, "low": 0.2, "high": 0.4}
    old = Separation.model_validate(
        {"measure": "hellinger", "unit": "", **numbers, "floor": 0.1, "ceiling": 0.2}
    )
    assert (old.halves, old.halves_most) == (0.1, 0.2)
    assert Separation.model_validate(old.model_dump()) == old


def test_the_reference_is_of_the_same_temperature_or_says_its_own():
    data = teadata.load("mini-i")
    hot = sources.references(data, "folded", 500.0)
    assert [one.temperature for one in hot] == [500, 500]
    assert "GFN2-xTB itself at 500 K" in hot[0].label
    assert len(hot[0].sources) == 2
    (other,) = sources.references(data, "folded", 400.0)
    assert other.label == "2500 test frames, of 500 K"
    assert len(other.sources) == 21
    (sheet,) = sources.references(teadata.load("mini-iii"), "complete", 300.0)
    assert sheet.label == "200 test frames of a temperature that is not stated"
    assert len(sheet.sources) == 10
    crystal = teadata.load("mini-iv")
    (warm,) = sources.references(crystal, "complete", 300.0)
    assert (warm.label, warm.temperature) == ("50 test frames, of 300 K", 300)
    stated = {run.index: run.temperature for run in crystal.card.trajectories}
    assert {stated[int(part.frames.trajectories[0])] for part in warm.sources} == {300.0}
    (none,) = sources.references(crystal, "complete", 320.0)
    assert (none.label, none.temperature) == ("200 test frames, of 250, 300, 350, 400 K", None)
    assert sources.references(teadata.load("mini-hydrogen"), "complete", 300.0) == []


def test_times_between_frames_are_made_the_same():
    class Source:
        def __init__(self, spacing):
            self.spacing = spacing

    def same(first, second):
        return sources.strides([Source(first)], [Source(second)])

    assert same(50.0, 48.0) == (1, 1)
    assert same(4.0, 48.0) == (12, 1)
    assert same(150.0, 48.0) == (1, 3)
    assert same(70.0, 48.0) is None
    assert same(50.0, None) is None


def test_the_engine_is_at_no_distance_from_itself(tmp_path):
    """Its first simulation against both: within what halves are apart, for most quantities."""
    data = teadata.load("mini-i")
    (engine, _) = sources.references(data, "folded", 300.0)
    from teaeval.md.observing import observe

    system = System(data.split("folded/test")[0], 300.0)
    names = ["gyration", "bond-lengths", "hydrogen-bonds", "vibrations", "hydrogen-bond-lifetime"]
    found, left_out = observe(system, engine.sources[:1], [engine], names, 50)
    assert not left_out
    distances = [one.distance for one in found]
    assert np.mean([one.value <= one.halves_most for one in distances]) >= 0.8


def test_records_of_earlier_versions_are_read(simulated, tmp_path):
    found = md.analyse(simulated, discard=0, replicates=20, observables=["gyration"])
    old = found.model_dump(mode="json", exclude={"observables", "left_out"})
    del old["gyration"]["reference"]
    (tmp_path / "md.json").write_text(json.dumps(old))
    assert record.read(tmp_path).observables == []
    assert record.read(tmp_path).survival.replicas == 2


def test_a_molecule_of_hydrogen_has_no_radius_of_gyration_and_all_else():
    positions = np.zeros((20, 2, 3))
    positions[:, 1, 2] = np.linspace(0.7, 0.8, 20)
    frames = teadata.Frames(np.ones(2, dtype=int), positions, np.zeros(20), positions)
    system = System(frames[0])
    found, left_out = observing.observe(system, [sources.Labelled(frames)], [])
    assert left_out["gyration"] == "all atoms of H2 are hydrogen, and it is of the other atoms"
    assert {"bond-lengths", "radial", "forces"} <= {one.observable for one in found}
    with pytest.raises(UsageError, match=r"--observable gyration is of .* all atoms of H2 are hyd"):
        observing.observe(system, [sources.Labelled(frames)], [], ["gyration"])
    apart = positions + np.array([[0.0] * 3, [0, 0, 9.0]])
    two = teadata.Frames(np.array([2, 18]), apart, np.zeros(20), apart)
    _, left_out = observing.observe(System(two[0]), [sources.Labelled(two)], [])
    assert "not bonded to one molecule" in left_out["gyration"]


def test_a_temperature_that_is_not_the_thermostats_is_told():
    from teaeval.md.observed import Estimate
    from teaeval.md.observing import _off_theory

    def noted(value, half):
        mean = Estimate(value=value, error=half / 2, low=value - half, high=value + half, blocks=9)
        return _off_theory(mean, 300.0, "K")

    assert noted(290.0, 9.0) == noted(290.0, 6.0) == []
    (told,) = noted(200.0, 20.0)
    assert told.startswith("theory says 300 K")
    assert "--discard" in told
    alone = Estimate(value=200.0, error=None, low=None, high=None, blocks=1)
    assert _off_theory(alone, 300.0, "K") == []
