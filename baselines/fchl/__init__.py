"""FCHL19*: regression on random features of the FCHL19 representation, in torch.

Representation: Christensen et al., J. Chem. Phys. 152, 044107 (2020); operator regression:
Christensen, Faber and von Lilienfeld, J. Chem. Phys. 150, 064105 (2019); structured orthogonal
random features in place of the kernel: Browning, Faber and von Lilienfeld, J. Chem. Phys. 157,
214801 (2022), the code called QML-Lightning.
"""

from baselines.fchl.config import FCHLConfig
from baselines.fchl.model import FCHL

__all__ = ["FCHL", "FCHLConfig"]
