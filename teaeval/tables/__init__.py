"""Tables of many scores, laid out as Tables SI 7 and SI 8 of the TEA Challenge.

:mod:`teaeval.tables.single` prints a single score.
"""

from teaeval.tables.grid import Cell, Grid, Row
from teaeval.tables.scores import KINDS, Kind, grids, records

__all__ = ["KINDS", "Cell", "Grid", "Kind", "Row", "grids", "records"]
