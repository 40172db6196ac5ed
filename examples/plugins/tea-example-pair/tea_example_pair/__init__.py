"""A model as a package: what tea-benchmark has to know of it.

The model itself is imported when it is trained or loaded, not when models are listed.
"""

from __future__ import annotations

from pathlib import Path

from baselines.registry import ModelEntry

ENTRY = ModelEntry(
    title="Pair",
    module="tea_example_pair.model",
    class_name="Pair",
    config_name="PairConfig",
    backend="numpy",
    package="numpy",
    extra="",
    reference="",
    datasets=("argon-7",),
    traced=("numpy", "tea-example-pair"),
    configs=Path(__file__).parent / "configs",
)
"""The entry point; its name, ``pair``, is the model's."""
