"""Files as sGDML writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from teadata import Frames
from teadata.formats import npz


def save(path: Path, frames: Frames, energy: float = 1.0, length: float = 1.0, **more) -> Path:
    """An sGDML file in other units: kcal/mol per energy unit, Å per length unit."""
    arrays = npz.arrays(frames) | {
        "R": frames.positions / length,
        "E": frames.energies / energy,
        "F": frames.forces / (energy / length),
    }
    arrays = {k: v for k, v in (arrays | more).items() if v is not None}
    del arrays["frame_id"]
    np.savez_compressed(path, **arrays)
    return path
