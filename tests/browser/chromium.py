"""Chromium of the machine, driven by Playwright: found, started, and watched for errors. Downloads nothing."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",  # it refuses to run as root otherwise; it opens loopback pages only
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 20_000


class NoBrowserError(Exception):
    """No Chromium is available for tests; the message says why."""


def find_chromium() -> Path:
    """CHROMIUM_BIN, or the first one in PATH. Raises NoBrowserError."""
    if given := os.environ.get("CHROMIUM_BIN"):
        return Path(given).resolve(strict=True)
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise NoBrowserError("no Chromium: install it (Debian's package is `chromium`), or set CHROMIUM_BIN")
    return Path(found)


@contextmanager
def chromium(binary: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass  # without slots: Playwright sets attributes on the objects whose methods it calls
class Watch:
    """What went wrong in the pages of a context: errors of scripts, of the console (also of the CSP), of requests."""

    errors: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()
    """Texts of errors that a test causes on purpose."""

    def follow(self, context: BrowserContext) -> None:
        context.on("console", self._said)
        context.on("weberror", lambda it: self._add(f"script: {it.error}"))
        context.on("requestfailed", self._failed)

    def unexpected(self) -> list[str]:
        return [error for error in self.errors if not any(part in error for part in self.allowed)]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._add(f"console: {message.text} ({message.location['url']})")

    def _failed(self, request: Request) -> None:
        # The browser itself ends the stream of a page that it leaves.
        if request.failure != "net::ERR_ABORTED":
            self._add(f"request: {request.url} {request.failure}")

    def _add(self, error: str) -> None:
        self.errors.append(error)


@contextmanager
def opened(
    browser: Browser, *, scheme: str = "light", width: int = 1280, height: int = 900, scale: float = 1.0
) -> Iterator[tuple[Page, Watch]]:
    """A page in a browser context of its own. `scheme` is light or dark; the size is in CSS pixels."""
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )
    context.set_default_timeout(PATIENCE_MS)
    watch = Watch()
    watch.follow(context)
    try:
        yield context.new_page(), watch
    finally:
        context.close()
