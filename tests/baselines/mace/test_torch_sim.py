"""MACE as torch-sim evaluates it, and simulations of it by that engine."""

from __future__ import annotations

import numpy as np
import pytest

import teadata
from baselines.config import parse
from baselines.mace import MACE
from teadata.units import EV
from teaeval import md
from teaeval.md import torch_engine

pytest.importorskip("torch_sim", reason="torch-sim is not installed")
import torch
import torch_sim

from teaeval.md.torch_batch import Evaluated

FACTORY = """
from pathlib import Path
from baselines.config import parse
from baselines.mace import MACE, MACEConfig

def make():
    settings = parse(MACEConfig, {settings}, "mace")
    return MACE.load(Path("{path}"), settings).calculator()
"""


def evaluated(model, frames, away=0.0):
    """Energies and forces of frames in kcal/mol and Å, by torch-sim; the first atom is moved."""
    structures = frames.to_ase()
    for atoms in structures:
        atoms.positions[0] += away
    state = torch_sim.initialize_state(structures, torch.device("cpu"), torch.float64)
    found = Evaluated(model.torch_sim_model(), bool(frames.pbc.all()))(state)
    forces = found["forces"].numpy().reshape(frames.forces.shape)
    return found["energy"].numpy() * EV, forces * EV


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_energies_and_forces_are_those_of_predictions(trained, mini_i, dtype):
    settings = trained[0].config.model_dump(mode="json") | {"dtype": dtype}
    model = MACE(parse(type(trained[0].config), settings, "mace"))
    model.use(trained[0].trained())
    frames = mini_i.split("folded/test")[:3]
    expected = model.predict(frames)
    energies, forces = evaluated(model, frames)
    # a sum in float32 of energies of -60 000 kcal/mol would be off by 0.004
    single = dtype == "float32"
    np.testing.assert_allclose(energies, expected.energies, atol=1e-3 if single else 1e-8)
    np.testing.assert_allclose(forces, expected.forces, atol=2e-3 if single else 1e-8)


def test_those_of_a_crystal(crystals):
    model, frames = crystals["mini-iv"]
    expected = model.predict(frames)
    # a simulation does not wrap its positions: an atom may be in another cell
    for away in (0.0, 2 * frames.cell[0, 0] - frames.cell[0, 1]):
        energies, forces = evaluated(model, frames, away)
        np.testing.assert_allclose(energies, expected.energies, atol=1e-2)
        np.testing.assert_allclose(forces, expected.forces, atol=1e-2)


def test_an_interrupted_simulation_goes_on_bit_for_bit(trained, tmp_path, monkeypatch):
    model, _, _ = trained
    model.save(tmp_path / "model.pt")
    settings = model.config.model_dump(mode="json")
    text = FACTORY.format(path=tmp_path / "model.pt", settings=settings)
    (tmp_path / "batched_model.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(torch_engine, "REPORT_EVERY", 0.0)
    # a poor model: small steps and much friction keep it together
    simulation = md.Settings(
        steps=20, interval=5, checkpoint=5, timestep=0.1, friction=0.1, monitors=()
    )
    plan = md.make_plan(
        teadata.load("mini-i"), "folded", simulation, 2, calculator="batched_model:make",
        engine="torch-sim",
    )  # fmt: skip
    md.run(plan, tmp_path / "whole")

    def interrupt(what, done, total):
        if done > 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        md.run(plan, tmp_path / "parts", progress=interrupt)
    outcomes = md.run(plan, tmp_path / "parts")
    assert [outcome.resumed for outcome in outcomes] == [1, 1]
    for replica in range(2):
        whole, parts = (
            md.Trajectory(tmp_path / name / f"replica-{replica}/trajectory.h5md")
            for name in ("whole", "parts")
        )
        np.testing.assert_array_equal(whole.positions, parts.positions)
        np.testing.assert_array_equal(whole.energies, parts.energies)
