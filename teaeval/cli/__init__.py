"""The command ``teaeval``."""

from __future__ import annotations

from teadata import console
from teaeval.cli import board, declare, hydrogen, md, plot, predict, remedies, score, tables

app = console.new_app("Scores of force-field predictions, as the TEA Challenge's tables do.")
for group in (score, predict, declare, tables, plot, md, hydrogen, board):
    group.register(app)


def main() -> None:
    """Entry point of ``teaeval``."""
    console.run(app, remedies.told)
