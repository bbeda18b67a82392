"""Packages import only lower levels, and each vendor has its place. The levels, from the bottom up."""

import ast
import sys
from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# One line per level: its packages import lower levels only, never each other.
LEVELS = (
    ("connector",),
    ("domain",),
    ("ports",),
    ("engine",),
    ("ledger", "twelvelabs", "qdrant", "settings", "telemetry", "simulator"),
    ("web", "cluster"),
    ("search",),
    ("app", "reindex"),
    ("daemon",),
    ("cli",),
    ("__main__",),
)
CORE = ("domain", "ports", "engine")
CORE_USES = {"msgspec", "numpy"}

# Imported package -> the only modules that may import it.
ONLY = {
    "httpx": {"connector.twelvelabs.transport", "connector.simulator.faults.webhook_sender"},
    "isal": {"connector.twelvelabs.inflating"},
    "simdjson": {"connector.twelvelabs.number_arrays"},
    "qdrant_client": {"connector.qdrant"},
    "grpc": {"connector.qdrant.failures"},
    "sqlite3": {"connector.ledger.sqlite", "connector.qdrant.failures"},
    "psycopg": {"connector.ledger.postgres"},
    "psycopg_pool": {"connector.ledger.postgres"},
    "pgqueuer": {"connector.cluster", "connector.ledger.postgres"},
    "connector.ledger.sqlite": {"connector.ledger", "connector.cli.commands"},
    "connector.ledger.postgres": {
        "connector.ledger.postgres",
        "connector.ledger.ledger_opening",
        "connector.cluster",
        "connector.app",
    },
    "apscheduler": {"connector.settings.cron", "connector.daemon.schedule"},
    "opentelemetry": {"connector.telemetry.asset_spans", "connector.telemetry.otlp"},
    "prometheus_client": {"connector.telemetry"},
    "uvicorn": {"connector.web", "connector.simulator"},
    "pydantic": {
        "connector.settings",
        "connector.qdrant.failures",
        "connector.qdrant.client_import",
        "connector.search.frameworks.langchain_search",
    },
    "starlette": {"connector.web", "connector.simulator", "connector.search.agents.mcp_http"},
    "mcp": {"connector.search.agents", "connector.cli.commands.serve_agents"},
    "mcp_types": {"connector.search.agents.mcp_server"},
    "anyio": {"connector.search.agents.stdio_pipes", "connector.search.agents.mcp_server"},
    "jsonschema": {"connector.search.agents.tool_arguments"},
    "pydantic_settings": {"connector.settings"},
    "dotenv": {"connector.settings.sources"},
    "jinja2": {"connector.web.pages"},
    "markupsafe": {"connector.web.pages"},
    "langchain_core": {"connector.search.frameworks.langchain_search"},
    "llama_index": {"connector.search.frameworks.llamaindex_search"},
    "haystack": {"connector.search.frameworks.haystack_search"},
    "typer": {"connector.cli"},
    "rich": {"connector.cli"},
    "connector.twelvelabs": {
        "connector.twelvelabs",
        "connector.cluster",
        "connector.app",
        "connector.cli.commands.sync",
        "connector.cli.first_sync",
        "connector.search.opening",
        "connector.search.query_embedding",
    },
    "connector.qdrant": {
        "connector.qdrant",
        "connector.app",
        "connector.reindex",
        "connector.cli.commands.reindex_switch",
        "connector.cli.opened_move",
        "connector.search.opening",
        "connector.search.collection_lookup",
        "connector.search.known_names",
        "connector.search.moment_finder",
        "connector.search.query_vectors",
        "connector.search.video_catalog",
    },
    "connector.cli": {"connector.cli", "connector.__main__"},
}
ENVIRONMENT_READER = "connector.settings.loading"


Imports = Mapping[str, Collection[str]]


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {module_name(file): ast.parse(file.read_text(encoding="utf-8")) for file in ROOT.glob("connector/**/*.py")}


def imported(tree: ast.Module, modules: Collection[str]) -> Iterator[str]:
    """Everything that a file imports; `from package import module` counts as an import of the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole in modules else base


IMPORTS: Imports = {module: sorted(set(imported(tree, TREES))) for module, tree in TREES.items()}


def level_of(module: str) -> int:
    unit = module.split(".")[1] if "." in module else module
    return next((height for height, level in enumerate(LEVELS) if unit in level), -1)


def own(imports: Imports) -> Iterator[tuple[str, str]]:
    """(module, imported module of the connector)."""
    return ((module, name) for module, names in imports.items() for name in names if within(name, "connector"))


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def unit_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def upward(imports: Imports) -> list[str]:
    """Imports that do not go down. Inside one package there are no levels; only cycles are forbidden."""
    return [
        f"{module} imports {name}"
        for module, name in own(imports)
        if unit_of(module) != unit_of(name) and level_of(module) <= level_of(name)
    ]


def cycle(imports: Imports) -> list[str]:
    """The modules of one cycle; empty if there is none."""
    graph: dict[str, set[str]] = {module: set() for module in imports}
    for module, name in own(imports):
        graph[module].add(name)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_module_is_in_a_package_with_a_level() -> None:
    assert [module for module in IMPORTS if level_of(module) < 0] == []
    assert {"connector.domain.plan", "connector.engine.cycle", "connector.qdrant.sink"} <= IMPORTS.keys()


def test_imports_go_downwards_only() -> None:
    assert upward(IMPORTS) == []


def test_no_modules_import_each_other() -> None:
    assert cycle(IMPORTS) == []


def test_imports_are_absolute() -> None:
    assert [module for module, names in IMPORTS.items() if any(name.startswith(".") for name in names)] == []


@pytest.mark.parametrize("what", ONLY)
def test_imported_only_where_it_belongs(what: str) -> None:
    users = {module for module, names in IMPORTS.items() if any(within(name, what) for name in names)}
    assert users
    assert {user for user in users if not any(within(user, place) for place in ONLY[what])} == set()


def test_the_core_knows_no_vendor() -> None:
    """Below the adapters, only the standard library, arrays and canonical JSON are imported."""
    core = {module: names for module, names in IMPORTS.items() if unit_of(module).split(".")[-1] in CORE}
    used = {(module, name.split(".")[0]) for module, names in core.items() for name in names}
    allowed = sys.stdlib_module_names | CORE_USES | {"connector"}
    assert {(module, name) for module, name in used if name not in allowed} == set()


def test_the_simulator_is_a_program_of_its_own() -> None:
    others = {
        name
        for module, name in own(IMPORTS)
        if within(module, "connector.simulator") and not within(name, "connector.simulator")
    }
    assert others - {"connector"} == set()


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        module
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"})
        or (isinstance(node, ast.ImportFrom) and node.module == "os")
    }
    assert readers == {ENVIRONMENT_READER}


@pytest.mark.parametrize(("lower", "higher"), [(below[-1], above[0]) for below, above in pairwise(LEVELS[1:])])
def test_an_upward_import_would_be_found(lower: str, higher: str) -> None:
    assert upward({f"connector.{lower}": [f"connector.{higher}"]}) == [f"connector.{lower} imports connector.{higher}"]
    assert upward({f"connector.{higher}": [f"connector.{lower}", "numpy"]}) == []


def test_neighbours_on_a_level_do_not_know_each_other() -> None:
    assert upward({"connector.qdrant.sink": ["connector.twelvelabs.source"]})
    assert not upward({"connector.qdrant.sink": ["connector.qdrant.session"]})


def test_a_cycle_would_be_found() -> None:
    assert set(cycle({"connector.a": ["connector.b"], "connector.b": ["connector.a"]})) == {
        "connector.a",
        "connector.b",
    }


def test_an_import_inside_a_function_counts() -> None:
    tree = ast.parse("def f():\n    from connector.engine import cycle\n    import httpx.x\n")
    assert list(imported(tree, {"connector.engine.cycle"})) == ["connector.engine.cycle", "httpx.x"]


def test_no_two_modules_have_one_name() -> None:
    names = [module.split(".")[-1] for module, tree in TREES.items() if not _is_package(module)]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_no_module_is_named_like_a_library() -> None:
    """`import requests` must not be ambiguous."""
    libraries = sys.stdlib_module_names | {"requests", "httpx", "grpc", "rich", "typer", "pydantic", "structlog", "mcp"}
    libraries |= {"langchain", "langchain_core", "llama_index", "haystack"}
    names = {part for module in TREES for part in module.split(".")[1:]}
    assert names & libraries == set()


def test_every_package_says_what_it_is() -> None:
    packages = [module for module in TREES if _is_package(module)]
    assert [package for package in packages if not ast.get_docstring(TREES[package])] == []


def _is_package(module: str) -> bool:
    return (ROOT / Path(*module.split(".")) / "__init__.py").exists()


def test_no_two_classes_have_one_name() -> None:
    names = [node.name for tree in TREES.values() for node in tree.body if isinstance(node, ast.ClassDef)]
    public = [name for name in names if not name.startswith("_")]
    assert sorted({name for name in public if public.count(name) > 1}) == []
