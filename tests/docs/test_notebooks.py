"""The notebooks are executed as they stand."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

SAME = {"score-and-look"}
"""Those whose texts are the same on every machine."""


def texts(notebook: nbformat.NotebookNode) -> list[str]:
    """What the cells of a notebook show as text."""
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    return [out["data"]["text/plain"] for out in outputs if "data" in out]


@pytest.mark.parametrize(
    "name", ["score-and-look", pytest.param("train-and-simulate", marks=pytest.mark.slow)]
)
def test_a_notebook(name, repository):
    file = repository / "docs" / "notebooks" / f"{name}.ipynb"
    stored = nbformat.read(file, as_version=4)
    done = nbformat.read(file, as_version=4)
    resources = {"metadata": {"path": str(file.parent)}}
    NotebookClient(done, timeout=280, kernel_name="python3", resources=resources).execute()
    assert len(texts(done)) == len(texts(stored)) > 4
    assert any("image/png" in str(cell) for cell in done.cells)
    if name in SAME:
        assert texts(done) == texts(stored)
