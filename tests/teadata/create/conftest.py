"""Frames of the kind that people have, in a home of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from teadata import Frames, formats


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """A folder for the user's datasets that no other test sees."""
    folder = tmp_path / "home"
    monkeypatch.setenv("TEADATA_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def frames(mini_i) -> Frames:
    """120 labelled frames of a real molecule."""
    return mini_i.split("folded/train/120")


@pytest.fixture
def file(frames, tmp_path) -> Path:
    """These frames as an npz of sGDML, which states its units."""
    path = tmp_path / "frames.npz"
    formats.write(path, frames)
    return path


@pytest.fixture
def arrays(frames) -> dict[str, np.ndarray]:
    """These frames under the names of rMD17, which states no units."""
    return {
        "nuclear_charges": frames.numbers,
        "coords": frames.positions,
        "energies": frames.energies,
        "forces": frames.forces,
        "old_energies": frames.energies + 1.0,
    }
