"""Tables of simulations: what was sampled, and the page that shows the shipped records."""

from __future__ import annotations

from teaeval.md import record
from teaeval.tables.simulations import sampled


def shipped(repository):
    return sorted((repository / "examples" / "simulations").glob("*.json"))


def test_the_page_shows_the_shipped_records(repository, run):
    text = (repository / "docs" / "simulated.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- tables -->\n")[2].partition("<!-- end of tables -->")[0]
    made = run("teaeval", "md", "table", *shipped(repository), "--markdown")
    assert made.returncode == 0, made.stderr
    assert shown == made.stdout


def test_a_unit_stands_beside_what_has_a_mean(repository):
    records = [record.read(path) for path in shipped(repository)]
    for grid in sampled(records):
        rows = {row.labels for row in grid.rows}
        assert ("gyration", "radius of gyration, Å") in rows
        assert ("vibrations", "all atoms") in rows
