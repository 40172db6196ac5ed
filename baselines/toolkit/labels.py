"""Labels that a model trains on, and its errors on the validation frames."""

from __future__ import annotations

import numpy as np

from baselines.predicted import Predicted
from baselines.toolkit.composition import element_index, symbols
from teadata import Frames
from teadata.errors import DataError
from teaeval.metrics.definitions import errors


def validation_errors(predicted: Predicted, frames: Frames) -> dict[str, float]:
    """Compute MAE and RMSE of energies (kcal/mol) and forces (kcal/mol/Å)."""
    energy = errors(predicted.energies, frames.energies)
    force = errors(predicted.forces, frames.forces)
    return {
        "energy_mae": energy.mae,
        "energy_rmse": energy.rmse,
        "force_mae": force.mae,
        "force_rmse": force.rmse,
    }


def check_labels(frames: Frames, role: str) -> None:
    """Refuse an empty set of frames, and labels that are not finite.

    Parameters
    ----------
    frames
        Frames to train on, or to validate with.
    role
        Which: ``"training"`` or ``"validation"``.

    Raises
    ------
    DataError
        If there are none, or a position, energy or force is not finite.
    """
    if not len(frames):
        raise DataError(f"no {role} frames; expected at least one")
    for name in ("positions", "energies", "forces"):
        values = getattr(frames, name).reshape(len(frames), -1)
        wrong = frames.ids[~np.isfinite(values).all(axis=1)]
        if len(wrong):
            raise DataError(
                f"{name} of {len(wrong)} of {len(frames)} {role} frames are not finite, the first "
                f"is frame {wrong[0]}; leave these frames out"
            )


def the_element(train: Frames, valid: Frames, title: str) -> int:
    """Return the one element of frames that a potential of one element is fitted to.

    Raises
    ------
    DataError
        If there are several, or the validation frames have another.
    """
    elements = sorted({int(z) for z in train.numbers})
    if len(elements) > 1:
        raise DataError(
            f"a {title} potential is fitted to one element here; these frames of {train.formula} "
            f"have {symbols(elements)}: take mini-hydrogen, or another model"
        )
    element_index(valid, elements, title)
    return elements[0]
