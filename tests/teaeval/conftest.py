"""A real browser, for the tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Headless Chromium: $CHROMIUM, or one on the path, or Playwright's own."""
    sync_api = pytest.importorskip("playwright.sync_api")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_api.sync_playwright() as play:
        if found is None and not Path(play.chromium.executable_path).exists():
            pytest.skip(
                f"no browser: none of {', '.join(BROWSERS)} on the path, none of Playwright's; "
                "install one, or set CHROMIUM to its path"
            )
        options = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader"]
        with play.chromium.launch(executable_path=found, args=options) as running:
            yield running
