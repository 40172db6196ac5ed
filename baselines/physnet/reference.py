"""Settings by the names that the original implementation gives them; parameters have its names."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.config import parse
from baselines.physnet.config import PhysNetConfig
from baselines.physnet.parameters import D3_NAMES, shapes
from teadata.errors import DataError

SETTINGS = {
    "F": "features",
    "K": "n_rbf",
    "num_features": "features",
    "num_basis": "n_rbf",
    "num_blocks": "modules",
    "num_residual_atomic": "residual_atomic",
    "num_residual_interaction": "residual_interaction",
    "num_residual_output": "residual_output",
    "sr_cut": "r_cut",
    "cutoff": "r_cut",
    "lr_cut": "lr_cut",
    "use_electrostatic": "electrostatics",
    "use_dispersion": "dispersion",
}
"""Ours by the original's names of settings."""


def _plain(value: Any) -> Any:
    """Convert to a Python value; NaN of the original becomes None."""
    value = np.asarray(value).tolist()
    return None if isinstance(value, float) and math.isnan(value) else value


def settings(
    params: Mapping[str, Any], cfg: Mapping[str, Any], total_charge: float = 0.0
) -> PhysNetConfig:
    """Read the settings of a model of the original implementation, in float64.

    Parameters
    ----------
    params
        Its parameters.  Coefficients of dispersion among them are fixed values, unless `a1`,
        or any other, is negative: then they are learned, and these are values before a
        softplus.
    cfg
        Its settings: names of :data:`SETTINGS`, and ``s6``, ``s8``, ``a1`` and ``a2``, which
        say that these are fixed, or, None or NaN, that they are learned.
    total_charge
        Charge of the system in e.

    Raises
    ------
    DataError
        If a value is not valid.
    """
    values: dict[str, Any] = {"total_charge": total_charge}
    for name, raw in cfg.items():
        if name in SETTINGS:
            values[SETTINGS[name]] = _plain(raw)
        elif name not in D3_NAMES:
            warnings.warn(f"cfg: {name!r} is no setting of the network; ignored", stacklevel=3)
    if values.get("dispersion", True):
        stated = [_plain(cfg[name]) for name in D3_NAMES if name in cfg]
        given = [float(np.asarray(params[name])) for name in D3_NAMES if name in params]
        if len(stated) == len(D3_NAMES):
            values["d3"] = None if None in stated else stated
        elif len(given) == len(D3_NAMES) and min(given) >= 0:
            values["d3"] = given
    return parse(PhysNetConfig, {"size": 1, "dtype": "float64"} | values, "cfg")


def checked(
    params: Mapping[str, Any], config: PhysNetConfig, source: str
) -> dict[str, NDArray[Any]]:
    """Check that parameters fit a network with these settings, and return those it has.

    Raises
    ------
    DataError
        If one is missing, too many, or of another shape.
    """
    expected = shapes(config)
    unused = set() if config.dispersion and config.d3 is None else set(D3_NAMES)
    missing = sorted(set(expected) - set(params))
    unknown = sorted(set(params) - set(expected) - unused)
    if missing or unknown:
        raise DataError(
            f"{source}: the parameters are not those of a network with these settings: "
            f"missing {_few(missing)}; too many {_few(unknown)}"
        )
    arrays = {name: np.asarray(params[name]) for name in expected}
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise DataError(
                f"{source}: {name} has shape {arrays[name].shape}, expected {shape} with these "
                "settings"
            )
    return arrays


def _few(names: list[str]) -> str:
    if not names:
        return "none"
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
