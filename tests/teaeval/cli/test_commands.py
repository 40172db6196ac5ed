"""The list of all options is the one of the commands."""

from __future__ import annotations

import runpy


def test_the_list_of_options_is_up_to_date(repository):
    made = runpy.run_path(str(repository / "docs" / "commands.py"))["text"]()
    assert made == (repository / "docs" / "commands.md").read_text(encoding="utf-8"), (
        "run python docs/commands.py"
    )
    assert "`--scheduler`" in made
    assert "`--processes`" not in made
