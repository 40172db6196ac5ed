"""UF3: ultra-fast potentials of B-splines, with the uf3 package's basis and least squares.

Xie, Rupp, Hennig, npj Comput. Mater. 9, 162 (2023).
"""

from baselines.uf3.config import UF3Config
from baselines.uf3.model import UF3

__all__ = ["UF3", "UF3Config"]
