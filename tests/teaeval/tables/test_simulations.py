"""Tables of simulations: what was sampled, and the page that shows the shipped records."""

from __future__ import annotations

import pytest

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


def test_shares_of_wells_are_in_the_table(repository):
    records = [record.read(path) for path in shipped(repository)]
    (one,) = (o for o in records[0].observables if o.quantity == "ALA2")
    grid = sampled(records)[0]
    rows = [row for row in grid.rows if row.labels[1].startswith("ALA2, share in the well at ")]
    assert len(rows) == len(one.wells) > 1
    for row, well in zip(rows, one.wells, strict=True):
        place = f"{well.x:g}°, {well.y:g}°".replace("-", "−")
        assert row.labels == ("ramachandran", f"ALA2, share in the well at {place}")
        assert float(row.cells[0].text.partition(" ")[0]) == pytest.approx(
            well.share.value, abs=0.05
        )
        said = float(row.cells[-2].text.partition(" ")[0])
        assert said == pytest.approx(well.reference.value, abs=0.05)
    assert any("nothing in common" in note and "ALA4" in note for note in grid.notes)
