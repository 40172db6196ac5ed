"""The command ``teadata``."""

from __future__ import annotations

from teadata import console
from teadata.cli import create, datasets, official

app = console.new_app("Versioned, checksummed datasets of the TEA Challenge, with fixed splits.")
for group in (datasets, create, official):
    group.register(app)


def main() -> None:
    """Entry point of ``teadata``."""
    console.run(app, create.told)
