"""The command ``baselines``."""

from __future__ import annotations

from baselines.cli import accuracy, campaign, training
from teadata import console

app = console.new_app("Reference trainings of the TEA Challenge's models.")
for room in (training, accuracy, campaign):
    room.register(app)


def main() -> None:
    """Entry point of ``baselines``."""
    console.run(app)
