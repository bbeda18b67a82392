"""Draws a bar for each value as plain SVG that is readable on light and on dark pages. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.tables import number

WIDTH, ROW, LEFT, RIGHT, TOP = 720, 34, 150, 110, 52
FONT = "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
INK, FAINT, PAPER, FILL = "#1f2933", "#52606d", "#ffffff", "#3b82c4"


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: float


def bars(title: str, values: Sequence[Bar]) -> str:
    """Horizontal bars from zero, so that their lengths can be compared."""
    longest = max((bar.value for bar in values), default=0) or 1.0
    shapes = [_text(24, 32, title, size=16, color=INK, anchor="start")]
    for row, bar in enumerate(values):
        y, length = TOP + row * ROW, (WIDTH - LEFT - RIGHT) * bar.value / longest
        shapes += [
            _text(LEFT - 12, y + 17, bar.label, anchor="end"),
            f'<rect x="{LEFT}" y="{y}" width="{max(1.0, length):.1f}" height="24" rx="3" fill="{FILL}"/>',
            _text(LEFT + length + 10, y + 17, number(bar.value), color=INK, anchor="start"),
        ]
    return _picture(title, TOP + len(values) * ROW + 14, shapes)


def _text(x: float, y: float, words: str, *, size: int = 13, color: str = FAINT, anchor: str = "middle") -> str:
    style = f'font-size="{size}" fill="{color}" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def _picture(title: str, height: float, shapes: Sequence[str]) -> str:
    attributes = f'viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" font-family="{FONT}"'
    paper = f'<rect width="{WIDTH}" height="{height:.0f}" rx="12" fill="{PAPER}"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>'
    return "\n".join((head, f"<title>{escape(title)}</title>", paper, *shapes, "</svg>")) + "\n"
