"""README.md and docs/ link to each other, and the README stays short."""

import ast
import re
from collections import Counter
from collections.abc import Iterable

import pytest

from docs.images import flow
from tests.e2e.pages import PAGES, README, RECIPES, ROOT, code, dead_links, headings, links, section, table

PACKAGES = {code(name)[0]: (content, imports) for name, content, imports in table("docs/design.md", "Packages")}


def test_the_readme_has_at_most_200_lines() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 200


def test_every_relative_link_leads_somewhere() -> None:
    assert {link.partition("#")[0] for page in PAGES for link in links(page)} >= {"docs/docker.md", "images/flow.svg"}
    assert dead_links() == []


def test_no_page_has_a_heading_twice() -> None:
    found = Counter((page, heading) for page in PAGES for heading in headings(page))

    assert len(found) > 100
    assert [heading for heading, count in found.items() if count > 1] == []


def test_the_readme_links_every_page() -> None:
    assert {page for page in PAGES if page != "README.md"} <= set(links("README.md"))


def test_the_picture_of_the_flow_is_what_its_script_draws() -> None:
    assert (ROOT / "docs/images/flow.svg").read_text(encoding="utf-8") == flow.flow(), "draw it again: make images"


def test_every_recipe_has_a_name_of_its_own() -> None:
    names = re.findall(r"<!-- recipe: (\S+) -->", "".join(PAGES.values()))

    assert sorted(names) == sorted(RECIPES)


def test_every_design_decision_names_what_was_rejected() -> None:
    decisions = re.split(r"^\d+\. ", section("docs/design.md", "Decisions"), flags=re.MULTILINE)[1:]

    assert len(decisions) >= 8
    assert [text[:40] for text in decisions if "*Rejected:*" not in text] == []


def test_every_package_has_a_row() -> None:
    modules = {it.stem for it in (ROOT / "connector").glob("*.py")}
    packages = {it.parent.name for it in (ROOT / "connector").glob("*/__init__.py")}

    assert PACKAGES.keys() == (modules | packages) - {"__init__", "__main__"}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_its_row_names(package: str) -> None:
    above = list(PACKAGES)[: list(PACKAGES).index(package)]
    row = PACKAGES[package][1]
    allowed = set(above) if row == "all above" else set(code(row))

    place = ROOT / "connector" / package
    files = list(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    assert files
    assert imported(ast.parse(file.read_text(encoding="utf-8")) for file in files) - {package} <= allowed


def imported(trees: Iterable[ast.Module]) -> set[str]:
    """Packages of the connector; `from connector import name` is the package of that name, unless it is a constant."""
    found: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "connector":
                found |= {alias.name for alias in node.names if not alias.name.startswith("__")}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("connector."):
                found.add((node.module or "").split(".")[1])
            elif isinstance(node, ast.Import):
                found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("connector.")}
    return found


def test_every_promise_names_tests_that_exist() -> None:
    rows = table("docs/reliability.md", "What is promised")
    assert len(rows) > 10
    for promise, proof in rows:
        files = [name for name in code(proof) if name.startswith("tests/")]
        assert files or "`make mutants`" in proof, promise
        assert all((ROOT / name).exists() for name in files), promise
