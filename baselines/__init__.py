"""Reference trainings of the TEA Challenge's models, and of the hydrogen benchmark's potentials.

>>> import baselines
>>> sorted(baselines.MODELS)
['fchl', 'gap', 'mace', 'pace', 'physnet', 'sgdml', 'so3krates', 'tersoff', 'uf3', 'yukawa']

A backend is imported by the model that needs it, and only then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teadata.lazy import exports

if TYPE_CHECKING:
    from baselines.protocol import Baseline
    from baselines.registry import MODELS, load_model
    from baselines.runs.folder import load, resume, train
    from baselines.runs.predictions import predict

_HOME = {
    "Baseline": "baselines.protocol",
    "MODELS": "baselines.registry",
    "load": "baselines.runs.folder",
    "load_model": "baselines.registry",
    "predict": "baselines.runs.predictions",
    "resume": "baselines.runs.folder",
    "train": "baselines.runs.folder",
}

__all__ = ["MODELS", "Baseline", "load", "load_model", "predict", "resume", "train"]

__getattr__, __dir__ = exports(__name__, _HOME)
