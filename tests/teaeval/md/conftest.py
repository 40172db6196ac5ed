"""Cheap calculators, and a folder of finished simulations."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import teadata
from teaeval import md

CALCULATORS = '''
"""Calculators that cost nothing."""
import os, time
import numpy as np
import teadata
from ase.calculators.calculator import Calculator
from teadata import units
from teadata.structure.bonds import bonded, connected_atoms

START = teadata.load("mini-i").split("folded/test")[0]
BONDS = bonded(START)
NEAR = (BONDS.astype(int) + BONDS @ BONDS.astype(int)) > 0  # and over one atom


class Tied(Calculator):
    """A molecule of springs along its bonds and across its angles, k in eV/Å²."""
    implemented_properties = ["energy", "forces"]
    k = 10.0
    near = NEAR

    def __init__(self):
        super().__init__()
        self.pairs = np.argwhere(np.triu(self.near, 1))
        i, j = self.pairs.T
        self.length = np.linalg.norm(START.positions[0][i] - START.positions[0][j], axis=1)

    def calculate(self, *args):
        super().calculate(*args)
        if "PAUSE" in os.environ:
            time.sleep(float(os.environ["PAUSE"]))
        energy, forces = self.of(self.atoms.positions)
        self.results = {"energy": energy, "forces": forces}

    def of(self, positions):
        i, j = self.pairs.T
        between = positions[i] - positions[j]
        length = np.linalg.norm(between, axis=1)
        away = length - self.length
        pull = (-self.k * away / length)[:, None] * between
        forces = np.zeros(positions.shape)
        np.add.at(forces, i, pull)
        np.add.at(forces, j, -pull)
        return 0.5 * self.k * (away**2).sum(), forces


def _apart():
    """Which atoms stay on one side where the bond of atoms 0 and 1 is cut."""
    left = BONDS.copy()
    left[0, 1] = left[1, 0] = False
    side = np.isin(np.arange(len(left)), connected_atoms(left)[0])
    return side[:, None] == side


class Torn(Tied):
    """Tied, but for the first bond, whose ends repel each other."""
    near = NEAR & _apart()

    def of(self, positions):
        energy, forces = super().of(positions)
        along = positions[0] - positions[1]
        along *= 0.6 / np.linalg.norm(along)
        forces[0] += along
        forces[1] -= along
        return energy, forces


class Batch(Tied):
    """Tied, and many at a time; counts how often it was asked."""
    asked = 0

    def predict(self, frames):
        type(self).asked += 1
        found = [self.of(positions) for positions in frames.positions]
        return (np.array([e for e, _ in found]) * units.EV,
                np.stack([f for _, f in found]) * units.EV)
'''


@pytest.fixture(scope="session")
def calculators(tmp_path_factory):
    """The module of calculators, in a folder that is on the path."""
    folder = tmp_path_factory.mktemp("calculators")
    (folder / "cheap.py").write_text(CALCULATORS)
    sys.path.insert(0, str(folder))
    import cheap

    yield cheap
    sys.path.remove(str(folder))


@pytest.fixture(scope="session")
def calculators_folder(calculators) -> Path:
    return Path(calculators.__file__).parent


@pytest.fixture
def peptide(mini_i):
    """ASE atoms of a test frame of mini-i."""
    (atoms,) = mini_i.split("folded/test")[0].to_ase()
    atoms.calc = None
    return atoms


@pytest.fixture
def copper():
    """A cluster of 19 copper atoms, for EMT."""
    from ase.cluster import Octahedron

    return Octahedron("Cu", 3)


@pytest.fixture(scope="session")
def simulated(calculators, tmp_path_factory) -> Path:
    """A folder of two short simulations that ended well."""
    folder = tmp_path_factory.mktemp("md") / "runs"
    settings = md.Settings(steps=200, interval=5, checkpoint=50)
    plan = md.make_plan(
        teadata.load("mini-i"), "folded", settings, 2, calculator="cheap:Tied", name="Tied"
    )
    outcomes = md.run(plan, folder)
    assert [outcome.status for outcome in outcomes] == ["finished", "finished"]
    return folder


def same(first: Path | str, second: Path | str) -> bool:
    """Whether two trajectories are the same, bit for bit."""
    a, b = md.Trajectory(first), md.Trajectory(second)
    return a.fields == b.fields and all(
        np.array_equal(a.read(name), b.read(name)) for name in a.fields
    )


@pytest.fixture
def plan_of(calculators):
    """Makes a plan of replicas on springs, with the engine torch-sim."""
    from .springs import Springs, WithModel, starting

    def make(settings, replicas=3, kind=Springs, **options):
        data = teadata.load("mini-i")
        options = {"calculator": "cheap:WithModel", "engine": "torch-sim"} | options
        plan = md.make_plan(data, "folded", settings, replicas, **options)
        calculators.WithModel = type("WithModel", (WithModel,), {"kind": starting(kind, plan)})
        return plan

    return make
