"""Classical potentials of one element, their few parameters fitted to the training frames.

Yukawa's pair potential and Tersoff's bond-order potential: the empirical potentials of the
hydrogen benchmark (Bischoff, Jäckl, Rupp, arXiv:2409.13390), reparametrised to the data.
"""

from baselines.parametric.tersoff import Tersoff, TersoffConfig
from baselines.parametric.yukawa import Yukawa, YukawaConfig

__all__ = ["Tersoff", "TersoffConfig", "Yukawa", "YukawaConfig"]
