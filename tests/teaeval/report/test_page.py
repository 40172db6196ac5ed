"""The report: a page that needs nothing but itself, clicked through in a real browser."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

import teaeval
from teadata.errors import UsageError
from teadata.provenance import sha256
from teaeval.report import write


def test_a_page_that_needs_nothing_else(page):
    text = page.read_text()
    own = text.replace(
        (Path(teaeval.__file__).parent / "report/vendor/3Dmol-min.js").read_text(), ""
    )
    assert len(own) < len(text)
    assert not re.findall(r"""(?:src|href)=["']?(?!data:|#)[^"' >]+""", own)
    assert "<title>Three &amp; a &lt;half&gt;</title>" in text
    assert "&lt;b&gt;&amp;mine" in own
    assert "<b>&mine" not in own.split('id="data">')[0]
    assert own.count('<figure class="plot"') == 2 * 6
    assert "University of Pittsburgh" in own  # the viewer's licence goes with it


def test_warnings_come_before_the_numbers(predicted, tmp_path):
    prediction = predicted("mini-hydrogen", "complete", "Far & off", 1.0)
    off = dataclasses.replace(prediction, energies=prediction.energies + 500)
    write([off], tmp_path / "r.html", frames=1, replicates=0)
    main = (tmp_path / "r.html").read_text().split("<main>")[1]
    assert main.count("[energy-offset]") == 1
    assert "Far &amp; off: [energy-offset]" in main.split('id="scores"')[0]


def test_the_viewer_is_the_file_that_its_note_says():
    vendor = Path(teaeval.__file__).parent / "report" / "vendor"
    assert sha256(vendor / "3Dmol-min.js") in (vendor / "README.md").read_text()


def test_mistakes(tmp_path):
    with pytest.raises(UsageError, match="needs a prediction"):
        write([], tmp_path / "r.html")
    with pytest.raises(UsageError, match=r"\.html"):
        write([tmp_path / "x.npz"], tmp_path / "r.pdf")


def test_click_through(browser, page, becomes):
    tab = browser.new_page(viewport={"width": 460, "height": 420})
    problems, requests = [], []
    tab.on("console", lambda m: m.type == "error" and problems.append(m.text))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("request", lambda r: requests.append(r.url))
    tab.goto(page.as_uri())
    assert tab.title() == "Three & a <half>"
    assert tab.locator("#viewer canvas").count() == 1

    # the numbers of the tables
    shown = "document.querySelector('.kind:not([hidden])').dataset.kind"
    assert tab.evaluate(shown) == "mean"
    for kind in ("absolute", "std"):
        tab.click(f"button[data-show={kind}]")
        assert tab.evaluate(shown) == kind
    assert tab.locator(".kind:not([hidden]) figure.scores").count() == 2  # a table a dataset

    def pixels() -> bytes:
        return tab.locator("#viewer").screenshot()

    # frames
    place = tab.locator("#position")
    assert place.inner_text().endswith("(1 of 4)")
    tab.click("#next")
    assert place.inner_text().endswith("(2 of 4)")
    tab.click("#previous")
    assert place.inner_text().endswith("(1 of 4)")

    # colours and arrows
    by_error = pixels()
    tab.select_option("#colour", "element")
    assert not tab.locator("#bar").is_visible()
    by_element = pixels()
    assert by_element != by_error
    tab.check("#arrows")
    tab.uncheck("#arrows")
    tab.select_option("#colour", "mae")
    assert tab.locator("#bar").is_visible()

    # atoms: the table is in order of error, a click on it or on the structure picks
    rows = tab.locator("#atoms tbody tr")
    assert rows.count() == 32
    values = [float(x) for x in tab.locator("#atoms tbody td:nth-child(2)").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    rows.nth(4).click()
    assert rows.nth(4).get_attribute("class") == "picked"
    name = rows.nth(4).locator("td").first.inner_text()
    assert tab.locator("#picked").inner_text().startswith(f"{name}:")
    tab.locator("#viewer").scroll_into_view_if_needed()
    front = tab.evaluate(
        "(() => { const f = teaReport.predictions[0].frames[0].xyz;"
        " return f.indexOf(f.reduce((a, b) => (b[2] > a[2] ? b : a))); })()"
    )
    at = tab.evaluate(f"teaReport.screen({front})")
    left, top = tab.evaluate("[scrollX, scrollY]")
    tab.mouse.click(at["x"] - left, at["y"] - top)
    becomes(tab, f"teaReport.state.atom === {front}")

    # turned by the mouse, and back
    box = tab.locator("#viewer").bounding_box()
    before = pixels()
    tab.mouse.move(box["x"] + 300, box["y"] + 200)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 420, box["y"] + 240, steps=4)
    tab.mouse.up()
    assert pixels() != before
    tab.click("#reset")

    # light and dark; the names of rows stay while the numbers are scrolled
    light = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    tab.click("#theme")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") != light
    assert tab.evaluate("document.documentElement.scrollWidth") <= 460
    task = tab.locator(".kind:not([hidden]) .scores tbody th").first
    numbers = tab.locator(".kind:not([hidden]) .scores tbody td").first
    before = task.bounding_box()["x"], numbers.bounding_box()["x"]
    tab.evaluate("document.querySelector('.kind:not([hidden]) .scores').scrollLeft = 120")
    assert task.bounding_box()["x"] == before[0]
    assert numbers.bounding_box()["x"] < before[1]

    # another prediction, of a molecule
    tab.select_option("#prediction", "2")
    assert rows.count() == 42
    assert tab.locator("#position").inner_text().endswith("(1 of 4)")
    for image in tab.locator("figure.plot img").all():
        assert image.evaluate("i => i.complete && i.naturalWidth > 100")
    with tab.expect_download() as download:
        tab.locator("figure.plot a").first.click()
    assert Path(download.value.path()).read_text().startswith("model,quantity,error,density")
    assert problems == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
