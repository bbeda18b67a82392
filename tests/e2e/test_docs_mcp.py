"""docs/mcp.md: its examples give what it says, and it names every tool and placeholder."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from connector.search.agents.answer_size import MOST_CHARS
from connector.search.agents.tool_specs import BY_NAME, TOOLS
from connector.search.moment_links import FIELDS
from tests.e2e.agents import answer
from tests.e2e.pages import PAGES, ROOT, code, section
from tests.e2e.recipes import World, lines, synced_world

PAGE = "docs/mcp.md"
_JSON = r"```json\n(.*?)^```\n"
_CALL = re.compile(rf"<!-- call: (\w+) -->\n{_JSON}{_JSON}", re.DOTALL | re.MULTILINE)
CALLS = {found[1]: (json.loads(found[2]), json.loads(found[3])) for found in _CALL.finditer(PAGES[PAGE])}


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with synced_world(qdrant_binary, tmp_path_factory) as running:
        yield running


def assert_holds(actual: Any, shown: Any) -> None:
    """The page may leave out keys, and the rest of a list of texts."""
    if isinstance(shown, dict):
        assert shown.keys() <= actual.keys()
        for key, value in shown.items():
            assert_holds(actual[key], value)
    elif isinstance(shown, list):
        for one, other in zip(actual[: len(shown)], shown, strict=True):
            assert_holds(one, other)
    elif isinstance(shown, float):
        assert actual == pytest.approx(shown, abs=0.002)
    else:
        assert actual == shown


def test_the_page_has_an_example_of_each_tool() -> None:
    assert list(CALLS) == [tool.name for tool in TOOLS]
    for tool, (arguments, _) in CALLS.items():
        assert arguments.keys() <= BY_NAME[tool].input_schema["properties"].keys()


async def test_the_examples_give_what_the_page_says(world: World) -> None:
    server = StdioServerParameters(
        command=str(Path(sys.executable).with_name("connector")),
        args=["mcp"],
        env={**world.connector.settings, "PYTHONPATH": str(ROOT)},
        cwd=world.connector.directory,
    )
    async with Client(stdio_client(server)) as client:
        for tool, (arguments, shown) in CALLS.items():
            assert_holds(await answer(client, tool, **arguments), shown)


def test_the_recipe(world: World) -> None:
    found = lines(world.run("agent.py"))

    assert found[0] == "cup-final-highlights.mp4 12.813 19.887 listen to the goal celebration"
    assert len(found) == 3


def test_every_json_is_valid() -> None:
    blocks = re.findall(_JSON, PAGES[PAGE], re.DOTALL | re.MULTILINE)

    assert len(blocks) > 10
    for block in blocks:
        json.loads(block)


def test_the_placeholders_and_limits() -> None:
    text = section(PAGE, "Links")
    assert {it.strip("{}") for it in code(text) if it.startswith("{")} == set(FIELDS)
    assert f"about {MOST_CHARS:,} characters" in section(PAGE, "Errors and limits")
