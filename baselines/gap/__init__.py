"""SOAP/GAP: fitted by `gap_fit`, evaluated by QUIP, both of the quippy-ase package.

Gaussian approximation potentials (Bartók et al., Phys. Rev. Lett. 104, 136403, 2010) of a
two-body kernel and two smooth-overlap-of-atomic-positions kernels (Bartók, Kondor, Csányi,
Phys. Rev. B 87, 184115, 2013), as in the TEA Challenge 2023 (SI, section 1.5).
"""

from baselines.gap.config import GAPConfig
from baselines.gap.model import GAP

__all__ = ["GAP", "GAPConfig"]
