"""MACE as a model of torch-sim, for ``teaeval md run --engine torch-sim``."""

from __future__ import annotations

from typing import Any

from teadata.errors import MissingExtraError


def torch_sim_model(network: Any, device: str, numbers: list[int], atomic_energies: Any) -> Any:
    """Wrap a network of mace-torch by torch-sim's wrapper, with total energies in float64.

    Parameters
    ----------
    network
        From :func:`baselines.mace.backend.network`: its energies are of interaction.
    device
        Where it is.
    numbers
        Atomic numbers of its elements.
    atomic_energies
        (E,) the energies of these in eV, which are added in float64: a float32 network would
        round the sum to 0.01 kcal/mol and more.

    Raises
    ------
    MissingExtraError
        If torch-sim is not installed.
    """
    import torch

    try:
        from torch_sim.models.mace import MaceModel
    except ImportError:
        raise MissingExtraError("torch-sim-atomistic", "torch-sim", "--engine torch-sim") from None

    class Total(MaceModel):  # type: ignore[misc]
        """torch-sim's wrapper, whose energies are those of the whole."""

        def forward(self, state: Any) -> dict[str, Any]:
            found: dict[str, Any] = super().forward(state)
            of_atoms = by_number[state.atomic_numbers]
            energy = found["energy"].to(torch.float64)
            found["energy"] = energy.index_add(0, state.system_idx, of_atoms)
            return found

    by_number = torch.zeros(max(numbers) + 1, dtype=torch.float64, device=device)
    by_number[numbers] = atomic_energies.to(by_number)
    return Total(
        model=network,
        device=torch.device(device),
        dtype=next(network.parameters()).dtype,
        compute_stress=False,
    )
