"""What the sgdml package does to the process it runs in, and what is made of it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from baselines.sgdml.backend import backend, sound_blas
from teadata import TeaError


def test_where_sgdml_would_end_the_process_there_is_an_error(trained, small):
    with backend(None):
        trained[0].predict(small)  # calls the backend too, within

        from sgdml.solvers.iterative import Iterative

        solver = Iterative(None, None, max_memory=1, max_processes=1, use_torch=False)
        with pytest.raises(TeaError, match="sgdml gave up: Failed to factorize despite strong"):
            solver._cho_factor_stable(-100.0 * np.eye(3))
    assert Iterative.solve.__globals__["os"] is os


@pytest.mark.parametrize(("rows", "single"), [(25_200, True), (1_000, False)])
def test_openblas_is_held_to_one_thread_where_it_fails_with_more(rows, single):
    before = {lib["filepath"]: lib["num_threads"] for lib in threadpool_info()}
    with sound_blas(rows):
        for lib in threadpool_info():
            if lib["internal_api"] == "openblas":
                expected = 1 if single else before[lib["filepath"]]
                assert lib["num_threads"] == expected
    assert {lib["filepath"]: lib["num_threads"] for lib in threadpool_info()} == before


def test_loggers_are_left_as_they_were(trained):
    assert logging.getLoggerClass() is logging.Logger


SMALL = """
import sys
from pathlib import Path

import numpy as np

import teadata
from baselines.sgdml import SGDML, SGDMLConfig
from baselines.sgdml.backend import backend

data = teadata.load("mini-i")
model = SGDML(SGDMLConfig(size=10, sigmas=[20], lam=1e-10, symmetries=False))
model.fit(data.split("folded/train/10"), data.split("folded/valid/10"), Path(sys.argv[1]))
test = data.split("folded/test")[:3]
expected = model.predict(test)
model.save(Path(sys.argv[1]) / "saved.npz")
assert "torch" not in sys.modules
with backend(None):
    from baselines.sgdml.solvers import Predictor

    predictor = Predictor(dict(np.load(sys.argv[1] + "/saved.npz")), use_torch=True)
    import torch

    energies, forces = predictor.torch_predict(torch.tensor(test.positions))
np.testing.assert_allclose(energies, expected.energies, rtol=0, atol=1e-6)
np.testing.assert_allclose(forces, expected.forces, rtol=0, atol=1e-6)
"""


def test_a_training_on_a_cpu_loads_no_torch_and_what_needs_it_does(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SMALL, str(tmp_path)], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
