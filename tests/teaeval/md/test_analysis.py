"""What finished simulations show: radii of gyration, drift of the energy."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from teadata.errors import DataError
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
