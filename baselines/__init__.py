"""Reference trainings of the TEA Challenge's models, with the published settings.

>>> import baselines
>>> sorted(baselines.MODELS)
['sgdml']

A backend is imported by the model that needs it, and only then.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from baselines.protocol import Baseline
    from baselines.registry import MODELS, load_model
    from baselines.runs import predict, train

_HOME = {
    "Baseline": "protocol",
    "MODELS": "registry",
    "load_model": "registry",
    "predict": "runs",
    "train": "runs",
}

__all__ = ["MODELS", "Baseline", "load_model", "predict", "train"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from teadata.provenance import package_version

        return package_version()
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
