"""SO3krates, the Euclidean transformer, in JAX and Flax.

Frank, Unke and Müller, Adv. Neural Inf. Process. Syst. 35, 29400 (2022); Frank, Unke, Müller and
Chmiela, Nat. Commun. 15, 6539 (2024).
"""

from baselines.so3krates.config import SO3kratesConfig
from baselines.so3krates.model import SO3krates, from_reference

__all__ = ["SO3krates", "SO3kratesConfig", "from_reference"]
