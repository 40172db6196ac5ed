"""MACE, through mace-torch's own model, loss, optimizer and training step.

Higher-order equivariant message passing (Batatia et al., NeurIPS 35, 11423, 2022,
arXiv:2206.07697).  The loop over epochs is ours, since mace-torch 0.3.16 neither stops after
its patience in a single process nor resumes to what an uninterrupted run would have given;
what one epoch does, how the model is built and how it is validated are mace-torch's.
"""

from baselines.mace.config import MACEConfig
from baselines.mace.model import MACE

__all__ = ["MACE", "MACEConfig"]
