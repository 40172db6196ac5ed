"""Trajectories as other programs read them."""

from __future__ import annotations

import numpy as np
import pytest

from teadata.errors import DataError, UsageError
from teaeval import md
from teaeval.md.h5md import Writer, cut


def test_mdanalysis_reads_it(simulated):
    mda = pytest.importorskip("MDAnalysis")
    path = simulated / "replica-0/trajectory.h5md"
    run = md.Trajectory(path)
    universe = mda.Universe.empty(len(run.numbers), trajectory=True, velocities=True)
    universe.load_new(str(path))
    assert len(universe.trajectory) == len(run) == 41
    for i in (0, 17, 40):
        frame = universe.trajectory[i]
        np.testing.assert_allclose(frame.positions, run.positions[i], atol=1e-5)
        np.testing.assert_allclose(frame.velocities, 1000 * run.velocities[i], atol=1e-4)  # Å/ps
        assert frame.time == pytest.approx(run.times[i] / 1000)  # ps
        assert frame.data["temperature"] == pytest.approx(run.temperatures[i])
        assert frame.dimensions is None


def test_pieces_and_frames(simulated, mini_i):
    run = md.Trajectory(simulated / "replica-0/trajectory.h5md")
    assert [len(part) for part in run.chunks("positions", 16)] == [16, 16, 9]
    np.testing.assert_array_equal(np.concatenate(list(run.chunks("energies", 16))), run.energies)
    frames = run.frames(5, 10)
    assert frames.formula == mini_i.frames.formula
    np.testing.assert_array_equal(frames.ids, [25, 30, 35, 40, 45])
    assert len(md.Trajectory(run.path, 7).positions) == 7
    assert run.forces is None
    assert run.stress is None


def test_a_file_is_whole_while_it_is_written(peptide, tmp_path):
    path = tmp_path / "t.h5md"
    Writer.create(path, peptide, np.arange(0, 100, 10), 0.5)
    size = path.stat().st_size
    assert len(md.Trajectory(path)) == 0
    writer = Writer(path)
    frame = {
        "positions": peptide.positions[None],
        "velocities": peptide.positions[None],
        "energies": [1.0],
        "kinetic_energies": [1.0],
        "temperatures": [1.0],
    }
    writer.write(0, frame)
    writer.write(1, frame)
    assert len(md.Trajectory(path)) == 2  # it can be read meanwhile
    copy = tmp_path / "killed.h5md"
    copy.write_bytes(path.read_bytes())  # what a killed process leaves
    writer.close()
    assert len(md.Trajectory(copy)) == 2
    assert copy.stat().st_size == size  # nothing in its structure has changed
    cut(path, 2)
    assert len(md.Trajectory(path)) == 2
    np.testing.assert_array_equal(md.Trajectory(path).steps, [0, 10])
    assert path.stat().st_size < size


def test_what_is_no_trajectory(tmp_path):
    import h5py

    (tmp_path / "a.h5").write_text("nothing")
    with pytest.raises(DataError, match="cannot be read as HDF5"):
        md.Trajectory(tmp_path / "a.h5")
    h5py.File(tmp_path / "b.h5", "w").close()
    with pytest.raises(DataError, match="not a trajectory"):
        md.Trajectory(tmp_path / "b.h5")


def test_the_last_frames_are_counted_from_what_is_there(simulated):
    """Those that a failure follows, or that are not written yet, are not among them."""
    run = md.Trajectory(simulated / "replica-0/trajectory.h5md", 7)
    np.testing.assert_array_equal(run.read("energies", -2), run.energies[-2:])
    np.testing.assert_array_equal(run.frames(-3).ids, [20, 25, 30])
    np.testing.assert_array_equal(run.frames(1, -4).ids, [5, 10])
    assert len(run.to_ase(-2)) == 2
    assert len(run.read("positions", 50)) == 0


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda path: md.Trajectory(path, -1), "frames -1: expected"),
        (lambda path: md.Trajectory(path).read("forces"), "were not stored; simulate with"),
        (lambda path: md.Trajectory(path).read("speeds"), "unknown array 'speeds'"),
        (lambda path: list(md.Trajectory(path).chunks("positions", 0)), "pieces of 0 frames"),
    ],
)
def test_what_a_trajectory_cannot_give(simulated, ask, expected):
    with pytest.raises(UsageError, match=expected):
        ask(simulated / "replica-0/trajectory.h5md")


def test_a_trajectory_in_other_units_or_damaged(simulated, tmp_path):
    import h5py

    path = tmp_path / "t.h5md"
    path.write_bytes((simulated / "replica-0/trajectory.h5md").read_bytes())
    with h5py.File(path, "r+") as file:
        file["particles/all/position/value"].attrs["unit"] = "nm"
    with pytest.raises(DataError, match="position is in nm, expected Angstrom"):
        md.Trajectory(path)
    with h5py.File(path, "r+") as file:
        file["particles/all/position/value"].attrs["unit"] = "Angstrom"
        file["particles/all/position/time"][3] = np.nan
    with pytest.raises(DataError, match="times do not rise"):
        md.Trajectory(path)
    with pytest.raises(DataError, match="no such file"):
        md.Trajectory(tmp_path / "none.h5md")
