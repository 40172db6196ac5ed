"""Which implementation of the representation runs on which device."""

from __future__ import annotations

from collections.abc import Sequence

from baselines.fchl.config import FCHLConfig
from baselines.fchl.representation import Representation
from teadata.errors import MissingExtraError


def representation(
    config: FCHLConfig, elements: Sequence[int], device: str = "cpu"
) -> Representation:
    """Make the representation that is fastest on a device: see :class:`Representation`.

    Raises
    ------
    MissingExtraError
        If numba is not installed, which compiles it for CPUs.
    """
    if device != "cpu":
        return Representation(config, elements, device)
    try:
        from baselines.fchl.compiled import Compiled
    except ImportError:
        raise MissingExtraError("numba", "fchl", "FCHL19*") from None
    return Compiled(config, elements)
