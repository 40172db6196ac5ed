"""Chemical symbols by atomic number (IUPAC 2016)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

SYMBOLS = tuple(
    """X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge
    As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu
    Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu
    Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og""".split()
)
"""Symbol of each atomic number; ``X`` stands at 0."""

NUMBERS = {symbol: number for number, symbol in enumerate(SYMBOLS)}
"""Atomic number of each symbol."""


def formula(numbers: Iterable[int]) -> str:
    """Formula in Hill order: C, H, then the others by symbol.

    >>> formula([8, 1, 1])
    'H2O'
    """
    values, counts = np.unique(np.asarray(list(numbers)), return_counts=True)
    count = {SYMBOLS[z]: int(n) for z, n in zip(values, counts, strict=True)}
    first = [s for s in ("C", "H") if s in count] if "C" in count else []
    order = first + sorted(set(count) - set(first))
    return "".join(s + (str(count[s]) if count[s] > 1 else "") for s in order)
