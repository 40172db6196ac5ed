"""PhysNet in TensorFlow.

Unke and Meuwly, J. Chem. Theory Comput. 15, 3678 (2019).
"""

from baselines.physnet.config import PhysNetConfig
from baselines.physnet.model import PhysNet, from_reference

__all__ = ["PhysNet", "PhysNetConfig", "from_reference"]
