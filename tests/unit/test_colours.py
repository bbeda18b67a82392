"""Colours of the pages can be told from their background, in light and dark (WCAG 2.2, AA)."""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "connector/web/pages/static/page.css").read_text()
TEXT, GRAPHICS = 4.5, 3.0
STATES = ("applied", "progress", "backlog", "waiting", "deferred", "failed", "quarantined", "pending", "withheld")
PAIRS = [
    *((color, back, TEXT) for color in ("text", "muted", "accent") for back in ("bg", "surface", "sunken")),
    *((color, back, TEXT) for color in ("good", "warn", "bad") for back in ("surface", f"{color}-soft")),
    *((color, f"{back}-soft", TEXT) for color in ("text", "accent") for back in ("good", "warn", "bad")),
    *((state, "surface", GRAPHICS) for state in STATES),
]


def tokens(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


LIGHT, _, REST = CSS.partition("@media (prefers-color-scheme: dark)")
DARK = REST.partition("*, *::before")[0]


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (it / 12.92 if it <= 0.04045 else ((it + 0.055) / 1.055) ** 2.4 for it in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_dark_has_every_colour_of_light() -> None:
    assert tokens(LIGHT).keys() == tokens(DARK).keys()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("color", "background", "least"), PAIRS)
def test_contrast(scheme: str, color: str, background: str, least: float) -> None:
    colors = tokens(LIGHT if scheme == "light" else DARK)

    assert contrast(colors[color], colors[background]) >= least
