"""Vesin's neighbour lists: what loading them leaves alone."""

from __future__ import annotations

import subprocess
import sys

LOADS = """
import sys

import numpy as np

from teadata.structure.vesin_lists import neighbour_list

near = neighbour_list("a test", 2.0).compute(np.eye(3), np.zeros((3, 3)), False, "ij")
print(len(near[0]), *{"torch", "vesin"} & sys.modules.keys())
"""


def test_a_list_of_numpy_s_arrays_loads_no_torch():
    """Nor is a vesin that knows no torch left for others."""
    done = subprocess.run(
        [sys.executable, "-c", LOADS], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stdout == "6\n", done.stderr
