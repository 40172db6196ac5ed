"""What is no calculator is refused with a reason."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from teadata.errors import UsageError
from teaeval.calculators import from_factory

MODELS = '''
import os, time
import numpy as np
from ase.calculators.calculator import Calculator
from teadata import units

class Spring(Calculator):
    """Every atom bound to the origin: energy k r²/2 in eV."""
    implemented_properties = ["energy", "forces"]

    def calculate(self, *args):
        super().calculate(*args)
        time.sleep(float(os.environ.get("PAUSE", "0")))
        with open("calls", "a") as calls:
            calls.write(".")
        x = self.atoms.positions
        self.results = {"energy": 0.5 * (x**2).sum(), "forces": -x}

class Batches:
    def predict(self, frames):
        x = frames.positions
        with open("calls", "a") as calls:
            calls.write(".")
        return 0.5 * (x**2).sum(axis=(1, 2)) * units.EV, -x * units.EV

def fails():
    spring = Spring()
    calculate = spring.calculate
    def bad(*args):
        if os.path.exists("calls") and os.path.getsize("calls") >= 7:
            raise FloatingPointError("SCF did not converge")
        calculate(*args)
    spring.calculate = bad
    return spring

def needs(argument):
    pass
'''


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    (tmp_path / "models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("models", "expected module:factory"),
        ("nowhere:make", r"No module named 'nowhere': .*or with PYTHONPATH=FOLDER before it"),
        ("models.py:Spring", "names a file; say --calculator models:Spring$"),
        ("./models.py:Spring", "names a file; say --calculator models:Spring$"),
        ("/else where/m.py:f", "say --calculator m:f, with PYTHONPATH='/else where' before the"),
        ("models:nothing", "models has no nothing"),
        ("models:needs", r"needs\(\) failed: .*argument"),
    ],
)
def test_what_is_no_calculator(models, reference, message):
    sys.modules.pop("models", None)
    with pytest.raises(UsageError, match=message):
        from_factory(reference)
