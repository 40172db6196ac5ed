"""What is no calculator is refused with a reason."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from teadata.errors import UsageError
from teaeval.calculators import from_factory


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    (tmp_path / "models.py").write_text("def needs(argument): pass\n")
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
