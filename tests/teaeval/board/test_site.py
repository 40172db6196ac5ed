"""The site of a board as a whole: its files, its pages, and what strangers wrote, as text."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from teadata.errors import UsageError
from teaeval.board import dynamics, entries
from teaeval.board.building import build
from teaeval.board.names import model_page


def test_two_builds_are_the_same_and_only_a_site_is_replaced(board, site, tmp_path):
    again = tmp_path / "again"
    build(board, again, "A & B")
    files = {path.relative_to(site) for path in site.rglob("*") if path.is_file()}
    assert files == {path.relative_to(again) for path in again.rglob("*") if path.is_file()}
    for name in files:
        assert (site / name).read_bytes() == (again / name).read_bytes(), name
    build(board, again)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    for folder in (tmp_path / "mine", board, board.parent):
        with pytest.raises(UsageError):
            build(board, folder)
    assert (tmp_path / "mine" / "thesis.tex").exists()


def test_two_versions_of_a_model_are_told_apart(submission, tmp_path):
    board = tmp_path / "board"
    for version, scale in (("1", 1.0), ("2", 2.0)):
        entries.add(submission(tmp_path / version, scale, version=version), board)
    build(board, tmp_path / "site")
    (page,) = (tmp_path / "site").glob("task-*.html")
    text = page.read_text()
    assert '<th class="name" scope="row">Made 1</th><td>Made 2</td>' in text
    assert "<title>Made 2, 50: 50" in text


def test_every_page_is_without_a_violation(site, tab, hostile):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    assert len(list(site.glob("*.html"))) >= 11
    kinds = ("index", "task", "dataset", "simulations", "published", model_page(hostile)[:-5])
    for kind, theme in [*((kind, "light") for kind in kinds), ("task", "dark"), ("index", "dark")]:
        tab.emulate_media(color_scheme=theme)
        tab.goto(next(site.glob(f"{kind}*.html")).as_uri())
        assert tab.evaluate("document.documentElement.dataset.theme") == theme
        found = axe.run(tab).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], (kind, theme)


def test_what_strangers_wrote_is_text(site, tab, hostile):
    tab.goto((site / quote(model_page(hostile))).as_uri())
    shown = tab.locator("main").inner_text()
    assert hostile in shown
    assert "</pre><script>alert(3)</script>{{ 7 * 7 }}" in shown
    assert "<img src=x onerror=alert(2)>" in shown
    assert tab.locator("main img, main script").count() == 0
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', tab.content())[1]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert all(re.fullmatch(r"[a-z0-9.-]+", path.name) for path in site.rglob("*"))


def test_the_published_errors_are_apart(site, tab):
    tab.goto((site / "published.html").as_uri())
    tab.select_option("select[name=group]", "I folded->unfolded")
    tab.select_option("select[name=measure]", "MAX")
    row = tab.locator("table.board tbody tr", has_text="sGDML")
    assert row.locator("button.value").first.inner_text() == "112"
    row.locator("button.value").first.click()
    assert "doi.org/10.1039/d4sc06529h" in tab.locator("dialog").inner_text()
    (page,) = site.glob("task-*.html")
    assert "FCHL19" not in page.read_text()


def test_a_build_takes_nothing_away_that_is_not_the_site_s(submission, tmp_path, monkeypatch):
    board, site = tmp_path / "board", tmp_path / "site"
    entries.add(submission(tmp_path / "s"), board)
    build(board, site)
    (site / "CNAME").write_text("board.example.org")
    with pytest.raises(UsageError, match="holds CNAME, which is not of the site"):
        build(board, site)
    assert (site / "CNAME").exists()
    for part in ("entries", "entries/site", "withdrawn"):
        with pytest.raises(UsageError, match="is a part of the board"):
            build(board, board / part)
    assert len(list(entries.read_entries(board))) == 1
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(UsageError, match="the folder that this runs in"):
        build(board, Path())


def test_a_link_to_a_site_stays_one(submission, tmp_path):
    board = tmp_path / "board"
    entries.add(submission(tmp_path / "s"), board)
    (tmp_path / "served").mkdir()
    for name, leads in (("site", "served"), ("new", "not-yet")):
        (tmp_path / name).symlink_to(leads)
        build(board, tmp_path / name)
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / leads / "index.html").is_file()


def test_the_labels_have_no_place(submission, tmp_path):
    """A file with the reference itself was first of all, with no word on the page."""
    board = tmp_path / "board"
    entries.add(submission(tmp_path / "a", 0.0, model="Labels"), board)
    entries.add(submission(tmp_path / "b", model="Real"), board)
    build(board, tmp_path / "site")
    index = (tmp_path / "site" / "index.html").read_text()
    assert "Real is alone by F MAE" in index
    assert '"name":"Real"' in index
    assert '"name":"Labels"' not in index
    (page,) = (tmp_path / "site").glob("task-*.html")
    assert "not ranked: predicts the reference itself" in page.read_text()


def test_records_of_two_hydrogen_datasets_are_not_one_correlation(repository):
    known = [item for item in entries.read_entries(repository / "examples/board") if item.hydrogen]
    moved = []
    for dataset in ("mini-hydrogen@1.0.0", "mini-hydrogen@1.1.0"):
        for item in known:
            plan = item.hydrogen[0].plan.model_copy(update={"dataset": dataset})
            record = item.hydrogen[0].model_copy(update={"plan": plan})
            moved.append(dataclasses.replace(item, hydrogen=[record]))
    titles = [one["title"] for one in dynamics.figures([], moved)]
    assert titles == [
        f"Force error and the transition of hydrogen, mini-hydrogen@1.{n}.0" for n in (0, 1)
    ]
    lines = dynamics.transitions(moved)
    assert {line["dataset"] for line in lines} == {"mini-hydrogen@1.0.0", "mini-hydrogen@1.1.0"}
    assert all(line["version"] for line in lines)
