"""Draws flow.svg, the picture of the data flow in README.md and docs/design.md: `make images`."""

from html import escape
from pathlib import Path

WIDTH, HEIGHT = 960, 330
FONT = "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
INK, FAINT, PAPER, ROOM, BOX = "#1f2933", "#52606d", "#ffffff", "#f0f4f8", "#ffffff"


def text(x: int, y: int, words: str, *, size: int = 13, color: str = FAINT, weight: str = "normal") -> str:
    style = f'font-size="{size}" fill="{color}" font-weight="{weight}" text-anchor="middle"'
    return f'<text x="{x}" y="{y}" {style}>{escape(words)}</text>'


def box(x: int, y: int, width: int, height: int, title: str, *lines: str, fill: str = BOX) -> list[str]:
    """A rounded box with a title and lines of explanation, centred."""
    middle, first = x + width // 2, y + height // 2 - 9 * len(lines) + 5
    return [
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="{fill}" stroke="{FAINT}"/>',
        text(middle, first, title, size=16, color=INK, weight="600"),
        *(text(middle, first + 20 + 18 * number, line) for number, line in enumerate(lines)),
    ]


def arrow(*points: tuple[int, int], both: bool = False) -> str:
    path = " ".join(f"{x},{y}" for x, y in points)
    start = ' marker-start="url(#head)"' if both else ""
    return f'<polyline points="{path}" fill="none" stroke="{INK}" stroke-width="1.6" marker-end="url(#head)"{start}/>'


def flow() -> str:
    head = (
        '<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        f'orient="auto-start-reverse"><path d="M0,0 L10,5 L0,10 z" fill="{INK}"/></marker>'
    )
    shapes = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="{PAPER}"/>',
        *box(10, 60, 170, 230, "TwelveLabs", "indexes of videos,", "segment embeddings", "by Marengo", fill=ROOM),
        f'<rect x="275" y="20" width="420" height="290" rx="12" fill="{ROOM}" stroke="{FAINT}"/>',
        text(485, 44, "connector", size=15, color=INK, weight="600"),
        *box(295, 60, 165, 70, "List", "until proven complete"),
        *box(510, 60, 165, 70, "Plan", "upsert, refresh, delete"),
        *box(295, 170, 165, 70, "Ledger", "what was written"),
        *box(510, 170, 165, 70, "Apply", "one asset per worker"),
        *box(
            780,
            60,
            170,
            230,
            "Qdrant",
            "a collection per model,",
            "a point per time range,",
            "a vector per option",
            fill=ROOM,
        ),
        arrow((180, 95), (295, 95)),
        text(228, 87, "listing"),
        arrow((460, 95), (510, 95)),
        arrow((460, 185), (485, 185), (485, 112), (510, 112)),
        arrow((592, 130), (592, 170)),
        arrow((460, 218), (510, 218), both=True),
        arrow((180, 272), (592, 272), (592, 240)),
        text(228, 264, "embeddings"),
        arrow((675, 205), (780, 205)),
        text(737, 197, "points"),
    ]
    attributes = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="{FONT}"'
    title = "<title>From TwelveLabs through the connector to Qdrant</title>"
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>', title, f"<defs>{head}</defs>", *shapes, "</svg>"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("flow.svg").write_text(flow(), encoding="utf-8")
