"""Derivatives of the representations of an element, and the force rows they add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Slopes(NamedTuple):
    """Projected representations of n atoms of an element, and all m derivatives of them.

    ``values`` (d, n); ``slopes`` (m, 3, d) per Å; ``target`` (m,), along whose position each is,
    counting the atoms through the frames; ``source`` (m,), whose it is, of the n.
    """

    values: Tensor
    slopes: Tensor
    target: Tensor
    source: Tensor
