"""What finished simulations show: radii of gyration, drift of the energy."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from teadata.errors import DataError, UsageError
from teaeval import md
from teaeval.md import analysis, record


def test_radii_of_gyration_against_the_reference(simulated, mini_i):
    found = md.analyse(simulated, discard=0.02, replicates=50, observables=["gyration"])
    rg = found.gyration
    assert (found.time, found.failed) == (pytest.approx(0.2), 0)
    assert rg.frames == sum(rg.counts) == 2 * (41 - 8)  # 0.02 ps are 8 frames
    # of the engine's own simulations, frames 48 fs apart, from 2 ps on
    assert rg.reference_frames == sum(rg.reference_counts) == 2 * (1042 - 42)
    radii = [
        analysis.radii(md.Trajectory(simulated / f"replica-{i}/trajectory.h5md"), 8)
        for i in range(2)
    ]
    assert rg.mean == pytest.approx(np.concatenate(radii).mean(), rel=1e-5)
    assert 0 <= rg.hellinger.low <= rg.hellinger.value <= rg.hellinger.high <= 1
    assert rg.reference_temperature == 300
    everything = md.analyse(simulated, discard=10, replicates=50)
    assert everything.gyration is None
    assert everything.replicas[0].temperature is None


def test_radii_of_gyration_have_one_statistic(simulated, invoke):
    said = invoke("md", "analyse", simulated, "--discard", "0.02", "--observable", "gyration")
    found = record.read(simulated)
    (one,) = found.observables
    rg, apart = found.gyration, one.distance
    assert (rg.mean, rg.error, rg.hellinger) == (one.mean.value, one.mean.error, apart)
    assert rg.wasserstein == one.distances[1]
    assert f"radius of gyration: {rg.mean:.3f} ± {rg.error:.3f} Å" in said
    assert f"at most {apart.halves_most:.3f}" in said
    # an earlier version wrote five blocks a replica into one of the two places
    old = found.model_dump(mode="json")
    old["gyration"] |= {"error": 1e-4, "hellinger": {"value": 0.5, "low": 0.4, "high": 0.6,
                        "floor": 0.2, "ceiling": 0.3}}  # fmt: skip
    assert record.Simulations.model_validate(old) == found
    alone = record.Simulations.model_validate(old | {"observables": []}).gyration
    assert (alone.error, alone.hellinger.value, alone.hellinger.low) == (None, 0.5, None)


def test_drift_of_an_energy_that_grows(calculators, tmp_path, peptide):
    class Pumped(calculators.Tied):
        """A force that is not one of an energy: it does work."""

        def of(self, positions):
            energy, forces = super().of(positions)
            self.k *= 1 + 2e-5
            return energy, forces

    settings = md.Settings(thermostat="none", steps=600, interval=5, checkpoint=600)
    still = md.Trajectory(md.simulate(peptide, calculators.Tied(), settings, tmp_path / "a").file)
    pumped = md.Trajectory(md.simulate(peptide, Pumped(), settings, tmp_path / "b").file)
    none, some = analysis.drift(still), analysis.drift(pumped)
    assert abs(none.slope) < 5 * none.error
    assert some.slope > 10 * abs(none.slope)
    total = (pumped.energies + pumped.kinetic_energies) / 42
    expected = np.polyfit(pumped.times * 1e-6, total, 1)[0]
    assert some.slope == pytest.approx(expected, rel=1e-6)


def test_few_frames_have_no_drift(calculators, tmp_path, mini_i):
    for steps, fitted in ((40, False), (45, True)):  # 9 and 10 frames
        settings = md.Settings(thermostat="none", steps=steps, interval=5, checkpoint=50)
        plan = md.make_plan(mini_i, "folded", settings, 1, calculator="cheap:Tied")
        md.run(plan, str(tmp_path / f"{steps}"))
        found = md.analyse(tmp_path / f"{steps}", 0, 5, observables=["gyration"])
        assert (found.replicas[0].drift is not None) == fitted


def test_what_has_not_ended_is_not_analysed(simulated, tmp_path):
    (tmp_path / "plan.json").write_text((simulated / "plan.json").read_text())
    with pytest.raises(DataError, match="replica 0 has not ended"):
        md.analyse(tmp_path)
    with pytest.raises(DataError, match="no replica has begun"):
        md.analyse(tmp_path, partial=True)
    shutil.copytree(simulated / "replica-1", tmp_path / "replica-1")
    (tmp_path / "replica-1/outcome.json").unlink()
    found = md.analyse(tmp_path, 0, 20, partial=True, observables=["gyration"])
    assert [(one.status, one.time) for one in found.replicas] == [("running", 0.1)]
    assert found.gyration.frames == 41
    with pytest.raises(DataError, match="no such folder; expected a folder of simulations"):
        md.analyse(tmp_path / "nothing")


def test_tables_are_whole_and_records_become_data_frames(simulated, assert_whole):
    from teaeval.cli import app

    few = ("--observable", "gyration", "--observable", "angular")
    assert_whole(app, "md", "analyse", simulated, "--discard", 0.02, "--bootstrap", 50, *few)
    assert_whole(app, "md", "resume", simulated)
    read = record.read(simulated)
    assert "\n" not in repr(read)
    assert "Tied" in read._repr_html_()
    table = read.to_pandas()
    assert table["frame"].tolist() == [replica.frame for replica in read.replicas]
    assert table["name"].tolist() == ["Tied"] * 2


@pytest.fixture
def copied(simulated, tmp_path):
    """A copy of the folder of two simulations."""
    return shutil.copytree(simulated, tmp_path / "md")


def test_a_plan_that_was_changed_after_the_simulations_is_noticed(copied):
    plan = (copied / "plan.json").read_text()
    (copied / "plan.json").write_text(plan.replace('"timestep": 0.5', '"timestep": 1.0'))
    with pytest.raises(UsageError, match=r"replica-0: .*timestep 0.5, now 1.0; restore the plan"):
        md.analyse(copied, 0, 10, observables=["gyration"])
    (copied / "plan.json").write_text(plan)
    shutil.rmtree(copied / "replica-1")
    shutil.copytree(copied / "replica-0", copied / "replica-1")  # counted twice
    with pytest.raises(UsageError, match=r"replica-1: was simulated with other .*: seed 0, now 1"):
        md.analyse(copied, 0, 10, observables=["gyration"])


def test_a_plan_that_is_damaged_is_not_taken_for_none(copied):
    (copied / "plan.json").write_text((copied / "plan.json").read_text()[:90])
    with pytest.raises(DataError, match=r"is no JSON .*; it was damaged or edited: put it back"):
        md.analyse(copied)
    (copied / "plan.json").unlink()
    with pytest.raises(DataError, match="no folder of simulations: start some"):
        md.analyse(copied)


def test_a_trajectory_that_has_lost_frames_is_noticed(copied):
    from teaeval.md.h5md import cut

    path = copied / "replica-1/trajectory.h5md"
    cut(path, 20)
    with pytest.raises(DataError, match=r"has 20 frames, expected 41, .*&& teaeval md resume "):
        md.analyse(copied, 0, 10, observables=["gyration"])
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataError, match=r"damaged.*: rm -r .*replica-1 && teaeval md resume "):
        md.analyse(copied, 0, 10, observables=["gyration"])


def test_of_other_data_nothing_is_analysed(copied):
    plan = md.Plan.from_json(copied / "plan.json", "a plan", "")
    other = plan.model_copy(update={"frames_sha256": "0" * 64})
    (copied / "plan.json").write_text(other.model_dump_json())
    with pytest.raises(DataError, match=r"frames here have sha256 .*, expected 0000"):
        md.analyse(copied, 0, 10, observables=["gyration"])


@pytest.mark.parametrize("discard", [float("nan"), -1.0, float("inf")])
def test_a_time_to_leave_out_that_is_none(simulated, discard):
    with pytest.raises(UsageError, match=r"--discard .*: expected a time in ps, 0 or more"):
        md.analyse(simulated, discard)
