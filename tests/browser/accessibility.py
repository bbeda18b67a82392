"""What axe-core finds wrong in a page."""

from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_AXE = Axe()
_OPTIONS = {"resultTypes": ["violations"]}


def violations(page: Page) -> dict[str, list[str]]:
    """Color scheme -> rule, impact and elements of each violation; empty if the page is accessible in both."""
    found: dict[str, list[str]] = {}
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        if its := _AXE.run(page, options=_OPTIONS).response["violations"]:
            found[scheme] = [f"{it['id']} ({it['impact']}): {', '.join(_elements(it))}" for it in its]
    return found


def _elements(violation: dict[str, Any]) -> list[str]:
    return [str(node["target"][0]) for node in violation["nodes"]]


def overflow(page: Page) -> int:
    """By how many CSS pixels the page is wider than the window: it scrolls horizontally if that is not 0."""
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return max(int(wider), 0)
