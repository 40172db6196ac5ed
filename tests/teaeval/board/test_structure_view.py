"""The view of structures on the page of a dataset, in a real browser."""

from __future__ import annotations

import numpy as np

import teadata
import teaeval
from teaeval.board import entries


def test_structures_are_turned_by_pointer_keys_and_buttons(site, tab, becomes):
    (page,) = site.glob("dataset-*.html")
    tab.emulate_media(reduced_motion="reduce")
    tab.goto(page.as_uri())
    canvas = tab.locator("#view-canvas")
    assert canvas.is_visible()
    assert not tab.locator("#view-spin").is_visible()  # nothing moves by itself
    becomes(tab, "document.querySelector('#view-canvas').width > 300")

    def seen() -> str:
        tab.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        return tab.evaluate("document.querySelector('#view-canvas').toDataURL()")

    start = seen()
    canvas.focus()
    for key in ("ArrowRight", "ArrowUp", "+"):
        before = seen()
        tab.keyboard.press(key)
        assert seen() != before, key
    tab.keyboard.press("0")
    assert seen() == start
    tab.click("#view button[data-key=ArrowLeft]")
    assert seen() != start
    tab.click("#view button[data-key='0']")
    box = canvas.bounding_box()
    tab.mouse.move(box["x"] + 100, box["y"] + 100)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 160, box["y"] + 120, steps=3)
    tab.mouse.up()
    assert seen() != start
    tab.click("#theme")
    assert seen() != start
    tab.emulate_media(reduced_motion="no-preference")
    tab.click("#view-spin")
    before = seen()
    assert seen() != before
    tab.click("#view-spin")


def test_the_worst_frames_are_those_of_the_prediction(site, board, tab, becomes):
    (page,) = site.glob("dataset-*.html")
    tab.goto(page.as_uri())
    options = tab.locator("#view-set option").all_inner_texts()
    assert len(options) == 1 + 6  # the structure; one that is withdrawn has no frames here
    tab.select_option("#view-set", label=next(text for text in options if "Far 1" in text))
    (item,) = (e for e in entries.read_entries(board) if e.submission.model == "Far")
    prediction = teaeval.read_prediction(item.path("p.npz"))
    test = teadata.load("mini-iv").test_set("complete")
    largest = np.abs(prediction.forces - test.forces).max(axis=(1, 2))
    worst = np.argsort(largest)[::-1]
    said = tab.locator("#view-said")
    assert f"Frame {test.ids[worst[0]]} of the test set, 1 of the worst 3." in said.inner_text()
    assert f"{largest[worst[0]]:.3g}" in said.inner_text()
    tab.click("#view button[data-step='1']")
    tab.select_option("#view-colour", "element")
    address = tab.url
    tab.goto("about:blank")
    tab.goto(address)
    assert f"Frame {test.ids[worst[1]]} of the test set, 2" in said.inner_text()
    assert tab.locator("#view-colour").input_value() == "element"
    tab.evaluate("location.hash = 'view=__proto__&frame=-1e9&colour=x'")
    becomes(tab, "teaView.state.set === 0 && teaView.state.frame === 0")
