"""A simulation with MACE that is interrupted goes on bit for bit, in another process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from teaeval import md

FACTORY = """
from pathlib import Path
from baselines.mace import MACE, MACEConfig

def make():
    return MACE.load(Path("{path}"), MACEConfig(**{settings})).calculator()
"""


@pytest.mark.slow
def test_a_killed_simulation_goes_on_bit_for_bit(trained, run, tmp_path):
    model, _, _ = trained
    model.save(tmp_path / "model.pt")
    settings = model.config.model_dump(mode="json")
    text = FACTORY.format(path=tmp_path / "model.pt", settings=settings)
    (tmp_path / "resumed_model.py").write_text(text)
    command = ["md", "run", "mini-i", "--subset", "folded", "--calculator", "resumed_model:make"]
    # a poor model: small steps and much friction keep it together
    command += ["--replicas", "1", "--steps", "200", "--interval", "10", "--checkpoint", "20"]
    command += ["--timestep", "0.1", "--friction", "0.1", "--monitors", "none"]
    done = run("teaeval", *command, "-o", "whole", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    killed = subprocess.Popen(
        [str(Path(sys.executable).parent / "teaeval"), *command, "-o", "parts"],
        cwd=tmp_path,
        env=os.environ,
    )
    checkpoint = tmp_path / "parts/replica-0/checkpoint.npz"
    while not checkpoint.exists() or np.load(checkpoint)["step"] < 60:
        assert killed.poll() is None
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    done = run("teaeval", "md", "resume", "parts", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert md.Outcome.read(tmp_path / "parts/replica-0").resumed == 1
    whole, parts = (
        md.Trajectory(tmp_path / name / "replica-0/trajectory.h5md").positions
        for name in ("whole", "parts")
    )
    np.testing.assert_array_equal(whole, parts)
