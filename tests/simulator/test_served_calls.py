"""Which calls of the official SDK the simulator serves, as docs/simulator.md lists them."""

import ast
import re
from pathlib import Path

import twelvelabs

from connector.simulator import Scenario
from connector.simulator.api.application import routes_of
from connector.simulator.world.world import World

PAGE = Path(__file__).parents[2] / "docs/simulator.md"


def calls() -> set[tuple[str, str]]:
    """(method, path) of every call that the SDK can send, with one letter for each id."""
    found = set()
    for file in sorted(Path(twelvelabs.__file__).parent.rglob("raw_client.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and is_sent(node.func):
                method = next(it.value for it in node.keywords if it.arg == "method")
                assert isinstance(method, ast.Constant)
                found.add((str(method.value), f"/{path(node.args[0])}"))
    return found


def is_sent(function: ast.Attribute) -> bool:
    owner = function.value
    return function.attr in {"request", "stream"} and isinstance(owner, ast.Attribute) and owner.attr == "httpx_client"


def path(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
    assert isinstance(node, ast.Constant)
    return str(node.value)


def endpoints() -> set[tuple[str, str]]:
    """(method, path) of what the simulator serves, written in the same way."""
    routes = routes_of(World(Scenario.default(), lambda: 0.0, lambda: 0.0))
    return {(method, re.sub(r"\{\w+\}", "x", route.path)) for route in routes for method in route.methods or ()}


def test_the_page_says_how_many_calls_are_served() -> None:
    stated = re.search(r"\*\*(\d+) of the (\d+) calls\*\*", PAGE.read_text(encoding="utf-8"))
    assert stated is not None

    assert (int(stated[1]), int(stated[2])) == (len(endpoints() & calls()), len(calls()))


def test_every_endpoint_is_a_call_of_the_sdk() -> None:
    """HEAD comes with GET."""
    assert {endpoint for endpoint in endpoints() if endpoint[0] != "HEAD"} - calls() == set()


def test_the_page_lists_every_endpoint() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert {path for _, path in endpoints() if f"`{path.replace('/x', '/{id}')}`" not in page} == set()
