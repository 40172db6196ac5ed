"""The site, built and looked at in a browser: it fits a telephone, and axe finds nothing wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = (
    "index",
    "quickstart",
    "tutorial",
    "notebooks/score-and-look",
    "datasets/mini-i",
    "figures",
    "reference/api",
    "reference/commands/teaeval-score",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(repository, tmp_path_factory) -> Path:
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "docs", str(folder)]
    done = subprocess.run(
        build, cwd=repository, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    with sync_playwright() as play:
        if found is None and not Path(play.chromium.executable_path).exists():
            pytest.skip(f"no browser: {', '.join(BROWSERS)}")
        with play.chromium.launch(executable_path=found, args=["--no-sandbox"]) as running:
            yield running


@pytest.mark.parametrize("width", [400, 1400])
def test_pages_fit_and_are_for_everybody(site, browser, width):
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page(viewport={"width": width, "height": 900})
    for name in PAGES:
        page.goto((site / f"{name}.html").as_uri())
        wide, seen = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= seen, name
        found = Axe().run(page).response["violations"]
        assert [(item["id"], item["nodes"][0]["html"]) for item in found] == [], name
    page.close()


def test_pages_load_nothing_from_elsewhere(site):
    for file in site.rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        for mark in ('src="http', "url(http", '<link rel="stylesheet" href="http'):
            assert mark not in text, f"{file.name}: {mark}"
