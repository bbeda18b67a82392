"""Takes the pictures of the status page: light, dark and narrow. Needs Chromium (see CONTRIBUTING.md)."""

import asyncio
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, FloatRect, Page, expect

from docs.images.palette import with_palette
from docs.images.showcase import ASSET, NEWS, NOW, QUERY, showcase
from tests.browser.chromium import NoBrowserError, chromium, find_chromium, opened

PAGES = {
    "overview": "/",
    "asset": f"/indexes/{NEWS}/assets/{ASSET}?from=10.8&to=16.2",
    "search": f"/search?q={QUERY.replace(' ', '+')}",
}
WINDOWS = {"light": ("light", 1120), "dark": ("dark", 1120), "narrow": ("light", 390)}
PHONE_HEIGHT, MARGIN = 1200, 24
MOST_BYTES = 600_000


@contextmanager
def served() -> Iterator[str]:
    """The address of the pages, which a thread of its own serves."""
    loop, ended, address = asyncio.new_event_loop(), asyncio.Event(), list[str]()
    ready = threading.Event()

    async def serve(directory: Path) -> None:
        async with showcase(directory) as url:
            address.append(url)
            ready.set()
            await ended.wait()

    with tempfile.TemporaryDirectory() as directory:
        thread = threading.Thread(target=loop.run_until_complete, args=(serve(Path(directory)),))
        thread.start()
        ready.wait()
        try:
            yield address[0]
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join()
            loop.close()


def area(page: Page, window: str) -> FloatRect:
    """Down to the second index, or to the height of a phone; without the room for a scrollbar, which is not there."""
    width, height = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    indexes = page.locator("section.index").all()
    if window == "narrow":
        height = min(height, PHONE_HEIGHT)
    elif len(indexes) > 1 and (box := indexes[1].bounding_box()):
        height = round(box["y"] + box["height"]) + MARGIN
    return {"x": 0, "y": 0, "width": width, "height": height}


def picture(browser: Browser, url: str, page_name: str, window: str) -> bytes:
    scheme, width = WINDOWS[window]
    with opened(browser, scheme=scheme, width=width, height=800) as (page, watch):
        page.clock.set_fixed_time(NOW * 1000)
        page.goto(f"{url}{PAGES[page_name]}")
        if page_name == "overview":
            expect(page.locator("#live-state")).to_have_text("Live")
        if page_name == "search":
            page.get_by_role("button", name="Search").click()
            expect(page.get_by_role("heading", level=3).first).to_be_visible()
        page.evaluate("document.activeElement.blur()")
        taken = page.screenshot(full_page=True, clip=area(page, window), animations="disabled", caret="hide")
        if watch.unexpected():
            sys.exit(f"{page_name}: {watch.unexpected()}")
    return with_palette(taken)


if __name__ == "__main__":
    try:
        binary = find_chromium()
    except NoBrowserError as reason:
        sys.exit(str(reason))
    total = 0
    with served() as served_at, chromium(binary) as started:
        for name in PAGES:
            for window_name in WINDOWS:
                taken = picture(started, served_at, name, window_name)
                Path(__file__).with_name(f"{name}-{window_name}.png").write_bytes(taken)
                total += len(taken)
    if total > MOST_BYTES:
        sys.exit(f"the pictures have {total:,} bytes, more than {MOST_BYTES:,}")
