"""The content of README.md and docs/ as data: recipes by name, tables by heading, links."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = {
    str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in (README, *sorted(ROOT.glob("docs/*.md")))
}

_RECIPE = re.compile(r"<!-- recipe: (?P<name>\S+) -->\n```\w+\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"""\]\(([^)\s]+)\)|(?:src|href)="([^"]+)\"""")

RECIPES = {found["name"]: found["code"] for text in PAGES.values() for found in _RECIPE.finditer(text)}


def section(page: str, heading: str) -> str:
    """The text between a heading and the next one of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#+ |\Z)", _prose(page), re.DOTALL | re.MULTILINE)
    if found is None:
        raise LookupError(f"{page} has no heading {heading!r}")
    return found[1]


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the section's first table, without the header."""
    rows = re.search(r"^\|.*?$(?:\n\|.*?$)*", section(page, heading), re.MULTILINE)
    if rows is None:
        raise LookupError(f"{page} has no table under {heading!r}")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows[0].splitlines()[2:]]


def code(cell: str) -> list[str]:
    """The texts in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def headings(page: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE)


def links(page: str) -> list[str]:
    """Targets of relative links and pictures, including anchors."""
    found = [first or second for first, second in _LINK.findall(_prose(page))]
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def dead_links() -> list[tuple[str, str]]:
    """(page, link) of each relative link whose file or heading does not exist."""
    return [(page, link) for page in PAGES for link in links(page) if not _leads_somewhere(page, link)]


def _leads_somewhere(page: str, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    return not anchor or anchor in _anchors(str(target.relative_to(ROOT)))


def _anchors(page: str) -> Iterator[str]:
    """Anchors as GitHub creates them."""
    for heading in headings(page):
        yield re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _prose(page: str) -> str:
    """Without code blocks, whose comments look like headings."""
    return _BLOCK.sub("", PAGES[page])
