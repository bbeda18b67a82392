"""What the README says, as data: its recipes by name and its tables by heading."""

import re
from pathlib import Path

TEXT = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")

_RECIPE = re.compile(r"<!-- recipe: (?P<name>\S+) -->\n```\w+\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)

RECIPES = {found["name"]: found["code"] for found in _RECIPE.finditer(TEXT)}


def section(heading: str) -> str:
    """The text between a heading and the next one of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#+ |\Z)", _prose(), re.DOTALL | re.MULTILINE)
    if found is None:
        raise LookupError(f"the README has no heading {heading!r}")
    return found[1]


def table(heading: str) -> list[list[str]]:
    """The cells of the section's first table, without its head."""
    rows = re.search(r"^\|.*?$(?:\n\|.*?$)*", section(heading), re.MULTILINE)
    if rows is None:
        raise LookupError(f"the README has no table under {heading!r}")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows[0].splitlines()[2:]]


def code(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def dead_links() -> list[str]:
    """Links into the page that no heading answers."""
    headings = re.findall(r"^#+ (.+)$", _prose(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return [link for link in re.findall(r"\]\(#([^)]+)\)", TEXT) if link not in anchors]


def _prose() -> str:
    """Without code, whose comments look like headings."""
    return re.sub(r"^```.*?^```$", "", TEXT, flags=re.DOTALL | re.MULTILINE)
