"""Headless Chromium, if this machine has one, driven over real time by Playwright; no browser is ever downloaded."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),  # a webcam that shows a test card
)
PATIENCE_MS = 120_000
"""Every wait ends as soon as what it waits for is there; a busy machine may need long."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser. Skips the test where there is no Chromium."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS, timeout=PATIENCE_MS)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page in a window of its own, and what it asked for and complained about from its first moment on."""

    def __init__(self, browser: Browser, address: str | Path, **window):
        self.requests: list[str] = []
        """Addresses the page asked for, its own first; `data:` and `blob:` reach nothing and aren't among them."""
        self.complaints: list[str] = []
        """Warnings and errors on the console, and exceptions nobody caught."""
        self.context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **window})
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()
        self.page.on("request", self._asked)
        self.page.on("console", lambda said: said.type in ("warning", "error") and self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(address.as_uri() if isinstance(address, Path) else address)

    def _asked(self, request) -> None:
        if urlsplit(request.url).scheme not in ("data", "blob"):
            self.requests.append(request.url)
