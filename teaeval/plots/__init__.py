"""Figures of scores and predictions, each with the data behind it.

Needs the extra ``plot`` (Matplotlib), which is imported when a figure is made.
"""

from teaeval.plots.plot import Plot

__all__ = ["Plot"]
