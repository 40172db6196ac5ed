"""Representations and their gradients as dense arrays, to look at and to compare."""

from __future__ import annotations

from collections.abc import Sequence

from baselines.fchl.config import FCHLConfig
from baselines.fchl.dispatch import representation
from baselines.toolkit.structures import check_structures
from teadata import Frames
from teadata.typing import Floats


def fchl19(
    frames: Frames, config: FCHLConfig, elements: Sequence[int], gradients: bool = False
) -> tuple[Floats, Floats | None]:
    """Compute the representations of all atoms as dense arrays, like qmllib's ``generate_fchl19``.

    Parameters
    ----------
    frames
        N frames of A atoms.
    config
        Settings of the representation, and its dtype.
    elements
        Atomic numbers, in the order of the blocks of features.
    gradients
        Whether to calculate these too.

    Returns
    -------
    values
        (N, A, M).
    gradients
        (N, A, M, A, 3) in Å⁻¹: of the representation of the first atom along the position of
        the second; None if not wanted.

    Raises
    ------
    MissingExtraError
        If vesin is not installed.
    DataError
        If an element is not in the list, or two atoms are at the same place.
    """
    import torch

    check_structures(frames)
    calculated = representation(config, elements)
    count, atoms = len(frames), frames.n_atoms
    values = torch.zeros(count * atoms, calculated.size, dtype=calculated.dtype)
    if not gradients:
        for env in calculated.environments(frames):
            values[env.centre] = calculated.values(env)
        return values.reshape(count, atoms, -1).numpy(), None
    sums = torch.zeros(count * atoms, atoms, 3, calculated.size, dtype=calculated.dtype)
    for env in calculated.environments(frames):
        values[env.centre], derivatives = calculated.jacobian(env)
        for p, (part, derivative) in enumerate(zip(env.slots, derivatives, strict=True)):
            touched = torch.from_numpy(calculated.layout.touched(p))
            row, place = env.mask[:, part].nonzero(as_tuple=True)
            full = derivative.new_zeros(len(row), 3, calculated.size)
            full[..., touched] = derivative[row, place]
            target = env.target[:, part][row, place] % atoms
            centre = env.centre[row]
            sums.index_put_((centre, target), full, accumulate=True)
            sums.index_put_((centre, centre % atoms), -full, accumulate=True)
    dense = sums.permute(0, 3, 1, 2).reshape(count, atoms, -1, atoms, 3)
    return values.reshape(count, atoms, -1).numpy(), dense.numpy()
