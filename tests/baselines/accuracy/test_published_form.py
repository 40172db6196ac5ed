"""The tables in the form of the published ones are of the scores that the repository has."""

from __future__ import annotations

import re

import pytest

ORDER = ["mace", "so3krates", "sgdml", "gap", "fchl", "physnet"]
"""That of the published tables, which have no PhysNet."""


@pytest.mark.parametrize("kind", ["mean", "std"])
@pytest.mark.parametrize("dataset", ["mini-ii", "mini-iii", "mini-iv"])
def test_a_table_of_reference_trainings_is_of_their_scores(run, repository, dataset, kind):
    scores = sorted(
        (repository / "examples" / "reference").glob(f"*-{dataset}-*.json"),
        key=lambda path: (ORDER.index(path.name.split("-")[0]), path.name),
    )
    made = run("teaeval", "table", *scores, "--intervals", "--markdown", "--kind", kind)
    assert made.returncode == 0, made.stderr
    text = (repository / "docs" / "baselines" / "tables.md").read_text(encoding="utf-8")
    (shown,) = re.findall(
        rf"<!-- {dataset} {kind} -->\n(.*?)<!-- end of table -->", text, re.DOTALL
    )
    assert shown == made.stdout
