"""PACE: the atomic cluster expansion of the python-ace package, fitted by its least squares.

Drautz, Phys. Rev. B 99, 014104 (2019); Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021).
"""

from baselines.pace.config import PACEConfig
from baselines.pace.model import PACE

__all__ = ["PACE", "PACEConfig"]
