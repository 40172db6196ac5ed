"""sGDML, through the sgdml package's own training code.

Symmetric gradient-domain machine learning (Chmiela et al., Nat. Commun. 9, 3887, 2018;
Comput. Phys. Commun. 240, 38, 2019), with the analytic solver or the iterative one (Chmiela
et al., Sci. Adv. 9, eadf0873, 2023).  The length scale σ is the one of lowest force RMSE on
the validation set; as in sGDML's command line, the search goes upwards and stops once that
error rises.
"""

from baselines.sgdml.config import SGDMLConfig
from baselines.sgdml.model import SGDML

__all__ = ["SGDML", "SGDMLConfig"]
