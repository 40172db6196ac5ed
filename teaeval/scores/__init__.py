"""Scores and comparisons of predictions; called, the numbers of many scores as a DataFrame.

>>> import teaeval
>>> teaeval.scores(["mine.json", "mace.h5"])  # doctest: +SKIP
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from teadata.locations import Location


class _Scores(ModuleType):
    """A module that can be called."""

    def __call__(self, paths: Iterable[Location | str] | Location | str) -> pd.DataFrame:
        """The numbers of scores as a DataFrame, a row for each score and quantity.

        Parameters
        ----------
        paths
            Scores (``.json``), or prediction files, which are scored, or their addresses.

        Raises
        ------
        TeaError
            If one cannot be read or scored.
        MissingExtraError
            If pandas is not installed.
        """
        from teadata.errors import expect
        from teadata.locations import Location, RemoteFile
        from teaeval.scores.reading import data_frame_of

        expect(paths, (str, Path, RemoteFile, Iterable), "paths of scores and prediction files")
        return data_frame_of([paths] if isinstance(paths, Location | str) else paths)


sys.modules[__name__].__class__ = _Scores
