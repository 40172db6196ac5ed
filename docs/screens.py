"""Take the pictures of a board's pages that the documents show: `screens.py SITE PICTURE...`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURES = {
    "board": ("task-mini-i-1-0-0-folded-folded-*.html", 1600, 1300, "light"),
    "board-tablet": ("dataset-mini-iv-*.html", 800, 1100, "dark"),
    "board-phone": ("task-mini-i-1-0-0-folded-folded-*.html", 360, 900, "light"),
}
"""Page, width and height of the window, and theme, by the picture's name."""


def take(site: Path, pictures: list[Path]) -> None:
    """Take pictures of a site; of a dataset's page with the worst frame of a prediction."""
    browser_path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for picture in pictures:
            pattern, width, height, theme = PICTURES[picture.stem]
            tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
            (page,) = site.resolve().glob(pattern)
            tab.goto(page.as_uri())
            if pattern.startswith("dataset"):
                tab.select_option("#view-set", index=1)
            tab.wait_for_timeout(500)
            tab.screenshot(path=picture)
            tab.close()
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), list(map(Path, sys.argv[2:])))
