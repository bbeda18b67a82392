"""Claims of docs/integrations.md; its recipes run in the tests of the frameworks."""

import re

import pytest

from connector.domain.payload_profile import DERIVED_KEYS, NESTED_KEYS
from tests.e2e.pages import RECIPES, ROOT, code, section, table

PAGE = "docs/integrations.md"
MOST_LINES = 8
FRAMEWORKS = ("langchain", "llamaindex", "haystack")


@pytest.mark.parametrize("recipe", sorted(name for name in RECIPES if name.startswith(FRAMEWORKS)))
def test_a_recipe_has_few_lines(recipe: str) -> None:
    lines = [line for line in RECIPES[recipe].splitlines() if line.strip()]
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= 120


def test_each_recipe_runs_in_the_test_of_its_framework() -> None:
    tests = "".join((ROOT / "tests" / "e2e" / f"test_{name}.py").read_text(encoding="utf-8") for name in FRAMEWORKS)
    recipes = [name for name in RECIPES if name.startswith(FRAMEWORKS)]

    assert len(recipes) == 5
    assert [name for name in recipes if f'"{name}"' not in tests] == []


def test_the_tested_versions_are_those_of_the_lock() -> None:
    lock = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))

    documented = {code(package)[0]: version for package, version, _ in table(PAGE, "LangChain, LlamaIndex, Haystack")}

    assert len(documented) == 5
    assert documented == {package: locked[package] for package in documented}


def test_the_keys_for_frameworks_are_documented() -> None:
    rows = {code(key)[0]: what for key, _, what in table("docs/payload.md", "Keys for frameworks")}

    assert set(rows) == set(DERIVED_KEYS)
    assert tuple(code(rows["metadata"])) == NESTED_KEYS


def test_the_danger_of_force_recreate_is_named() -> None:
    assert "force_recreate" in section(PAGE, "LangChain")
