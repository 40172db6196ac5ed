"""One self-contained HTML page on any set of predictions."""

from teaeval.report.page import write

__all__ = ["write"]
