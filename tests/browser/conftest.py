"""A real browser on the pages of a real daemon. Every console error, script error and CSP violation fails the test."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import PATIENCE_MS, NoBrowserError, Watch, chromium, find_chromium, opened

PageFactory = Callable[..., Page]

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def chromium_binary() -> Path:
    """Without Chromium the tests are skipped. In CI they fail, because a skipped test proves nothing."""
    try:
        return find_chromium()
    except NoBrowserError as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def browser(chromium_binary: Path) -> Iterator[Browser]:
    """For one module: while it runs, its event loop would be in the way of asynchronous tests."""
    with chromium(chromium_binary) as started:
        yield started


@pytest.fixture
def watches() -> list[Watch]:
    """One for each page of the test."""
    return []


@pytest.fixture
def new_page(browser: Browser, watches: list[Watch]) -> Iterator[PageFactory]:
    """Makes pages (see `opened`) that end with the test, which fails if something went wrong in one of them."""
    with ExitStack() as contexts:

        def make(**options: object) -> Page:
            page, watch = contexts.enter_context(opened(browser, **options))  # type: ignore[arg-type]  # passes them on
            watches.append(watch)
            return page

        yield make
    errors = [error for watch in watches for error in watch.unexpected()]
    assert errors == []
